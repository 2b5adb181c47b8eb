using System.Text;
using CertAuthority.Access.Nodes;
using CertAuthority.Auditing;
using CertAuthority.Configuration;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Reads the reports that hosts leave in <c>reports_dir</c>, a file for each node. Others can write there, so a report counts only if the
/// host key that is on record signed it, for this node, and later than the last one.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="settings">The directory.</param>
/// <param name="log">Gets a line about each report that does not count, once.</param>
internal sealed class HostReports(CurrentAuthority ca, CurrentSettings settings, ILogger log)
    : Periodic(TimeSpan.FromSeconds(15), ca.Clock)
{
    // By node: the time of the file that was read last, and what was said of it.
    private readonly Dictionary<string, DateTime> read = new(StringComparer.Ordinal);

    protected override bool StartsAtOnce => true;

    protected override void Failed(Exception error) =>
        log.LogWarning("the reports of hosts cannot be read, and are tried again: {Why}", Printable.Escape(error.Message));

    protected internal override async Task Once(CancellationToken stopping)
    {
        if (settings.Now.Settings.ReportsDirectory is not { } directory || !Directory.Exists(directory))
            return;
        var now = ca.Now;
        foreach (var node in now.Database.Read(snapshot => snapshot.Policy().Nodes).Values)
        {
            var file = new FileInfo(Path.Combine(directory, node.Name));
            if (!file.Exists)
                continue;
            var changed = LeftFile.Changed(file);
            if (read.GetValueOrDefault(node.Name) == changed)
                continue;
            var isFirst = read.TryAdd(node.Name, changed);
            read[node.Name] = changed;
            if (await LeftFile.Take(file, left => Take(now, node, left, isFirst)) is { } fault)
                log.LogWarning("the report {File} does not count: {Why}", file.FullName, Printable.Escape(fault));
        }
    }

    /// <returns>Why the report does not count; null if it does.</returns>
    private static async Task<string?> Take(Authority ca, Node node, LeftFile left, bool isFirst)
    {
        if (left.Signature is not { } signature || HostReport.Parse(left.Text) is not { } report || report.Node != node.Name)
            return "it is malformed, or of another node";
        var (certificate, last) = ca.Database.Read(snapshot => (snapshot.HostCertificate(node), snapshot.NodeReport(node.Id)));
        if (certificate is null || Certificate.Parse(certificate.Certificate).Key != signature.Key)
            return "it was not signed by the host key that is on record";
        if (MessageSignature.Fault(signature, HostReport.Purpose, left.Signed) is not null)
            return "its signature does not fit";
        var now = ca.Now();
        // The one that was taken before the daemon started again.
        if (isFirst && report.Time == last?.Time)
            return null;
        if (!report.IsNext(last?.Time, now))
            return "it is not later than the last one, or from the future";
        var witnessed = await Witnessed(ca, node, report);
        await ca.Database.Commit(transaction =>
        {
            transaction.SetReport(
                node.Id, new NodeReport(report.Time, report.KrlVersion, witnessed, report.GroupsFault) { Received = now });
            if (!node.Push)
                transaction.SetConfirmed(node, report.Confirms(now));
            transaction.SetTrust(
                node.Id, CaPurpose.User,
                transaction.CaKeys(CaPurpose.User).Where(key => report.UserCas.Contains(Fingerprint.Compute(key.Key)))
                    .Select(key => key.Id),
                now);
            return true;
        }, takesAway: true);
        return null;
    }

    /// <summary>Compares the audit with what the host saw of it; what contradicts it is a fault of the audit.</summary>
    private static async Task<long?> Witnessed(Authority ca, Node node, HostReport report)
    {
        if (report.Checkpoint is null)
            return null;
        var kept = new byte[report.Checkpoint.Length];
        if (!Convert.TryFromBase64String(report.Checkpoint, kept, out var length))
            return null;
        kept = kept[..length];
        return await ca.Checkpoints.Compare(node.Name, kept) == Witness.Agrees
            ? ca.Checkpoints.Key.Read(Encoding.UTF8.GetString(kept))?.Size
            : null;
    }
}
