using System.Data.Common;
using CertAuthority.Access.Nodes;

namespace CertAuthority.Store;

/// <summary>The last report of a host.</summary>
/// <param name="Time">When the host made it, by its own clock.</param>
/// <param name="KrlVersion">The version of its revocation list.</param>
/// <param name="Witnessed">How many entries of the audit it witnessed; null for none.</param>
/// <param name="GroupsFault">What is in the way of its groups, as <see cref="HostReport.GroupsFault"/>; null for nothing.</param>
internal sealed record NodeReport(DateTimeOffset Time, ulong KrlVersion, long? Witnessed, string? GroupsFault = null)
{
    /// <summary>When the daemon took it, by its own clock.</summary>
    public DateTimeOffset Received { get; init; }
}

/// <summary>The table of what hosts report of themselves.</summary>
internal static class NodeReportTable
{
    /// <summary>Returns the last report of every node, by its ID.</summary>
    public static Dictionary<Guid, NodeReport> NodeReports(this Snapshot snapshot) =>
        snapshot.QueryReadable(
            "SELECT node_id, time, krl_version, witnessed, groups_fault, received FROM node_reports",
            row => (Id: row.Id("node_id"), Report: Row(row)))
            .ToDictionary(one => one.Id, one => one.Report);

    /// <summary>Returns the last report of a node; null for none.</summary>
    public static NodeReport? NodeReport(this Snapshot snapshot, Guid node) =>
        snapshot.QueryFirstReadable(
            "SELECT time, krl_version, witnessed, groups_fault, received FROM node_reports WHERE node_id = $1", Row, node);

    /// <summary>Records a report. It does nothing for a node that was removed meanwhile.</summary>
    public static void SetReport(this Transaction transaction, Guid node, NodeReport report) =>
        transaction.Execute(
            """
            INSERT INTO node_reports (node_id, time, krl_version, witnessed, groups_fault, received)
                SELECT id, $2, $3, $4, $5, $6 FROM nodes WHERE id = $1
            ON CONFLICT (node_id) DO UPDATE SET time = excluded.time, krl_version = excluded.krl_version,
                witnessed = coalesce(excluded.witnessed, node_reports.witnessed), groups_fault = excluded.groups_fault,
                received = excluded.received
            """, node, report.Time, (long)report.KrlVersion, report.Witnessed, report.GroupsFault, report.Received);

    private static NodeReport Row(DbDataReader row) =>
        new(
            row.Time("time"), (ulong)row.Long("krl_version"), row.IsNull("witnessed") ? null : row.Long("witnessed"),
            row.Text("groups_fault"))
        {
            Received = row.Time("received"),
        };
}
