using System.Collections.Immutable;
using System.Data.Common;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Users;

namespace CertAuthority.Store;

/// <summary>A host certificate as recorded. Once recorded it counts as issued, whether it has been signed or not.</summary>
/// <param name="Serial">The serial, from the same counter as user certificates.</param>
/// <param name="NodeId">The ID of the node.</param>
/// <param name="NodeName">The name of the node when the certificate was issued.</param>
/// <param name="Caller">The account that had it signed.</param>
/// <param name="Principals">The names that it certifies.</param>
/// <param name="Issued">The time of issue.</param>
/// <param name="ValidAfter">The first instant at which it is valid.</param>
/// <param name="ValidBefore">The first instant at which it is no longer valid.</param>
/// <param name="CaKeyId">The ID of the host CA key that signed it; 0 if that is not known.</param>
/// <param name="Certificate">The signed bytes; null if the daemon stopped before it signed.</param>
internal sealed record RecordedHostCertificate(
    ulong Serial,
    Guid NodeId,
    string NodeName,
    UnixIdentity Caller,
    ImmutableArray<string> Principals,
    DateTimeOffset Issued,
    DateTimeOffset ValidAfter,
    DateTimeOffset ValidBefore,
    long CaKeyId,
    byte[]? Certificate = null)
{
    /// <summary>The signed certificate as the line of a <c>HostCertificate</c> file.</summary>
    public string Line => OpenSsh.Certificate.ToLine(Certificate!, NodeName);
}

/// <summary>The table of host certificates.</summary>
internal static class HostCertificateTable
{
    private const string Columns =
        "serial, node_id, node_name, caller_uid, caller_account, principals, issued, valid_after, valid_before, ca, certificate";

    public static void InsertHostCertificate(this Transaction transaction, RecordedHostCertificate one, byte[] toBeSigned) =>
        transaction.Execute(
            $"INSERT INTO host_certificates ({Columns}, to_be_signed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, $11)",
            (long)one.Serial, one.NodeId, one.NodeName, one.Caller.Uid.Stored, one.Caller.Account, Rows.Json(one.Principals), one.Issued,
            one.ValidAfter, one.ValidBefore, one.CaKeyId, toBeSigned);

    public static void SetHostCertificate(this Transaction transaction, ulong serial, byte[] certificate) =>
        transaction.Execute("UPDATE host_certificates SET certificate = $2 WHERE serial = $1", (long)serial, certificate);

    /// <summary>Returns the last signed certificate of each existing node, by the node's ID, even if it has expired.</summary>
    public static Dictionary<Guid, RecordedHostCertificate> HostCertificates(this Snapshot snapshot) =>
        snapshot.QueryReadable(
            $"""
            SELECT {Columns} FROM host_certificates
            WHERE serial IN (SELECT (
              SELECT serial FROM host_certificates WHERE node_id = nodes.id AND certificate IS NOT NULL
              ORDER BY serial DESC LIMIT 1) FROM nodes)
            """, Row).ToDictionary(one => one.NodeId);

    /// <summary>Returns the last signed certificate of a node; null if there is none.</summary>
    public static RecordedHostCertificate? HostCertificate(this Snapshot snapshot, Node node) =>
        snapshot.QueryFirst(
            $"SELECT {Columns} FROM host_certificates WHERE node_id = $1 AND certificate IS NOT NULL ORDER BY serial DESC LIMIT 1", Row,
            node.Id);

    private static RecordedHostCertificate Row(DbDataReader row) => new(
        (ulong)row.Long("serial"), row.Id("node_id"), row.String("node_name"),
        new UnixIdentity(row.Uid("caller_uid"), row.Text("caller_account")), row.Texts("principals"), row.Time("issued"),
        row.Time("valid_after"), row.Time("valid_before"), row.Long("ca"),
        row.IsNull("certificate") ? null : Parsed(row.Bytes("certificate")));

    /// <summary>Returns the bytes if they are a certificate: a row that cannot be parsed counts as unreadable.</summary>
    private static byte[] Parsed(byte[] certificate)
    {
        OpenSsh.Certificate.Parse(certificate);
        return certificate;
    }
}
