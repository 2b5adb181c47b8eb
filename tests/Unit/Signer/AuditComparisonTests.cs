using CertAuthority.Signer;

namespace CertAuthority.Tests.Unit;

public sealed class AuditComparisonTests
{
    private static readonly DateTimeOffset Until = SignerSample.Now;

    [Fact]
    public void Signatures_of_the_period_are_compared()
    {
        string[] log = [Line("2026-11-30T11:00:00Z", "a"), Line("2026-11-30T11:30:00Z", "b"), Line("2026-11-30T12:00:01Z", "c")];

        Assert.Equal(["a", "b"], Digests(log));
        Assert.Equal(["b"], AuditComparison.Signed([("log", log)], Until.AddMinutes(-30), Until).Select(one => one.Digest));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"time":"yesterday","digest":"a"}""")]
    [InlineData("""{"time":"2026-11-30T11:00:00Z","digest":1}""")]
    [InlineData("not json}")]
    public void Line_of_something_else_is_rejected(string line) =>
        Assert.Equal("log:2: this is no line of a signer's log", Assert.Throws<ComparisonException>(() => Digests([Line("2026-11-30T11:00:00Z", "a"), line])).Message);

    [Fact]
    public async Task Audit_is_read_by_its_digests()
    {
        Assert.Equal(
            ["a", "b"],
            (await AuditComparison.Recorded(Lines("""{"seq":1,"event":"certificate.issued","digest":"a"}""", """{"event":"user.created"}""", "", """{"event":"host_certificate.issued","digest":"b"}"""))).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("audit")]
    [InlineData("""{"digest":"a"}""")]
    public async Task Anything_else_than_an_audit_is_rejected(string line) =>
        Assert.Equal(
            "line 1 of the audit is no entry; pass what tctl audit ls --format=jsonl prints",
            (await Assert.ThrowsAsync<ComparisonException>(() => AuditComparison.Recorded(Lines(line)))).Message);

    private static IEnumerable<string> Digests(string[] log) => AuditComparison.Signed([("log", log)], since: null, Until).Select(one => one.Digest);

    private static string Line(string time, string digest) => $$"""{"time":"{{time}}","serial":1,"digest":"{{digest}}"}""";

    private static async IAsyncEnumerable<string> Lines(params string[] lines)
    {
        foreach (var line in lines)
        {
            await Task.Yield();
            yield return line;
        }
    }
}
