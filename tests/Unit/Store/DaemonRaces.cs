using System.Collections.Immutable;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Auditing;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Push;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>
/// Two daemons on one PostgreSQL database, one that leads and one that follows, on which people race: two approvals of one request, and then
/// logins with it against its denial, or against a lock of the user. Several users race at once, each for themselves.
/// </summary>
internal sealed class DaemonRaces : IAsyncDisposable
{
    /// <summary>How many logins race against each denial or lock.</summary>
    public const int LoginsOfRound = 16;

    private const int Users = 64;

    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));
    private static readonly string Key = new Ed25519PublicKey([.. Enumerable.Repeat((byte)7, 32)]).ToLine("any key");

    private readonly TemporaryFolder folder = new();
    private readonly Database first;
    private readonly Database second;
    private Authority leads = null!;
    private Authority follows = null!;
    private KrlPublisher krl = null!;
    private int left;

    private DaemonRaces()
    {
        var path = folder.File("certauthority.db");
        first = TestStore.Open(path);
        second = TestStore.OpenBeside(path);
    }

    /// <summary>A line for each race that left what it must not leave.</summary>
    public List<string> Violations { get; } = [];

    /// <summary>How many logins were issued a certificate, and how many were refused because what they rest on was gone.</summary>
    public (int Issued, int Refused) Outcomes => (issued, refused);

    private int issued;
    private int refused;

    public static async Task<DaemonRaces> Start()
    {
        var races = new DaemonRaces();
        await races.Furnish();
        return races;
    }

    /// <summary>Runs races; returns when all are over.</summary>
    public async Task Run(int rounds)
    {
        left = rounds;
        await Task.WhenAll(Enumerable.Range(0, Users).Select(user => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) is >= 0 and var round)
                try
                {
                    await Race(user, round);
                }
                // Whatever fails here, nobody should have met it.
                catch (Exception e)
                {
                    Violated($"race {round} failed: {e.GetBaseException().Message}");
                }
        })));
    }

    private async Task Race(int number, int round)
    {
        var name = $"user{number}";
        var user = new Caller(new UnixIdentity((uint)(5001 + number), name), IsRoot: false);
        var (one, other) = round % 2 == 0 ? (leads, follows) : (follows, leads);
        var isLock = round % 3 == 0;
        var id = (await Requests.Create(one, user, new CreateRequest(["dba"]))).Metadata.Name;
        var approvals = await Task.WhenAll(new[] { one, other }.Select(
            of => Task.Run(() => Attempt(() => Resolutions.Approve(of, Root, new ApproveRequest(id))))));
        if (approvals.Count(approved => approved) != 1)
            Violated($"{approvals.Count(approved => approved)} of two approvals of request {id} were accepted");

        // The denial begins at each place among the logins.
        var place = round % (LoginsOfRound + 1);
        var made = "";
        var logins = Begin(0, place);
        var taken = Task.Run(async () =>
        {
            if (isLock)
                made = (await Locks.Create(other, Root, new CreateLock(User: name))).Name;
            else
                await Resolutions.Deny(other, Root, new DenyRequest(id));
        });
        logins.AddRange(Begin(place, LoginsOfRound));
        await taken;
        Look();
        foreach (var login in logins)
            _ = await login ? Interlocked.Increment(ref issued) : Interlocked.Increment(ref refused);
        Look();
        if (!isLock)
            return;
        await Removals.Remove(leads, Root, new RemoveResource("lock", made));
        await Resolutions.Deny(one, Root, new DenyRequest(id));

        List<Task<bool>> Begin(int first, int end) => Enumerable.Range(first, end - first).Select(n => Task.Run(() => Attempt(
            () => Logins.Issue(n % 4 == 3 ? other : one, user, new Login(Key, Requests: [id]))))).ToList();

        void Look()
        {
            foreach (var live in one.Database.Read(snapshot => snapshot.LiveCertificates(snapshot.FindRequest(id, null), leads.Now())))
                Violated($"certificate {live.Serial} by request {id} is live after {(isLock ? $"{name} was locked" : "it was denied")}");
        }
    }

    private void Violated(string what)
    {
        lock (Violations)
            Violations.Add(what);
    }

    private static async Task<bool> Attempt<T>(Func<Task<T>> act)
    {
        try
        {
            await act();
            return true;
        }
        catch (ProblemException refused) when (refused.Problem.Code is ProblemCode.Denied or ProblemCode.NoLogin or ProblemCode.Conflict)
        {
            return false;
        }
    }

    private async Task Furnish()
    {
        var key = FileCaKey.LoadOrCreate(folder.File("user_ca"), CaPurpose.User);
        var user = new CaKeys(key, []);
        var current = new CurrentKeys(new KeyRing(user, new CaKeys(FileCaKey.LoadOrCreate(folder.File("host_ca"), CaPurpose.Host), []), user));
        var audit = AuditKey.LoadOrCreate(folder.File("audit_key"));
        var manifests = new Manifests(audit, "0123456789abcdef", current);
        var checkpoints = new Checkpoints(
            first, audit, new CheckpointFile(folder.File("audit_checkpoint"), audit), TimeProvider.System, NullLogger.Instance);
        krl = new KrlPublisher(
            first, TimeProvider.System, new ListOrigin("0123456789abcdef", "01234567", []), manifests, folder.File("revoked.krl"), NullLogger.Instance);
        await krl.StartAsync(CancellationToken.None);
        await krl.Publish();
        user = user with { Ids = [(await first.Commit(transaction => transaction.CaKey(CaPurpose.User, key.PublicKey, TimeProvider.System.GetUtcNow()))).Id] };
        current.Now = current.Now with { User = user, Sync = user };
        var limits = SiteLimits.Default with
        {
            LiveCertificatesPerUser = int.MaxValue,
            LoginsPerMinute = int.MaxValue,
            RequestsPerMinute = int.MaxValue,
            RequestsPerDay = int.MaxValue,
        };
        leads = new Authority(
            first, new SteadyClock(TimeProvider.System, "boot", before: null), current, krl, new RequestWatch(), new RateLimit<uint>(TimeProvider.System),
            new RefusalLimit(TimeProvider.System), limits, [])
        {
            Push = new HostPush(
                first, TimeProvider.System, krl, current, manifests, checkpoints, folder.File("push"),
                new CurrentSettings(new SettingsInForce(Settings.Default(), [])), NullLogger.Instance),
            Groups = new Groups(TimeProvider.System),
            Uids = new UidBook(TimeProvider.System, _ => null),
            Damage = new Damage(first, [], TimeProvider.System),
            AuditRemoval = new AuditRemoval(first, TimeProvider.System, NullLogger.Instance),
            Checkpoints = checkpoints,
        };
        follows = leads with { Database = second };
        await first.Commit(transaction =>
        {
            transaction.BeginSerialEpoch(TimeProvider.System.GetUtcNow());
            Put("contractor", new RoleConditions([], LabelSelector.None, [NamePattern.TryParse("dba", out _)!]));
            Put("dba", new RoleConditions([Template.TryParse("postgres", out _)!], LabelSelector.All, []));
            for (var n = 0; n < Users; n++)
                UserRow.Table.Put(transaction, new User(
                    Guid.NewGuid(), $"user{n}", 1, ["contractor"], [UnixUser.Account($"user{n}")],
                    ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty));
            return true;

            void Put(string name, RoleConditions allow) => RoleRow.Table.Put(transaction, new Role(
                Guid.NewGuid(), name, "v8", 1, "", ImmutableSortedDictionary<string, string>.Empty, null, allow, RoleConditions.Empty, RoleOptions.None));
        });
    }

    public async ValueTask DisposeAsync()
    {
        await krl.StopAsync(CancellationToken.None);
        krl.Dispose();
        await second.DisposeAsync();
        await first.DisposeAsync();
        leads.Keys.User.Signing.Dispose();
        folder.Dispose();
    }
}
