using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>The audit without its numbers.</summary>
internal static class AuditReading
{
    public static List<AuditEntry> AuditEntries(this Snapshot snapshot, ListAudit ask) =>
        snapshot.NumberedAudit(new AuditWish(ask.User, ask.Request), ask.Limit).ConvertAll(one => one.Entry with { Seq = null });
}
