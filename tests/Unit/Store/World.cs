using System.Collections.Immutable;
using System.Data.Common;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Configuration;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>A real database file, a second pair of eyes on it, and the few rows that the cases need.</summary>
internal sealed class World : IAsyncDisposable
{
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TemporaryFolder folder = new();

    public World() => Database = TestStore.Open(Path);

    public string Path => folder.File("certauthority.db");

    public Database Database { get; private set; }

    /// <summary>The settings of a daemon without a configuration.</summary>
    public static CurrentSettings DefaultSettings => new(new SettingsInForce(Settings.Default(), []));

    /// <summary>For loops, which work under the settings in force.</summary>
    public static CurrentAuthority Current(Authority ca) => new(ca, new CurrentSettings(new SettingsInForce(
        Settings.Default() with { Limits = ca.Limits, UsersFromGroups = ca.UsersFromGroups }, ca.PrivilegedLogins)));

    public static AuditEntry Entry(string what) => new() { Time = Now, Event = what };

    public static User User(string name) =>
        new(Guid.NewGuid(), name, 1, [], [UnixUser.Account(name)], ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty);

    public static AccessRequest Request(User user, string? id = null) =>
        new()
        {
            Id = id is null ? Guid.NewGuid() : Guid.Parse(id),
            Revision = 1,
            UserId = user.Id,
            UserName = user.Name,
            CreatorUid = 5001,
            Roles = [new PinnedRole(Guid.NewGuid(), "dba", 1)],
            GrantedRoles = [],
            StoredState = RequestState.Pending,
            Created = Now,
            PendingUntil = Now.AddHours(1),
            AccessUntil = Now.AddHours(1),
            Reason = "why",
            SuggestedReviewers = ["bob"],
            Resolution = null,
            CreatorLoginUid = 4242,
            Terms = new AccessTerms(TimeSpan.FromHours(1), "role dba", RequestClock.Approval, TimeSpan.FromMinutes(30), Now.AddMinutes(20), ["the session ttl of 1h is shortened to 30m, limited by role dba"]),
        };

    public static RecordedCertificate Certificate(ulong serial, User user, DateTimeOffset? end = null, params string[] requests) =>
        new()
        {
            Serial = serial,
            UserId = user.Id,
            UserName = user.Name,
            Caller = new UnixIdentity(5001, user.Name),
            KeyId = user.Name,
            Roles = [new PinnedRole(Guid.NewGuid(), "dba", 1)],
            Requests = [.. requests],
            Principals = ["postgres"],
            Issued = Now,
            ValidAfter = Now.AddMinutes(-1),
            ValidBefore = end ?? Now.AddHours(1),
            LimitedBy = "role dba",
            Permissions = SessionPermissions.Plain,
            Revoked = null,
        };

    /// <summary>A connection of somebody else's.</summary>
    public DbConnection Outside(string mode = "ReadWrite") => TestStore.Outside(Path, mode);

    /// <summary>What makes the schema, step by step.</summary>
    public static IEnumerable<string> Migrations()
    {
        var assembly = typeof(Database).Assembly;
        return assembly.GetManifestResourceNames().Where(name => char.IsAsciiDigit(name[0]) && name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(name =>
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return reader.ReadToEnd();
        });
    }

    /// <summary>What is committed, seen from outside.</summary>
    public string[] Committed()
    {
        using var outside = Outside("ReadOnly");
        using var command = outside.CreateCommand();
        command.CommandText = "SELECT event FROM audit ORDER BY id";
        using var rows = command.ExecuteReader();
        var events = new List<string>();
        while (rows.Read())
            events.Add(rows.GetString(0));
        return [.. events];
    }

    /// <summary>Queues changes while the writer is held up, so that they run in one batch, in this order.</summary>
    public async Task<Task[]> InOneBatch(params Func<Transaction, string>[] changes)
    {
        using var started = new ManualResetEventSlim();
        using var queued = new ManualResetEventSlim();
        var first = Task.Run(() => Database.Commit(_ =>
        {
            started.Set();
            queued.Wait();
            return true;
        }));
        // The batch of the first is closed once it runs; all others fall into the next.
        started.Wait();
        Task[] others = [.. changes.Select(change => Database.Commit(change))];
        queued.Set();
        await first;
        await Task.WhenAll(others).ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(60));
        return others;
    }

    /// <summary>As after a restart of the daemon.</summary>
    public async Task Reopen()
    {
        await Database.DisposeAsync();
        Database = TestStore.Open(Path);
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        folder.Dispose();
    }
}
