using CertAuthority.Operations;

namespace CertAuthority.Tests.Unit.Operations;

public class RecentTests
{
    private readonly Stopped clock = new();
    private readonly Recent<uint> recent;

    public RecentTests() => recent = new Recent<uint>(clock);

    [Fact]
    public void The_bound_is_over_any_minute_and_tells_when_to_come_again()
    {
        Assert.Null(recent.Wait(5001, 3));
        clock.Seconds = 30;
        Assert.Null(recent.Wait(5001, 3));
        Assert.Null(recent.Wait(5001, 3));
        clock.Seconds = 40;
        Assert.Equal(TimeSpan.FromSeconds(20), recent.Wait(5001, 3));
        // Who comes too early is not counted, so that what he was told holds.
        clock.Seconds = 59.5;
        Assert.Equal(TimeSpan.FromSeconds(1), recent.Wait(5001, 3));
        clock.Seconds = 60;
        Assert.Null(recent.Wait(5001, 3));
        Assert.Equal(TimeSpan.FromSeconds(30), recent.Wait(5001, 3));
    }

    [Fact]
    public void One_does_not_count_for_another()
    {
        Assert.Null(recent.Wait(5001, 1));
        Assert.NotNull(recent.Wait(5001, 1));
        Assert.Null(recent.Wait(5002, 1));
    }

    [Fact]
    public void A_bound_that_was_lowered_holds_at_once()
    {
        for (var i = 0; i < 5; i++, clock.Seconds++)
            Assert.Null(recent.Wait(5001, 5));
        // The fourth and fifth stand in the way of two a minute; the fourth, of second 3, makes room at 63.
        Assert.Equal(TimeSpan.FromSeconds(58), recent.Wait(5001, 2));
        clock.Seconds = 63;
        Assert.Null(recent.Wait(5001, 2));
    }

    [Fact]
    public void Those_whose_minute_is_over_are_forgotten_and_no_others()
    {
        Assert.Null(recent.Wait(1, 1));
        clock.Seconds = 30;
        for (uint uid = 2; uid < 2000; uid++)
            Assert.Null(recent.Wait(uid, 1));
        clock.Seconds = 61;
        Assert.Null(recent.Wait(1, 1));
        Assert.NotNull(recent.Wait(1999, 1));
    }

    private sealed class Stopped : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
