using System.Collections.Immutable;
using System.Data.Common;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Store;

/// <summary>A certificate as recorded. Once recorded it counts as issued, whether it has been signed or not.</summary>
internal sealed record RecordedCertificate
{
    /// <summary>The serial, from 1.</summary>
    public required ulong Serial { get; init; }

    /// <summary>The user's ID, which never changes.</summary>
    public required Guid UserId { get; init; }

    /// <summary>The user's name when the certificate was issued.</summary>
    public required string UserName { get; init; }

    /// <summary>The account that logged in.</summary>
    public required UnixIdentity Caller { get; init; }

    /// <summary>The key ID, which sshd writes to its log.</summary>
    public required string KeyId { get; init; }

    /// <summary>The roles in use, as they were at that time.</summary>
    public required ImmutableArray<PinnedRole> Roles { get; init; }

    /// <summary>The IDs of the requests in use.</summary>
    public required ImmutableArray<string> Requests { get; init; }

    /// <summary>The logins that the certificate opens.</summary>
    public required ImmutableArray<string> Principals { get; init; }

    /// <summary>The time of issue.</summary>
    public required DateTimeOffset Issued { get; init; }

    /// <summary>The first instant at which it is valid.</summary>
    public required DateTimeOffset ValidAfter { get; init; }

    /// <summary>The first instant at which it is no longer valid.</summary>
    public required DateTimeOffset ValidBefore { get; init; }

    /// <summary>The rule that limited its lifetime.</summary>
    public required string LimitedBy { get; init; }

    /// <summary>What a session may do, and under which conditions.</summary>
    public required SessionPermissions Permissions { get; init; }

    /// <summary>When it was revoked; null if it is not revoked.</summary>
    public required DateTimeOffset? Revoked { get; init; }

    /// <summary>
    /// The name that distinguishes it from the other certificates of its login; null in a row from before such names existed.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>The login session that it belongs to; null in a row from before sessions existed.</summary>
    public ulong? Session { get; init; }

    /// <summary>The only node that it was requested for; null for all nodes.</summary>
    public string? Node { get; init; }

    /// <summary>The ID of the key that signed it; 0 if that is not known.</summary>
    public long CaKeyId { get; init; }

    /// <summary>Creates the record of a grant.</summary>
    /// <param name="grant">The grant.</param>
    /// <param name="caller">The account that logged in.</param>
    /// <param name="serial">The serial of the certificate.</param>
    /// <param name="now">The time of issue.</param>
    /// <param name="ca">The ID of the CA key that signs it.</param>
    /// <param name="session">The login session that it belongs to; null for none.</param>
    /// <param name="node">The only node that it was requested for; null for all nodes.</param>
    public static RecordedCertificate From(
        IssuanceGrant grant, UnixIdentity caller, ulong serial, DateTimeOffset now, long ca, ulong? session = null, string? node = null) =>
        new()
        {
            Serial = serial,
            UserId = grant.User.Id,
            UserName = grant.User.Name,
            Caller = caller,
            KeyId = grant.KeyId,
            Roles = grant.Roles,
            Requests = [.. grant.Requests.Select(request => request.ToString())],
            Principals = [.. grant.Principals.Select(principal => principal.ToString())],
            Issued = now,
            ValidAfter = grant.Validity.After,
            ValidBefore = grant.Validity.Before,
            LimitedBy = grant.Validity.LimitedBy,
            Permissions = grant.Permissions,
            Revoked = null,
            Name = grant.Name,
            Session = session,
            Node = node,
            CaKeyId = ca,
        };
}

/// <summary>
/// What a review needs of a certificate that sshd would still accept. The lists are left as they are stored, because reading them takes
/// longer than finding out that a certificate is like one before.
/// </summary>
internal sealed record LiveCertificate
{
    /// <inheritdoc cref="RecordedCertificate.Serial"/>
    public required ulong Serial { get; init; }

    /// <inheritdoc cref="RecordedCertificate.UserName"/>
    public required string UserName { get; init; }

    /// <inheritdoc cref="RecordedCertificate.Caller"/>
    public required UnixIdentity Caller { get; init; }

    /// <inheritdoc cref="RecordedCertificate.Issued"/>
    public required DateTimeOffset Issued { get; init; }

    /// <inheritdoc cref="RecordedCertificate.ValidBefore"/>
    public required DateTimeOffset ValidBefore { get; init; }

    /// <summary>The IDs of the requests in use, as stored.</summary>
    public required string Requests { get; init; }

    /// <summary>The principals, as stored.</summary>
    public required string Principals { get; init; }

    /// <summary>The permissions, as stored.</summary>
    public required string Permissions { get; init; }

