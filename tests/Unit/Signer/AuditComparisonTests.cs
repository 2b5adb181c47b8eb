using CertAuthority.Signer;

namespace CertAuthority.Tests.Unit;

public sealed class AuditComparisonTests
{
    private static readonly DateTimeOffset Last = SignerSample.Now;

    [Fact]
    public void Signatures_before_the_last_entry_are_compared()
    {
        string[] log = [Line("2026-11-30T11:00:00Z", "a"), Line("2026-11-30T11:59:59Z", "b"), Line("2026-11-30T12:00:00Z", "c"), Line("2026-11-30T12:00:01Z", "d")];

        Assert.Equal(["a", "b"], Digests(log));
        Assert.Equal(2, AuditComparison.Signed([("log", log)], since: null, Last).Later);
    }

    [Fact]
    public void Signature_at_the_edge_of_a_part_raises_no_alarm()
    {
        // The entry of the first one is a moment older, and so before the part.
        string[] log = [Line("2026-11-30T11:00:00Z", "a"), Line("2026-11-30T11:00:10Z", "b"), Line("2026-11-30T11:00:11Z", "c")];

        Assert.Equal(["c"], AuditComparison.Signed([("log", log)], Last.AddHours(-1), Last).Signed.Select(one => one.Digest));
    }

    [Fact]
    public async Task Empty_audit_is_compared_with_nothing()
    {
        foreach (var empty in (string[][])[[], [""]])
            Assert.Equal(
                "the audit on standard input is empty, so nothing was compared; see whether tctl audit ls failed",
                (await Assert.ThrowsAsync<ComparisonException>(() => AuditComparison.Recorded(Lines(empty)))).Message);
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
        var (digests, last) = await AuditComparison.Recorded(Lines(
            """{"seq":1,"time":"2026-11-30T11:00:00Z","event":"certificate.issued","digest":"a"}""", """{"time":"2026-11-30T12:00:00Z","event":"user.created"}""", "",
            """{"time":"2026-11-30T10:00:00Z","event":"host_certificate.issued","digest":"b"}"""));
        Assert.Equal(["a", "b"], digests.Order(StringComparer.Ordinal));
        Assert.Equal(Last, last);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("audit")]
    [InlineData("""{"digest":"a"}""")]
    [InlineData("""{"event":"certificate.issued","digest":"a"}""")]
    public async Task Anything_else_than_an_audit_is_rejected(string line) =>
        Assert.Equal(
            "line 1 of the audit is no entry; pass what tctl audit ls --format=jsonl prints",
            (await Assert.ThrowsAsync<ComparisonException>(() => AuditComparison.Recorded(Lines(line)))).Message);

    private static IEnumerable<string> Digests(string[] log) => AuditComparison.Signed([("log", log)], since: null, Last).Signed.Select(one => one.Digest);

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
