using System.Collections.Immutable;
using System.Data.Common;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Users;

namespace CertAuthority.Store;

/// <summary>A host certificate as recorded: from then on it counts as issued, signed or not.</summary>
/// <param name="Serial">Of the same count as those of users.</param>
/// <param name="NodeId">Whose.</param>
/// <param name="NodeName">Its name then.</param>
/// <param name="Caller">Who had it signed.</param>
/// <param name="Principals">What it vouches for.</param>
/// <param name="Issued">When.</param>
/// <param name="ValidAfter">The first instant at which it is valid.</param>
/// <param name="ValidBefore">The first instant at which it is not valid any more.</param>
/// <param name="Certificate">The signed bytes; null where the daemon was stopped before it had signed.</param>
internal sealed record RecordedHostCertificate(
    ulong Serial,
    Guid NodeId,
    string NodeName,
    UnixIdentity Caller,
    ImmutableArray<string> Principals,
    DateTimeOffset Issued,
    DateTimeOffset ValidAfter,
    DateTimeOffset ValidBefore,
    byte[]? Certificate = null)
{
    /// <summary>The signed certificate as the line of a <c>HostCertificate</c> file.</summary>
    public string Line => OpenSsh.Certificate.ToLine(Certificate!, NodeName);
}

/// <summary>The table of host certificates.</summary>
internal static class HostCertificateTable
{
    private const string Columns =
        "serial, node_id, node_name, caller_uid, caller_account, principals, issued, valid_after, valid_before, certificate";

    public static void InsertHostCertificate(this Transaction transaction, RecordedHostCertificate one, byte[] toBeSigned) =>
        transaction.Execute(
            $"INSERT INTO host_certificates ({Columns}, to_be_signed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, $10)",
            (long)one.Serial, one.NodeId, one.NodeName, (long)one.Caller.Uid, one.Caller.Account, Rows.Json(one.Principals), one.Issued,
            one.ValidAfter, one.ValidBefore, toBeSigned);

    public static void SetHostCertificate(this Transaction transaction, ulong serial, byte[] certificate) =>
        transaction.Execute("UPDATE host_certificates SET certificate = $2 WHERE serial = $1", (long)serial, certificate);

    /// <summary>The last one that was signed for each node that exists, by the node's id; one that has ended too.</summary>
    public static Dictionary<Guid, RecordedHostCertificate> HostCertificates(this Snapshot snapshot) =>
        snapshot.QueryReadable(
            $"""
            SELECT {Columns} FROM host_certificates
            WHERE serial IN (SELECT (
              SELECT serial FROM host_certificates WHERE node_id = nodes.id AND certificate IS NOT NULL
              ORDER BY serial DESC LIMIT 1) FROM nodes)
            """, Row).ToDictionary(one => one.NodeId);

    /// <summary>The last one that was signed for a node; null where there is none.</summary>
    public static RecordedHostCertificate? HostCertificate(this Snapshot snapshot, Node node) =>
        snapshot.QueryFirst(
            $"SELECT {Columns} FROM host_certificates WHERE node_id = $1 AND certificate IS NOT NULL ORDER BY serial DESC LIMIT 1", Row,
            node.Id);

    private static RecordedHostCertificate Row(DbDataReader row) => new(
        (ulong)row.Long("serial"), row.Id("node_id"), row.String("node_name"),
        new UnixIdentity((uint)row.Long("caller_uid"), row.Text("caller_account")), row.Texts("principals"), row.Time("issued"),
        row.Time("valid_after"), row.Time("valid_before"),
        row.IsNull("certificate") ? null : Parsed(row.Bytes("certificate")));

    /// <summary>The bytes, when they are a certificate: what cannot be parsed is a row that cannot be read.</summary>
    private static byte[] Parsed(byte[] certificate)
    {
        OpenSsh.Certificate.Parse(certificate);
        return certificate;
    }
}
