using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>docs/lifetimes.md names limits; the daemon must have the same.</summary>
public class LifetimesDocumentTests
{
    [Fact]
    public void Table_has_every_time_option_with_its_site_limit()
    {
        var site = SiteLimits.Default;
        Assert.Equal(
            [
                ("tsh login --ttl", site.Certificate), ("tsh request create --session-ttl", site.Certificate), ("tsh request create --request-ttl", site.PendingRequest),
                ("tsh request create --max-duration", site.Access), ("tsh request create --assume-start-time", site.AssumeAhead),
            ],
            Document.Read("docs/lifetimes.md").Rows.Where(row => row[0].StartsWith("tsh ", StringComparison.Ordinal))
                .Select(row => (row[0], Durations.TryParse(row[2], out var limit) ? limit : TimeSpan.Zero)));
    }
}
