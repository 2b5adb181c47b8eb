using CertAuthority.Operations;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>A clock that is set, beside one that only goes on.</summary>
public class SteadyClockTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TwoClocks system = new(Noon);

    [Fact]
    public void Passing_time_is_not_a_step()
    {
        var clock = Start();
        system.Pass(TimeSpan.FromDays(400));
        Assert.Null(clock.Step);
        Assert.Equal(Noon.AddDays(400), clock.GetUtcNow());
    }

    [Theory]
    [InlineData(301)]
    [InlineData(-301)]
    [InlineData(48 * 3600)]
    [InlineData(-1772366400)]
    public void After_a_step_the_earlier_time_counts_until_both_agree(int seconds)
    {
        var clock = Start();
        system.Set(TimeSpan.FromSeconds(seconds));
        Assert.Equal(new ClockStep(Noon, Noon.AddSeconds(seconds)), clock.Step);
        Assert.Equal(Noon.AddSeconds(Math.Min(seconds, 0)), clock.GetUtcNow());
        system.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(new ClockStep(Noon.AddMinutes(1), Noon.AddMinutes(1).AddSeconds(seconds)), clock.Step);

        system.Set(TimeSpan.FromSeconds(-seconds));

        Assert.Null(clock.Step);
        Assert.Equal(Noon.AddMinutes(1), clock.GetUtcNow());
    }

    [Theory]
    [InlineData(299)]
    [InlineData(-299)]
    public void Small_correction_is_accepted(int seconds)
    {
        var clock = Start();
        system.Set(TimeSpan.FromSeconds(seconds));
        Assert.Null(clock.Step);
        Assert.Equal(Noon.AddSeconds(seconds), clock.GetUtcNow());
        // A day later there is room for as much again, and not before.
        system.Pass(TimeSpan.FromDays(1));
        Assert.Null(clock.Step);
        system.Set(TimeSpan.FromSeconds(seconds));
        Assert.Null(clock.Step);
        system.Pass(TimeSpan.FromMinutes(10));
        system.Set(TimeSpan.FromSeconds(seconds));
        Assert.NotNull(clock.Step);
    }

    [Fact]
    public void Accepted_time_counts_from_then_on()
    {
        var clock = Start();
        system.Set(TimeSpan.FromDays(-2));
        clock.Accept();
        Assert.Null(clock.Step);
        Assert.Equal(Noon.AddDays(-2), clock.GetUtcNow());
        system.Set(TimeSpan.FromDays(2));
        Assert.NotNull(clock.Step);
    }

    [Theory]
    // The same boot: a daemon that is started again knows how much time went by.
    [InlineData("boot", 3600, 3600, false)]
    [InlineData("boot", 3600, 3600 + 301, true)]
    [InlineData("boot", 3600, 3600 - 301, true)]
    // Another boot: the machine may have been off for any time, but not for less than none.
    [InlineData("other", 60, 30 * 24 * 3600, false)]
    [InlineData("other", 60, -301, true)]
    [InlineData("other", 60, -299, false)]
    public void Next_daemon_continues_from_the_last_record(string boot, int passed, int shown, bool isStepped)
    {
        var record = Start().Record;
        system.Pass(TimeSpan.FromSeconds(passed));
        system.Set(TimeSpan.FromSeconds(shown - passed));

        Assert.Equal(isStepped, new SteadyClock(system, boot, record).Step is not null);
    }

    [Fact]
    public void Wrong_clock_records_the_time_it_should_show()
    {
        var clock = Start();
        system.Set(TimeSpan.FromDays(1));
        system.Pass(TimeSpan.FromHours(1));
        Assert.Equal(Noon.AddHours(1), clock.Record.Time);
    }

    [Theory]
    [InlineData(1970, false)]
    [InlineData(2026, true)]
    [InlineData(9999, false)]
    public void Impossible_year_is_recognized(int year, bool isPossible)
    {
        var clock = new SteadyClock(new TwoClocks(new DateTimeOffset(year, 12, 31, 23, 59, 59, TimeSpan.Zero)), "boot", null);
        Assert.Equal(isPossible, clock.IsPossible);
    }

    private SteadyClock Start() => new(system, "boot", before: null);

    private sealed class TwoClocks(DateTimeOffset now) : TimeProvider
    {
        private DateTimeOffset now = now;
        private TimeSpan passed = TimeSpan.FromHours(5);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => now;

        public override long GetTimestamp() => passed.Ticks;

        public void Pass(TimeSpan time) => (now, passed) = (now + time, passed + time);

        public void Set(TimeSpan by) => now += by;
    }
}
