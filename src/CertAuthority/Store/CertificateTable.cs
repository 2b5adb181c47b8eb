using System.Collections.Immutable;
using System.Data.Common;
using CertAuthority.Access;

namespace CertAuthority.Store;

/// <summary>A certificate as recorded: from then on it counts as issued, signed or not.</summary>
internal sealed record RecordedCertificate(
    ulong Serial,
    Guid UserId,
    string UserName,
    string KeyId,
    ImmutableArray<PinnedRole> Roles,
    ImmutableArray<string> Requests,
    ImmutableArray<string> Principals,
    DateTimeOffset Issued,
    DateTimeOffset ValidAfter,
    DateTimeOffset ValidBefore,
    string LimitedBy,
    DateTimeOffset? Revoked);

/// <summary>The tables of certificates and of the requests they draw on.</summary>
internal static class CertificateTable
{
    private const string Columns = "serial, user_id, user_name, key_id, roles, requests, principals, issued, valid_after, valid_before, limited_by, revoked";

    public static void InsertCertificate(this Transaction transaction, RecordedCertificate certificate, byte[] toBeSigned)
    {
        transaction.Execute(
            $"INSERT INTO certificates ({Columns}, to_be_signed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, $12)",
            (long)certificate.Serial, certificate.UserId, certificate.UserName, certificate.KeyId, Rows.Json(certificate.Roles), Rows.Json(certificate.Requests),
            Rows.Json(certificate.Principals), certificate.Issued, certificate.ValidAfter, certificate.ValidBefore, certificate.LimitedBy, toBeSigned);
        foreach (var request in certificate.Requests)
            transaction.Execute("INSERT INTO certificate_requests (request_id, serial) VALUES ($1, $2)", request, (long)certificate.Serial);
    }

    public static List<RecordedCertificate> Certificates(this Snapshot snapshot, int? limit) =>
        snapshot.Query($"SELECT {Columns} FROM certificates ORDER BY serial DESC LIMIT $1", Row, limit ?? -1);

    public static RecordedCertificate? FindCertificate(this Snapshot snapshot, ulong serial, User user) =>
        snapshot.QueryFirst($"SELECT {Columns} FROM certificates WHERE serial = $1 AND user_id = $2", Row, (long)serial, user.Id);

    /// <summary>The certificates of a user that sshd would still accept.</summary>
    public static List<RecordedCertificate> LiveCertificates(this Snapshot snapshot, Guid userId, DateTimeOffset now) =>
        snapshot.Query($"SELECT {Columns} FROM certificates WHERE user_id = $1 AND valid_before > $2 AND revoked IS NULL ORDER BY serial", Row, userId, now);

    /// <summary>The certificates issued under a request that sshd would still accept.</summary>
    public static List<RecordedCertificate> LiveCertificates(this Snapshot snapshot, AccessRequest request, DateTimeOffset now) =>
        snapshot.Query(
            $"SELECT {Columns} FROM certificates WHERE serial IN (SELECT serial FROM certificate_requests WHERE request_id = $1) AND valid_before > $2 AND revoked IS NULL ORDER BY serial",
            Row, request.Id, now);

    public static void MarkRevoked(this Transaction transaction, RecordedCertificate certificate, DateTimeOffset now) =>
        transaction.Execute("UPDATE certificates SET revoked = $1 WHERE serial = $2 AND revoked IS NULL", now, (long)certificate.Serial);

    /// <summary>The serials that a revocation list of this moment must name, ascending. They stay for a day after their end: hosts' clocks differ.</summary>
    public static List<ulong> RevokedSerials(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.Query("SELECT serial FROM certificates WHERE revoked IS NOT NULL AND valid_before > $1 ORDER BY serial", row => (ulong)row.GetInt64(0), now.AddDays(-1));

    private static RecordedCertificate Row(DbDataReader row) => new(
        (ulong)row.GetInt64(0), row.Id(1), row.GetString(2), row.GetString(3), row.Pins(4), row.Texts(5), row.Texts(6),
        row.Time(7), row.Time(8), row.Time(9), row.GetString(10), row.IsDBNull(11) ? null : row.Time(11));
}
