using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class InstantsTests
{
    [Theory]
    [InlineData("2027-01-31T18:00:00Z", "2027-01-31T18:00:00Z")]
    [InlineData("2027-01-31T18:00:00.9999999Z", "2027-01-31T18:00:00Z")]
    [InlineData("2027-01-31T18:00:00+02:00", "2027-01-31T16:00:00Z")]
    [InlineData("2027-01-31T18:00:00.5-05:30", "2027-01-31T23:30:00Z")]
    [InlineData("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z")]
    public void An_instant_is_read_and_shown_in_utc(string text, string shown)
    {
        Assert.True(Instants.TryParse(text, out var instant));
        Assert.Equal(shown, Instants.Show(instant));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Z")]
    [InlineData("tomorrow")]
    [InlineData("2027-01-31")]
    [InlineData("2027-01-31T18:00:00")]
    [InlineData("2027-01-31T18:00:00.5")]
    [InlineData("2027-01-31T18:00:00.123456")]
    [InlineData("2027-01-31 18:00:00Z")]
    [InlineData("2027-02-29T18:00:00Z")]
    [InlineData("2027-01-31T24:00:00Z")]
    [InlineData("10000-01-01T00:00:00Z")]
    [InlineData("9999-12-31T23:59:59-14:00")]
    [InlineData("0001-01-01T00:00:00+14:00")]
    [InlineData("1800000000")]
    public void Ambiguous_or_invalid_time_is_rejected(string text) => Assert.False(Instants.TryParse(text, out var instant), $"{text} was read as {instant}");
}
