namespace CertAuthority.Tctl.Reports;

/// <summary>The times that a report is about.</summary>
/// <param name="Taken">When the report is taken.</param>
/// <param name="Since">The first instant of the period.</param>
/// <param name="Until">The first instant after the period; null if it ends with the last entry that the report contains.</param>
/// <param name="Unused">How long before <paramref name="Taken"/> a role must not have been in use to be unused.</param>
internal sealed record ReportPeriod(DateTimeOffset Taken, DateTimeOffset Since, DateTimeOffset? Until, TimeSpan Unused)
{
    /// <summary>The instant since which a role must have been in use.</summary>
    public DateTimeOffset UnusedSince => Taken - Unused;

    /// <summary>The first instant at which an entry of the audit matters.</summary>
    public DateTimeOffset Begin => Since < UnusedSince ? Since : UnusedSince;

    /// <summary>Whether an instant is in the period.</summary>
    public bool Has(DateTimeOffset time) => time >= Since && (Until is null || time < Until);
}
