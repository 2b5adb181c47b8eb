using CertAuthority.Operations;

namespace CertAuthority.Tests.Unit.Operations;

public class RateLimitTests
{
    private readonly Stopped clock = new();
    private readonly RateLimit<uint> limit;

    public RateLimitTests() => limit = new RateLimit<uint>(clock);

    [Fact]
    public void Limit_holds_over_any_minute_and_says_when_to_retry()
    {
        Assert.Null(Wait(5001, 3));
        clock.Seconds = 30;
        Assert.Null(Wait(5001, 3));
        Assert.Null(Wait(5001, 3));
        clock.Seconds = 40;
        Assert.Equal(TimeSpan.FromSeconds(20), Wait(5001, 3));
        // One that came too early was not counted, so the time that it was told holds.
        clock.Seconds = 59.5;
        Assert.Equal(TimeSpan.FromSeconds(1), Wait(5001, 3));
        clock.Seconds = 60;
        Assert.Null(Wait(5001, 3));
        Assert.Equal(TimeSpan.FromSeconds(30), Wait(5001, 3));
    }

    [Fact]
    public void Each_account_is_counted_separately()
    {
        Assert.Null(Wait(5001, 1));
        Assert.NotNull(Wait(5001, 1));
        Assert.Null(Wait(5002, 1));
    }

    [Fact]
    public void Lowered_limit_applies_at_once()
    {
        for (var i = 0; i < 5; i++, clock.Seconds++)
            Assert.Null(Wait(5001, 5));
        // The fourth and fifth stand in the way of two a minute; the fourth, of second 3, makes room at 63.
        Assert.Equal(TimeSpan.FromSeconds(58), Wait(5001, 2));
        clock.Seconds = 63;
        Assert.Null(Wait(5001, 2));
    }

    [Fact]
    public void Only_accounts_whose_minute_is_over_are_forgotten()
    {
        Assert.Null(Wait(1, 1));
        clock.Seconds = 30;
        for (uint uid = 2; uid < 2000; uid++)
            Assert.Null(Wait(uid, 1));
        clock.Seconds = 61;
        Assert.Null(Wait(1, 1));
        Assert.NotNull(Wait(1999, 1));
    }

    [Fact]
    public void Cost_of_a_use_does_not_grow_with_the_keys()
    {
        for (uint n = 0; n < 60_000; n++, clock.Seconds += 0.001)
            Assert.Null(Wait(n % 6000, 1000));
        Assert.InRange(limit.Examined, 1, 6 * 6000);

        // Forgotten all the same.
        clock.Seconds += 60;
        Assert.Null(Wait(1, 1));
        Assert.Equal(1, limit.Remembered);
    }

    /// <summary>How long it is told to wait; null where it was counted.</summary>
    private TimeSpan? Wait(uint key, int most) => limit.TryTake(key, most, out var wait) ? null : wait;

    private sealed class Stopped : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
