using CertAuthority.Terminal;

namespace CertAuthority.Tests.Unit.Terminal;

public class TimeSpanOptionTests
{
    [Theory]
    [InlineData("90s", 90)]
    [InlineData("1h30m", 5400)]
    [InlineData("30h0m0s", 108000)]
    [InlineData("1d", 86400)]
    [InlineData("0s", 0)]
    public void Wait_accepts_durations(string text, int seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), TimeSpanOption.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("-1s")]
    [InlineData("1.5h")]
    [InlineData("1s1m")]
    [InlineData("1m1m")]
    [InlineData("1h ")]
    [InlineData("h")]
    [InlineData("9999999999s")]
    [InlineData("soon")]
    public void Anything_but_a_duration_is_rejected(string text) => Assert.Null(TimeSpanOption.Parse(text));
}
