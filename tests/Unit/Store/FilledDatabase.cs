using System.Collections.Immutable;
using System.Security.Cryptography;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>A database with a history, users, a policy and live certificates.</summary>
internal static class FilledDatabase
{
    /// <summary>The caller owns that many users, from u1 on. The others belong to accounts that nobody has.</summary>
    public const int Own = 10;

    /// <summary>Writes everything by the functions by which the daemon writes it; what has ended is spread over two years, and what is live is what the policy grants.</summary>
    public static async Task Write(string path, int history, int users, int roles, int nodes, int live)
    {
        await using var database = TestStore.Open(path);
        await Write(database, DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()), history, users, roles, nodes, live);
    }

    /// <summary>The same, in an open database and as of an instant.</summary>
    public static async Task Write(Database database, DateTimeOffset now, int history, int users, int roles, int nodes, int live)
    {
        await Each(roles, 100, (transaction, n) => RoleRow.Table.Put(transaction, RoleRow.Table.Read(n switch
        {
            0 => """{"version":"v8","allow":{"logins":["deploy"],"node_labels":{"type":["web"]},"request_roles":["dba"]}}""",
            1 => """{"version":"v8","allow":{"logins":["postgres"],"node_labels":{"*":["*"]}}}""",
            _ => $$$"""{"version":"v8","allow":{"logins":["r{{{n - 1}}}x"],"node_labels":{"env":["r{{{n - 1}}}"]} } }""",
        }, n switch { 0 => "web", 1 => "dba", _ => $"r{n - 1}" }) with
        { Id = Guid.NewGuid(), Revision = 1 }));
        await Each(nodes, 100, (transaction, n) => NodeRow.Table.Put(
            transaction, NodeRow.Table.Read($$$"""{"address":"n{{{n}}}.example.com:22","labels":{"type":"{{{(n < 10 ? "web" : "other")}}}","env":"r{{{n % 50}}}"}}""", $"n{n}")
                with
            { Id = Guid.NewGuid(), Revision = 1 }));
        var people = Enumerable.Range(1, users).Select(n => new User(
            Guid.NewGuid(), $"u{n}", 1, ["web"], [n <= Own ? UnixUser.TryParse("0")!.Value : UnixUser.Account($"u{n}")],
            ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty)).ToArray();
        await Each(users, 500, (transaction, n) => UserRow.Table.Put(transaction, people[n]));
        var step = TimeSpan.FromDays(730) / Math.Max(history, 1);
        var first = now.AddDays(-733);
        var body = new byte[520];
        RandomNumberGenerator.Fill(body);
        await Each(history, 2000, (transaction, n) =>
        {
            var (at, user) = (first + (n * step), people[n % people.Length]);
            var request = Request(user, at, n);
            transaction.InsertRequest(request);
            if (n % 2 == 0)
                transaction.InsertReview(request, 1, new Review(people[(n + 1) % people.Length].Id, "reviewer", [5002], ReviewDecision.Approve, ["dba"], "fine", at));
            transaction.InsertCertificate(Certificate((ulong)n + 1, user, request, at), body);
            transaction.Audit(new AuditEntry { Time = at, Event = "certificate.issued", User = user.Name, Requests = [request.Id.ToString()], Serial = $"{n + 1}", Reason = "performing DB migration tonight" });
        });
        await Each(live, 2000, (transaction, n) => transaction.InsertCertificate(
            Certificate((ulong)(history + n + 1), people[n % people.Length], null, now.AddMinutes(-n % 60)) with { ValidBefore = now.AddMinutes(-n % 60).AddHours(8) }, body));

        async Task Each(int count, int together, Action<Transaction, int> write)
        {
            foreach (var chunk in Enumerable.Range(0, count).Chunk(together))
                await database.Commit(transaction =>
                {
                    foreach (var n in chunk)
                        write(transaction, n);
                    return true;
                });
        }
    }

    // Of ten, four were approved and are over, two were never answered, four were denied.
    private static AccessRequest Request(User user, DateTimeOffset at, int n) => new()
    {
        Id = Guid.NewGuid(),
        Revision = 1,
        UserId = user.Id,
        UserName = user.Name,
        CreatorUid = 5001,
        Roles = [new PinnedRole(Guid.NewGuid(), "dba", 1)],
        GrantedRoles = n % 10 < 4 ? [new PinnedRole(Guid.NewGuid(), "dba", 1)] : [],
        StoredState = (n % 10) switch { < 4 => RequestState.Approved, < 6 => RequestState.Pending, _ => RequestState.Denied },
        Created = at,
        PendingUntil = at.AddHours(1),
        AccessUntil = at.AddHours(1),
        Reason = "performing DB migration tonight",
        SuggestedReviewers = [],
        Resolution = null,
        Terms = new AccessTerms(TimeSpan.FromHours(1), "role dba", RequestClock.Creation, SessionTtl: null, AssumeFrom: null, Shortened: []),
    };

    private static RecordedCertificate Certificate(ulong serial, User user, AccessRequest? request, DateTimeOffset at) => new()
    {
        Serial = serial,
        UserId = user.Id,
        UserName = user.Name,
        Caller = user.UnixUsers[0].IsUid ? new UnixIdentity(0, "root") : new UnixIdentity(5001, user.Name),
        KeyId = $"{user.Name}:{request?.Id}",
        Roles = [.. request?.Roles ?? [], new PinnedRole(Guid.NewGuid(), "web", 1)],
        Requests = request is null ? [] : [request.Id.ToString()],
        Principals = [.. request is null ? (string[])[] : ["postgres"], .. Enumerable.Range(0, 10).Select(n => $"deploy@n{n}")],
        Issued = at,
        ValidAfter = at.AddMinutes(-1),
        ValidBefore = at.AddHours(1),
        LimitedBy = "role dba",
        Permissions = SessionPermissions.Plain,
        Revoked = null,
        Session = serial,
    };
}
