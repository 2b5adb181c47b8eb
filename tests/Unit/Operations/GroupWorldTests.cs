using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Jobs;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Revocation;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Access;
using CertAuthority.Tests.Unit.Jobs;
using CertAuthority.Tests.Unit.Model;
using Microsoft.Extensions.Logging.Abstractions;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>
/// Random changes of policy and inventory, with hosts that are reached or not, and hosts that fetch from a source which somebody holds back,
/// mixes and forges: each host accepts certificates by the files that it has, however old, and never one that the policy did not grant there.
/// </summary>
public sealed class GroupWorldTests : IAsyncLifetime
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice";

    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));

    // So long that three hosts are more than one certificate holds, and two groups are not.
    private static readonly string[] Logins = [.. Enumerable.Range(0, 28).Select(n => $"login-{new string('x', 50)}-{n:00}")];

    private static readonly LabelSelector[] Selectors = [Sample.Where("env=prod"), Sample.Where("type=db"), Sample.Where("env=prod", "type=db")];

    // The last three fetch their files.
    private static readonly string[] Names = ["n0", "n1", "n2", "n3", "f0", "f1", "f2"];

    // Everything that was ever published or reported, for whoever can write to the two directories.
    private readonly List<(ulong Version, (ulong First, ulong Last)[] Revoked)> lists = [];
    private readonly List<string> files = [];
    private readonly List<(HostReport Report, Guid Node)> reports = [];

    private readonly Dictionary<string, Host> hosts = new(StringComparer.Ordinal);
    private readonly List<Certificate> certificates = [];
    private readonly HashSet<(ulong Serial, string Host)> granted = [];

    private Dice dice = new(1);
    private HostWorld world = null!;
    private GroupsPublication publication = null!;
    private DateTimeOffset now = World.Now;
    private OwedWithdrawal? owed;
    private int grouped;
    private int stale;
    private int refused;
    private int taken;
    private int notTaken;
    private int confirmed;

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
        Assert.True(taken > 20 && notTaken > 50 && confirmed > 5, $"{taken} files of groups taken, {notTaken} not taken, {confirmed} confirmed by a report");
    }

    private async Task<string> Next()
    {
        switch (dice.Throw(24))
        {
            case < 3:
                return await Change("node", transaction => PutNode(transaction, dice.Of(Names), SomeLabels(), ends: dice.OneIn(8)));
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
                    transaction.Policy().Locks.GetValueOrDefault("l0")?.Id ?? Guid.NewGuid(), "l0", 1, new LockTarget(LockKind.Node, dice.Of("n0", "n1", "f0")), "", null)));
            case 10:
                return await Change("no lock", transaction =>
                {
                    if (transaction.Policy().Locks.GetValueOrDefault("l0") is { } one)
                        LockRow.Table.Remove(transaction, one);
                });
            case < 14:
                await Publish();
                foreach (var name in dice.Some(Names))
                    await Write(name);
                return await LogIn();
            case < 18 when owed is not null:
                await OwedWithdrawals.Finish(world.Authority, Root.Caller, Withdrawn.Nothing with { Owed = owed });
                owed = null;
                return "the rest is taken back";
            default:
                return dice.OneIn(3) ? await Report(dice.Of("f0", "f1", "f2")) : await Write(dice.Of(Names));
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
            await Publish();
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
            await Publish();
        if (name[0] == 'f')
            return Fetch(name);
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

    /// <summary>As certauthority-pull does it, from what whoever is on the way lays out: any list and any file of groups, of now or of before.</summary>
    private string Fetch(string name)
    {
        if (!hosts.TryGetValue(name, out var host))
            hosts[name] = host = new Host();
        var list = dice.OneIn(2) ? lists[^1] : lists[^(1 + dice.Throw(Math.Min(8, lists.Count)))];
        if (list.Version >= host.Version)
            (host.Version, host.Revoked) = list;
        var mine = files.Where(file => file.Contains($"\nnode {name}\n", StringComparison.Ordinal)).ToList();
        if (files.Count == 0 || mine.Count == 0)
            return $"{name} finds no groups";
        var text = dice.Throw(4) switch
        {
            0 => dice.Of(files.ToArray()),
            1 => dice.Of(mine.ToArray()),
            _ => mine[^1],
        };
        // Nobody else has the key.
        var file = dice.OneIn(8) ? System.Text.Encoding.ASCII.GetBytes(text.Replace("version 1", "version 2", StringComparison.Ordinal)) : world.AuditKey.SignedFile(GroupsFile.Purpose, text);
        if (world.AuditKey.TextOf(GroupsFile.Purpose, file) is not { } whole || GroupsFile.Parse(whole) is not { } groups || groups.Node != name
            || groups.Version > host.Version || groups.Version <= host.Kept)
        {
            notTaken++;
            return $"{name} does not take these groups";
        }
        (host.Kept, host.Tokens) = (groups.Version, [.. groups.Tokens]);
        taken++;
        return $"{name} takes {string.Join(' ', host.Tokens)} of list {groups.Version}";
    }

    /// <summary>The host says what it accepts, and the daemon reads that, or an earlier report that somebody kept.</summary>
    private async Task<string> Report(string name)
    {
        now = now.AddMinutes(1 + dice.Throw(12));
        if (Database.Read(snapshot => snapshot.Policy().Nodes.GetValueOrDefault(name)) is not { } node || !hosts.TryGetValue(name, out var host))
            return $"{name} reports nothing";
        reports.Add((new HostReport(name, now, host.Version, []) { Groups = [.. host.Tokens] }, node.Id));
        var (report, of) = dice.OneIn(3) ? dice.Of(reports.Where(one => one.Report.Node == name).ToArray()) : reports[^1];
        // The key of a host that was replaced is not on record.
        if (of != node.Id)
            return $"{name} has another key";
        await Database.Commit(transaction =>
        {
            var before = transaction.GroupsOf(node).Count(one => one.IsConfirmed);
            if (report.IsNext(transaction.NodeReport(node.Id)?.Time, now))
            {
                transaction.SetReport(node.Id, new NodeReport(report.Time, report.KrlVersion, null));
                transaction.SetConfirmed(node, report.Confirms(now));
            }
            var after = transaction.GroupsOf(node).Where(one => one.IsConfirmed).ToList();
            confirmed += after.Count > before ? 1 : 0;
            // What is confirmed is accepted: nobody is sent to a host that does not know the group.
            if (report == reports[^1].Report)
                Assert.All(after, one => Assert.Contains(one.Group.Token, host.Tokens));
            return true;
        }, takesAway: true);
        return $"{name} reports {string.Join(' ', report.Groups)}";
    }

    /// <summary>A list, and what a daemon that is not slow makes of it for hosts that fetch.</summary>
    private async Task Publish()
    {
        await world.Krl.Publish();
        var list = world.Krl.Latest!;
        lists.Add((list.Version, [.. OpenSsh.Krl.Parse(list.Bytes).Revoked.Select(range => (range.First, range.Last))]));
        if (dice.OneIn(3) || publication.Once(CancellationToken.None) == 0)
            return;
        foreach (var path in Directory.GetFiles(world.File("hosts/groups")).Order(StringComparer.Ordinal))
            if (world.AuditKey.TextOf(GroupsFile.Purpose, await File.ReadAllBytesAsync(path)) is { } text && !files.Contains(text))
                files.Add(text);
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
        NodeRow.Table.Put(transaction, Sample.Node(name, labels) with { Id = before?.Id ?? Guid.NewGuid(), Revision = (before?.Revision ?? 0) + 1, Push = name[0] == 'n', Expires = ends ? World.Now.AddMinutes(1) : null });
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
        world.Krl.PublishIn(new PublishDirectory(world.File("hosts"), (_, _) => null, ("audit_key.pub", [])));
        publication = new GroupsPublication(Database, world.Krl, world.AuditKey, HostWorld.Origin, NullLogger.Instance);
        await Database.Commit(transaction =>
        {
            foreach (var role in (string[])["r0", "r1", "d0"])
                Put(transaction, role);
            foreach (var node in Names)
                PutNode(transaction, node, ["env=prod", "type=db"]);
            Put(transaction, "g0", Selectors[0]);
            Put(transaction, "g1", Selectors[1]);
            PutUser(transaction, ["r0", "r1"]);
            return Withdrawals.Review(world.Authority, transaction, Root.Caller, World.Now);
        });
        await Publish();
    }

    public async Task DisposeAsync()
    {
        await world.Krl.StopAsync(CancellationToken.None);
        publication.Dispose();
        await world.DisposeAsync();
    }

    private sealed record Certificate(ulong Serial, ImmutableArray<string> Principals);

    /// <summary>The files of a host, as they were last written, whatever became of its node.</summary>
    private sealed class Host
    {
        public string[] Tokens { get; set; } = [];

        public (ulong First, ulong Last)[] Revoked { get; set; } = [];

        /// <summary>Of a host that fetches, the version of its list.</summary>
        public ulong Version { get; set; }

        /// <summary>Of a host that fetches, the version of the list that came with its groups.</summary>
        public ulong Kept { get; set; }
    }
}
