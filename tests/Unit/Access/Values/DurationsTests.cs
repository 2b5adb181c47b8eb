using CertAuthority.Access.Values;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Access;

public class DurationsTests
{
    private const int Longest = 36500;

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("1m", 60)]
    [InlineData("1h30m", 5400)]
    [InlineData("30h0m0s", 108000)]
    [InlineData("1d", 86400)]
    [InlineData("1d2h3m4s", 93784)]
    [InlineData("1d4s", 86404)]
    [InlineData("0s", 0)]
    [InlineData("0d0h0m0s", 0)]
    [InlineData("007m", 420)]
    [InlineData("100m", 6000)]
    [InlineData("36500d", 3153600000)]
    public void A_duration_is_read(string text, long seconds)
    {
        Assert.True(Durations.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds), duration);
    }

    [Theory]
    [InlineData("", "nothing")]
    [InlineData("30", "a number without a unit")]
    [InlineData("1h30", "a last number without a unit")]
    [InlineData("h", "a unit without a number")]
    [InlineData("1hm", "a unit without a number, later")]
    [InlineData("-1h", "a sign")]
    [InlineData("+1h", "a sign that says nothing")]
    [InlineData("1.5h", "a fraction")]
    [InlineData("1h1h", "a part twice")]
    [InlineData("1m1h", "parts in another order")]
    [InlineData("1H", "a capital letter")]
    [InlineData("1w", "an unknown unit")]
    [InlineData("1ms", "a unit of two letters")]
    [InlineData(" 1h", "a blank in front")]
    [InlineData("1h ", "a blank behind")]
    [InlineData("1 h", "a blank inside")]
    [InlineData("١h", "a digit that is not ASCII")]
    [InlineData("36501d", "more than a hundred years")]
    [InlineData("36500d1s", "a second more than a hundred years")]
    [InlineData("999999999d999999999h999999999m999999999s", "as much as fits the digits")]
    [InlineData("9999999999s", "ten digits")]
    [InlineData("99999999999999999999999999999999d", "more than a long holds")]
    public void Invalid_duration_is_rejected(string text, string because) =>
        Assert.False(Durations.TryParse(text, out var duration), $"{because}: {text} was read as {duration}");

    [Theory]
    [InlineData("36500d", "36500d")]
    [InlineData("36500d1s", "more than 36500d")]
    [InlineData("3652059d", "more than 36500d")]
    [InlineData("999999999d", "more than 36500d")]
    [InlineData("999999999d999999999h999999999m999999999s", "more than 36500d")]
    [InlineData("99999999999999999999999999999999d", "more than 36500d")]
    [InlineData("99999999999999999999999999999999s", "more than 36500d")]
    [InlineData("00000000000000000000000000000001s", "1s")]
    public void Requested_duration_is_read_however_long_it_is(string text, string shown)
    {
        Assert.True(Durations.TryParseWish(text, out var duration));
        Assert.Equal(shown, Durations.Show(duration));
    }

    [Theory]
    [InlineData("999999999")]
    [InlineData("-999999999d")]
    [InlineData("1e9d")]
    [InlineData("999999999d1")]
    [InlineData("d")]
    public void Invalid_requested_duration_is_rejected_at_any_length(string text) => Assert.False(Durations.TryParseWish(text, out _));

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(-5, "0s")]
    [InlineData(59, "59s")]
    [InlineData(3480, "58m")]
    [InlineData(5400, "1h30m")]
    [InlineData(86400, "24h")]
    [InlineData(108000, "30h")]
    [InlineData(172799, "47h59m59s")]
    [InlineData(172800, "2d")]
    [InlineData(176461, "2d1h1m1s")]
    public void A_duration_is_shown_in_its_shortest_form(long seconds, string text) =>
        Assert.Equal(text, Durations.Show(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Shown_duration_reads_back_as_the_same()
    {
        var seconds = Gen.OneOf(Gen.Choose(0, 400000).Select(n => (long)n), Gen.Choose(0, Longest - 1).SelectMany(days => Gen.Choose(0, 86399).Select(rest => (days * 86400L) + rest)));
        Prop.ForAll(seconds.ToArbitrary(), n => Durations.TryParse(Durations.Show(TimeSpan.FromSeconds(n)), out var back) && back == TimeSpan.FromSeconds(n))
            .QuickCheckThrowOnFailure();
    }
}