    /// <summary>Whether it uses requests.</summary>
    public bool UsesRequests => Requests != "[]";

    /// <summary>Reads the lists.</summary>
    /// <exception cref="StoreException">One cannot be read.</exception>
    public (IssuedCertificate Issued, ImmutableArray<string> Requests) Read()
    {
        try
        {
            return (
                new IssuedCertificate(Caller, Issued, ValidBefore, Rows.Texts(Principals), Rows.Permissions(Permissions)),
                Rows.Texts(Requests));
        }
        catch (Exception e) when (e is not StoreException)
        {
            throw StoreException.OfRow("certificates", "serial", Serial, e);
        }
    }
}

/// <summary>The tables of certificates and of the requests that they use.</summary>
internal static class CertificateTable
{
    private const string Columns =
        "serial, user_id, user_name, caller_uid, caller_account, key_id, roles, requests, principals, issued, valid_after, valid_before, limited_by, permissions, revoked, name, session, node, ca";

    public static void InsertCertificate(this Transaction transaction, RecordedCertificate certificate, byte[] toBeSigned)
    {
        transaction.Issued(certificate.UserId);
        transaction.Add(
            $"INSERT INTO certificates ({Columns}, to_be_signed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, NULL, $15, $16, $17, $18, $19)",
            (long)certificate.Serial, certificate.UserId, certificate.UserName, certificate.Caller.Uid.Stored, certificate.Caller.Account,
            certificate.KeyId, Rows.Json(certificate.Roles), Rows.Json(certificate.Requests),
            Rows.Json(certificate.Principals), certificate.Issued, certificate.ValidAfter, certificate.ValidBefore, certificate.LimitedBy,
            Rows.Json(certificate.Permissions), certificate.Name, (long?)certificate.Session, certificate.Node, certificate.CaKeyId,
            toBeSigned);
        foreach (var request in certificate.Requests)
            transaction.Add("INSERT INTO certificate_requests (request_id, serial) VALUES ($1, $2)", request, (long)certificate.Serial);
    }

    /// <summary>Returns certificates, newest first; a filter that is null matches everything.</summary>
    /// <param name="snapshot">The database.</param>
    /// <param name="now">The current time, which separates live certificates from expired ones.</param>
    /// <param name="user">The name of a user.</param>
    /// <param name="request">The ID of a request.</param>
    /// <param name="state"><c>live</c>, <c>expired</c> or <c>revoked</c>.</param>
    /// <param name="node">A node on which they open a login.</param>
    /// <param name="limit">The largest number of certificates to return.</param>
    /// <param name="before">Only certificates with a lower serial.</param>
    /// <param name="groups">The names of the groups that the node is in.</param>
    public static List<RecordedCertificate> Certificates(
        this Snapshot snapshot, DateTimeOffset now, string? user = null, string? request = null, string? state = null, string? node = null,
        int? limit = null, long? before = null, string[]? groups = null) =>
        snapshot.Query(
            Sql(user, request, state, node), Row, user, request, now, node, limit ?? long.MaxValue, before ?? long.MaxValue,
            Rows.Json(groups ?? []));

    // Contains only the conditions of the question, so that each question is answered from the index that fits it. A plus sign, or an empty
    // text, keeps a column from deciding which one that is: few certificates are live, or of one request, but many have a lower serial.
    private static string Sql(string? user, string? request, string? state, string? node)
    {
        var isFew = request is not null || state == "live";
        string[] conditions =
        [
            isFew ? "+serial < $6" : "serial < $6",
            .. user is null ? (string[])[] : [isFew ? "user_name || '' = $1" : "user_name = $1"],
            .. request is null ? (string[])[] : ["serial IN (SELECT serial FROM certificate_requests WHERE request_id = $2)"],
            .. state switch
            {
                null => (string[])[],
                "revoked" => ["revoked IS NOT NULL"],
                "expired" => ["revoked IS NULL", "+valid_before <= $3"],
                _ => ["revoked IS NULL", request is null ? "valid_before > $3" : "+valid_before > $3"],
            },
            .. node is null
                ? (string[])[]
                : [
                    // After "@=" stands the name of a group, then a dot and 16 digits.
                    """
                    EXISTS (SELECT 1 FROM json_each(principals) WHERE value NOT LIKE '%@%'
                        OR substr(value, length(value) - length($4)) = '@' || $4
                        OR (instr(value, '@=') > 0 AND substr(value, instr(value, '@=') + 2, length(value) - instr(value, '@=') - 18)
                            IN (SELECT value FROM json_each($7))))
                    """,
                ],
        ];
        return $"SELECT {Columns} FROM certificates WHERE {string.Join(" AND ", conditions)} ORDER BY {(isFew ? "+" : "")}serial DESC LIMIT $5";
    }

