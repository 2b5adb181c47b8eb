using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Access;
using CertAuthority.Tests.Unit.Jobs;
using CertAuthority.Tests.Unit.Model;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>
/// Random changes of policy and inventory, with hosts that are reached or not: each host accepts certificates by the files that it has, however
/// old, and never one that the policy did not grant there.
/// </summary>
public sealed class GroupWorldTests : IAsyncLifetime
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice";

    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));

    // So long that three hosts are more than one certificate holds, and two groups are not.
    private static readonly string[] Logins = [.. Enumerable.Range(0, 28).Select(n => $"login-{new string('x', 50)}-{n:00}")];

    private static readonly LabelSelector[] Selectors = [Sample.Where("env=prod"), Sample.Where("type=db"), Sample.Where("env=prod", "type=db")];

    private readonly Dictionary<string, Host> hosts = new(StringComparer.Ordinal);
    private readonly List<Certificate> certificates = [];
    private readonly HashSet<(ulong Serial, string Host)> granted = [];

    private Dice dice = new(1);
    private HostWorld world = null!;
    private OwedWithdrawal? owed;
    private int grouped;
    private int stale;
    private int refused;

    private Database Database => world.Store.Database;

    [Fact]
    public async Task Stale_host_accepts_nothing_that_was_not_granted()
    {
        for (ulong seed = 1; seed <= 5; seed++)
        {
            dice = new Dice(seed);
            for (var step = 0; step < 250; step++)
            {
                var what = await Next();
                Look($"seed {seed}, step {step}: {what}");
            }
        }
        // The steps met what they are about: certificates with groups, hosts with tokens that are over, and certificates that these keep out.
        Assert.True(grouped > 10 && stale > 50 && refused > 50, $"{grouped} certificates with groups, {stale} stale files, {refused} refused there");
    }

    private async Task<string> Next()
    {
        switch (dice.Throw(24))
        {
            case < 3:
                return await Change("node", transaction => PutNode(transaction, dice.Of("n0", "n1", "n2", "n3", "n4", "n5"), SomeLabels(), ends: dice.OneIn(8)));
            case 4:
                return await Change("node gone", transaction =>
                {
                    if (transaction.Policy().Nodes.Values.ToArray() is [_, ..] nodes)
                        NodeRow.Table.Remove(transaction, dice.Of(nodes));
                });
            case 5:
                return await Change("group", transaction => Put(transaction, dice.Of("g0", "g1"), dice.Of(Selectors)));
            case 6 when dice.OneIn(3):
                return await Change("group gone", transaction =>
                {
                    if (transaction.Policy().Groups.ToArray() is [_, ..] groups)
                        NodeGroupRow.Table.Remove(transaction, dice.Of(groups).Group);
                });
            case 7:
                return await Change("role", transaction => Put(transaction, dice.Of("r0", "r1", "d0")));
            case 8:
                return await Change("roles of a user", transaction => PutUser(transaction, ["r0", .. dice.Some(["r1", "d0"])]));
            case 9 when dice.OneIn(2):
                return await Change("lock", transaction => LockRow.Table.Put(transaction, new AccessLock(
                    transaction.Policy().Locks.GetValueOrDefault("l0")?.Id ?? Guid.NewGuid(), "l0", 1, new LockTarget(LockKind.Node, dice.Of("n0", "n1", "n2")), "", null)));
            case 10:
                return await Change("no lock", transaction =>
                {
                    if (transaction.Policy().Locks.GetValueOrDefault("l0") is { } one)
                        LockRow.Table.Remove(transaction, one);
                });
            case < 14:
                await world.Krl.Publish();
                foreach (var name in dice.Some(["n0", "n1", "n2", "n3", "n4", "n5"]))
                    await Write(name);
                return await LogIn();
            case < 18 when owed is not null:
                await OwedWithdrawals.Finish(world.Authority, Root.Caller, Withdrawn.Nothing with { Owed = owed });
                owed = null;
                return "the rest is taken back";
            default:
                return await Write(dice.Of("n0", "n1", "n2", "n3", "n4", "n5"));
        }
    }

    /// <summary>A change as an operation makes it. Sometimes the daemon stops before it has taken everything back.</summary>
    private async Task<string> Change(string what, Action<Transaction> change)
    {
        var atOnce = dice.OneIn(8) ? 0 : 1000;
        var withdrawn = await Database.Commit(transaction =>
        {
            change(transaction);
            return Withdrawals.Review(world.Authority with { ReviewedAtOnce = atOnce }, transaction, Root.Caller, World.Now);
        });
        if (withdrawn.Owed is { } more)
            owed = owed is null ? more : new OwedWithdrawal(owed.Rows.AddRange(more.Rows), null);
        else if (withdrawn.Revoked.Length > 0)
            await world.Krl.Publish();
        return what;
    }

    private async Task<string> LogIn()
    {
        try
        {
            var login = await CertAuthority.Operations.Logins.Issue(world.Authority with { Limits = SiteLimits.Default with { LiveCertificatesPerUser = 10_000 } }, new Caller(new UnixIdentity(5001, "alice"), IsRoot: true), new Login(Key));
            foreach (var one in login.Certificates)
                certificates.Add(new Certificate(ulong.Parse(one.Info.Serial), [.. one.Info.Principals]));
            grouped += login.Certificates.Count(one => one.Info.Principals.Any(principal => principal.Contains("@=", StringComparison.Ordinal)));
            return $"logs in: {login.Certificates.Length}";
        }
        catch (ProblemException e)
        {
            return $"logs in: {e.Problem.Detail}";
        }
    }

    /// <summary>As the daemon does it: the list, then the groups that were read with it, and then what the host confirms.</summary>
    private async Task<string> Write(string name)
    {
        if (dice.OneIn(2))
            await world.Krl.Publish();
        var list = world.Krl.Latest!;
        if (Database.Read(snapshot => snapshot.Policy().Nodes.GetValueOrDefault(name)) is not { } node)
            return $"{name} is not reached";
        if (!hosts.TryGetValue(name, out var host))
            hosts[name] = host = new Host();
        host.Revoked = [.. OpenSsh.Krl.Parse(list.Bytes).Revoked.Select(range => (range.First, range.Last))];
        if (list.Groups is null)
            return $"{name} keeps its groups";
        host.Tokens = [.. list.Groups.GetValueOrDefault(node.Id, [])];
        if (!dice.OneIn(4))
            await Database.Commit(transaction =>
            {
                transaction.SetConfirmed(node, [.. host.Tokens]);
                return true;
            }, takesAway: true);
        return $"{name} has {string.Join(' ', host.Tokens)}";
    }

    private void Look(string when)
    {
        var (policy, user, live) = Database.Read(snapshot => (snapshot.Policy(), snapshot.FindUser("alice"), snapshot.LiveCertificates(World.Now)));
        var alive = live.Select(one => one.Serial).ToHashSet();
        var locks = policy.LocksAt(World.Now);
        foreach (var certificate in certificates)
        {
            foreach (var principal in certificate.Principals.Select(CertAuthority.Access.Reach.Principals.Parse))
                foreach (var (name, host) in hosts)
                {
                    var isGranted = Grants(policy, user, locks, principal.Login, name);
                    if (isGranted && alive.Contains(certificate.Serial))
                        granted.Add((certificate.Serial, $"{principal.Login}@{name}"));
                    if (principal.Node != name && (principal.Group is null || !host.Tokens.Contains(principal.Group)))
                        continue;
                    var isRevokedThere = host.Revoked.Any(range => range.First <= certificate.Serial && certificate.Serial <= range.Last);
                    // Whatever is not revoked opens only what the policy grants now.
                    if (owed is null && !isGranted && alive.Contains(certificate.Serial))
                        Assert.Fail($"{when}: {name} accepts {principal} of the live certificate {certificate.Serial}");
                    // And a host that has an old list accepts nothing that was never granted there.
                    if (!isRevokedThere && !granted.Contains((certificate.Serial, $"{principal.Login}@{name}")))
                        Assert.Fail($"{when}: {name} accepts {principal} of certificate {certificate.Serial}, which was never granted there");
                    refused += isRevokedThere ? 1 : 0;
                }
        }
        stale += hosts.Values.Count(host => host.Tokens.Except(policy.Groups.Select(one => one.Group.Token)).Any());
    }

    /// <summary>The rules, written a second time: no role that denies, and one that allows. Each certificate lasts longer than a host that ends.</summary>
    private static bool Grants(Policy policy, User? user, LocksInForce locks, string login, string name)
    {
        if (user is null || policy.Nodes.GetValueOrDefault(name) is not { Expires: null } node || locks.On(LockKind.Node, name) is not null)
            return false;
        var roles = user.Roles.Select(role => policy.Roles.GetValueOrDefault(role)).ToList();
        return !roles.Contains(null)
            && !roles.Exists(role => role!.Deny.NodeLabels.Matches(node.Labels))
            && roles.Exists(role => role!.Allow.Logins.Any(one => one.Text == login) && role.Allow.NodeLabels.Matches(node.Labels));
    }

    private string[] SomeLabels() => [.. new[] { dice.Of("env=prod", "env=prod", "env=dev"), dice.Of("type=db", "type=db", "type=web") }];

    private static void PutNode(Transaction transaction, string name, string[] labels, bool ends = false)
    {
        var before = transaction.Policy().Nodes.GetValueOrDefault(name);
        NodeRow.Table.Put(transaction, Sample.Node(name, labels) with { Id = before?.Id ?? Guid.NewGuid(), Revision = (before?.Revision ?? 0) + 1, Push = true, Expires = ends ? World.Now.AddMinutes(1) : null });
    }

    private static void Put(Transaction transaction, string name, LabelSelector selector)
    {
        var before = transaction.Policy().Groups.FirstOrDefault(one => one.Group.Name == name)?.Group;
        NodeGroupRow.Table.Put(transaction, new NodeGroup(before?.Id ?? Guid.NewGuid(), name, (before?.Revision ?? 0) + 1, selector)
        {
            Token = before?.Selector.IsLike(selector) == true ? before.Token : NodeGroupRow.NewToken(name),
        });
    }

    private void Put(Transaction transaction, string name)
    {
        var before = transaction.Policy().Roles.GetValueOrDefault(name);
        var role = name == "d0"
            ? Sample.Role(name, denyOn: dice.Of(LabelSelector.None, LabelSelector.None, LabelSelector.None, LabelSelector.None, Sample.Where("type=web"), Sample.Where("env=dev"), Sample.Where("type=db")))
            : Sample.Role(name, Logins, dice.Of(Selectors));
        RoleRow.Table.Put(transaction, role with { Id = before?.Id ?? role.Id, Revision = (before?.Revision ?? 0) + 1 });
    }

    private static void PutUser(Transaction transaction, string[] roles)
    {
        var before = transaction.FindUser("alice");
        UserRow.Table.Put(transaction, World.User("alice") with
        {
            Id = before?.Id ?? Guid.NewGuid(),
            Revision = (before?.Revision ?? 0) + 1,
            Roles = [.. roles],
            UnixUsers = [UnixUser.TryParse("5001")!.Value],
        });
    }

    public async Task InitializeAsync()
    {
        world = await HostWorld.Start();
        await world.Krl.StartAsync(CancellationToken.None);
        await Database.Commit(transaction =>
        {
            foreach (var role in (string[])["r0", "r1", "d0"])
                Put(transaction, role);
            foreach (var node in (string[])["n0", "n1", "n2", "n3", "n4", "n5"])
                PutNode(transaction, node, ["env=prod", "type=db"]);
            Put(transaction, "g0", Selectors[0]);
            Put(transaction, "g1", Selectors[1]);
            PutUser(transaction, ["r0", "r1"]);
            return Withdrawals.Review(world.Authority, transaction, Root.Caller, World.Now);
        });
        await world.Krl.Publish();
    }

    public async Task DisposeAsync()
    {
        await world.Krl.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }

    private sealed record Certificate(ulong Serial, ImmutableArray<string> Principals);

    /// <summary>The files of a host, as they were last written, whatever became of its node.</summary>
    private sealed class Host
    {
        public string[] Tokens { get; set; } = [];

        public (ulong First, ulong Last)[] Revoked { get; set; } = [];
    }
}
