using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Store;

namespace CertAuthority.Flow;

/// <summary>The sinks of a configuration.</summary>
internal static class AuditSinks
{
    /// <summary>Creates the sinks that the settings name.</summary>
    public static List<AuditSink> From(Settings settings, Database database, TimeProvider clock) =>
    [
        .. settings.Audit.File is { } path
            ? (AuditSink[])[new AuditFile(
                path, seq => database.Read(snapshot => snapshot.StoredAudit(seq - 1, 1)).Find(entry => entry.Seq == seq))]
            : [],
        .. settings.Audit.Journal ? (AuditSink[])[new AuditJournal(JournalSocket.WellKnownPath)] : [],
        .. settings.Notify.Webhooks.Where(webhook => !webhook.Audit.IsEmpty)
            .Select(webhook => new AuditWebhook(webhook, settings.Notify.Timeout, clock)),
    ];
}