    public static RecordedCertificate? FindCertificate(this Snapshot snapshot, ulong serial) =>
        snapshot.QueryFirst($"SELECT {Columns} FROM certificates WHERE serial = $1", Row, (long)serial);

    /// <summary>Finds a certificate, and the bytes that were signed for it.</summary>
    public static (RecordedCertificate Recorded, byte[] ToBeSigned)? FindSigned(this Snapshot snapshot, ulong serial) =>
        snapshot.QueryFirst(
            $"SELECT {Columns}, to_be_signed FROM certificates WHERE serial = $1 AND to_be_signed IS NOT NULL",
            row => ((RecordedCertificate, byte[])?)(Row(row), row.Bytes("to_be_signed")), (long)serial);

    /// <summary>Returns all certificates that sshd would still accept.</summary>
    // Ordered by +serial: for an order by serial, SQLite would read the whole table, which has that order, instead of the index.
    public static List<RecordedCertificate> LiveCertificates(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.Query($"SELECT {Columns} FROM certificates WHERE valid_before > $1 AND revoked IS NULL ORDER BY +serial", Row, now);

    public static int CountLive(this Snapshot snapshot, DateTimeOffset now) =>
        (int)snapshot.QueryFirst(
            "SELECT count(*) FROM certificates WHERE valid_before > $1 AND revoked IS NULL", row => row.GetInt64(0), now);

    /// <summary>Counts the certificates of a user that sshd would still accept.</summary>
    public static int CountLive(this Snapshot snapshot, Guid user, DateTimeOffset now) =>
        (int)snapshot.QueryFirst(
            "SELECT count(*) FROM certificates WHERE user_id = $1 AND valid_before > $2 AND revoked IS NULL", row => row.GetInt64(0), user,
            now);

    /// <summary>Returns whether a certificate that sshd would still accept has a longer lifetime than certificates may have.</summary>
    public static bool HasCertificatesLongerThan(this Snapshot snapshot, TimeSpan longest, DateTimeOffset now) =>
        snapshot.QueryFirst(
            "SELECT 1 FROM certificates WHERE valid_before > $1 AND revoked IS NULL AND valid_before - issued > $2 LIMIT 1",
            row => row.GetInt64(0), now, longest) == 1;

    public static RecordedCertificate? FindCertificate(this Snapshot snapshot, ulong serial, User user) =>
        snapshot.QueryFirst($"SELECT {Columns} FROM certificates WHERE serial = $1 AND user_id = $2", Row, (long)serial, user.Id);

    /// <summary>Returns the certificates of a user that sshd would still accept.</summary>
    public static List<RecordedCertificate> LiveCertificates(this Snapshot snapshot, Guid userId, DateTimeOffset now) =>
        snapshot.Query(
            $"SELECT {Columns} FROM certificates WHERE user_id = $1 AND valid_before > $2 AND revoked IS NULL ORDER BY +serial", Row,
            userId, now);

    /// <summary>Returns what a review needs of the certificates of a user that sshd would still accept.</summary>
    public static List<LiveCertificate> CertificatesToReview(this Snapshot snapshot, Guid userId, DateTimeOffset now) =>
        snapshot.Query(
            """
            SELECT serial, user_name, caller_uid, caller_account, issued, valid_before, requests, principals, permissions FROM certificates
            WHERE user_id = $1 AND valid_before > $2 AND revoked IS NULL ORDER BY +serial
            """,
            row => new LiveCertificate
            {
                Serial = (ulong)row.Long("serial"),
                UserName = row.String("user_name"),
                Caller = new UnixIdentity(row.Uid("caller_uid"), row.Text("caller_account")),
                Issued = row.Time("issued"),
                ValidBefore = row.Time("valid_before"),
                Requests = row.String("requests"),
                Principals = row.String("principals"),
                Permissions = row.String("permissions"),
            },
            userId, now);

    /// <summary>Counts the login sessions of a user that have a certificate which sshd would still accept.</summary>
    /// <param name="snapshot">The database.</param>
    /// <param name="caller">An account that may act as the user.</param>
    /// <param name="user">The user. A certificate from before sessions were recorded is a login of its own.</param>
    /// <param name="now">Separates live certificates from expired ones.</param>
    /// <param name="except">A session that does not count; null for none.</param>
    public static int CountLiveSessions(
        this Snapshot snapshot, UnixIdentity caller, User user, DateTimeOffset now, ulong? except = null) =>
        // Of any other user, there is no number, and it must not count as none.
        snapshot.Ask(LiveSessions(caller, now, except)).Where(one => one.User == user.Id).Select(one => one.Count)
            .DefaultIfEmpty(int.MaxValue).First();

    /// <summary>
    /// Asks for the number of login sessions of each user that an account may act as, so that nobody has to know before whom it acts as.
    /// </summary>
    public static Question<(Guid User, int Count)> LiveSessions(UnixIdentity caller, DateTimeOffset now, ulong? except) =>
        new(
            """
            SELECT user_id, (SELECT count(DISTINCT coalesce(session, serial)) FROM certificates
                WHERE certificates.user_id = user_accounts.user_id AND valid_before > $3 AND revoked IS NULL
                    AND (CAST($4 AS BIGINT) IS NULL OR session IS DISTINCT FROM $4)) AS sessions
            FROM user_accounts WHERE entry IN ($1, $2)
            """,
            row => (row.Id("user_id"), (int)row.Long("sessions")), [.. UserTable.Entries(caller), now, (long?)except])
        {
            User = one => one.User,
        };

    /// <summary>Returns whether the session already has a certificate for one node, revoked or not.</summary>
    public static bool HasCertificateFor(this Snapshot snapshot, ulong session, string node) =>
        snapshot.QueryFirst(
            "SELECT count(*) FROM certificates WHERE session = $1 AND node = $2", row => row.GetInt64(0), (long)session, node) > 0;

    /// <summary>Returns the certificates issued under a request that sshd would still accept.</summary>
    public static List<RecordedCertificate> LiveCertificates(this Snapshot snapshot, AccessRequest request, DateTimeOffset now) =>
        snapshot.Query(
            $"SELECT {Columns} FROM certificates WHERE serial IN (SELECT serial FROM certificate_requests WHERE request_id = $1) AND valid_before > $2 AND revoked IS NULL ORDER BY serial",
            Row, request.Id, now);

    public static void MarkRevoked(this Transaction transaction, RecordedCertificate certificate, DateTimeOffset now) =>
        transaction.Write("UPDATE certificates SET revoked = $1 WHERE serial = $2 AND revoked IS NULL", now, (long)certificate.Serial);

    /// <summary>
    /// Returns the serials that a revocation list must contain now, in ascending order, with the ID of the CA key (0 for every key). They
    /// stay for a day after they expire, because hosts' clocks differ.
    /// </summary>
    public static List<(long CaKeyId, ulong Serial)> RevokedSerials(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.Query(
            "SELECT ca, serial FROM certificates WHERE revoked IS NOT NULL AND valid_before > $1 ORDER BY +serial",
            row => row.Long("serial") is > 0 and var serial
                ? (row.Long("ca"), (ulong)serial)
                : throw new InvalidDataException("serials begin with 1"),
            now.AddDays(-1));

    /// <summary>Counts the serials that <see cref="RevokedSerials"/> returns.</summary>
    public static int CountRevoked(this Snapshot snapshot, DateTimeOffset now) =>
        (int)snapshot.QueryFirst(
            "SELECT count(*) FROM certificates WHERE revoked IS NOT NULL AND valid_before > $1", row => row.GetInt64(0), now.AddDays(-1));

    /// <summary>Reads certificates, in the order of their serials.</summary>
    /// <returns>The last serial; the one after which it began if there is none.</returns>
    public static long InspectCertificates(this Inspection inspection, long after, int most)
    {
        var serials = inspection.Query(
            "SELECT serial FROM certificates WHERE serial > $1 ORDER BY serial LIMIT $2", row => row.GetInt64(0), after, most);
        if (serials is not [.., var last])
            return after;
        inspection.Query($"SELECT {Columns} FROM certificates WHERE serial > $1 AND serial <= $2", Row, after, last);
        return last;
    }

    private static RecordedCertificate Row(DbDataReader row) => new()
    {
        Serial = (ulong)row.Long("serial"),
        UserId = row.Id("user_id"),
        UserName = row.String("user_name"),
        Caller = new UnixIdentity(row.Uid("caller_uid"), row.Text("caller_account")),
        KeyId = row.String("key_id"),
        Roles = row.Pins("roles"),
        Requests = row.Texts("requests"),
        Principals = row.Texts("principals"),
        Issued = row.Time("issued"),
        ValidAfter = row.Time("valid_after"),
        ValidBefore = row.Time("valid_before"),
        LimitedBy = row.String("limited_by"),
        Permissions = row.Permissions("permissions"),
        Revoked = row.IsNull("revoked") ? null : row.Time("revoked"),
        Name = row.Text("name"),
        Session = row.IsNull("session") ? null : (ulong)row.Long("session"),
        Node = row.Text("node"),
        CaKeyId = row.Long("ca"),
    };
}
