using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>The audit without its numbers.</summary>
internal static class AuditReading
{
    public static List<AuditEntry> AuditEntries(this Snapshot snapshot, ListAudit ask) => snapshot.NumberedAudit(ask, ask.Limit).ConvertAll(one => one.Entry);
}
