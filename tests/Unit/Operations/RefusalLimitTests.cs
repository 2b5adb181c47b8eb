using CertAuthority.Access.Users;
using CertAuthority.Operations;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>Everybody's refusals are recorded, up to an allowance of their own, and the rest is counted.</summary>
public class RefusalLimitTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly Stopped clock = new();
    private readonly RefusalLimit limit;

    public RefusalLimitTests() => limit = new RefusalLimit(clock);

    [Fact]
    public void Flood_of_one_stranger_hides_nobody_else()
    {
        Assert.Equal(RefusalLimit.Recorded, Refuse(7001, 5000));
        Assert.Equal(RefusalLimit.Recorded, Refuse(7002, RefusalLimit.Recorded));
        Assert.Equal(RefusalLimit.Recorded, Refuse(5001, 500, ownsUser: true));
        Assert.Empty(limit.Take());
        clock.Seconds = 60;
        Assert.Equal([(7001UL, 4990L), (5001UL, 490L)], limit.Take().Select(one => (one.Who!.Value.Account, one.Count)));
        Assert.Empty(limit.Take(all: true));
    }

    [Fact]
    public void New_minute_resets_the_count_and_reports_it_once()
    {
        Refuse(7001, 12);
        clock.Seconds = 30;
        Refuse(7001, 1);
        clock.Seconds = 60;
        // Both before and after it was looked at.
        Assert.Equal(1, Refuse(7001, 1));
        var told = Assert.Single(limit.Take());
        Assert.Equal((3L, Noon, 7001u), (told.Count, told.Since, told.By!.Identity.Uid));
        Assert.Equal(9, Refuse(7001, 20));
        Assert.Equal(11, Assert.Single(limit.Take(all: true)).Count);
    }

    [Fact]
    public void Unrecorded_count_is_reported_again()
    {
        Refuse(7001, 15);
        clock.Seconds = 60;
        var first = limit.Take();
        Refuse(7001, 12);
        limit.PutBack(first);
        var told = Assert.Single(limit.Take());
        Assert.Equal((7L, Noon), (told.Count, told.Since));
    }

    [Fact]
    public void Memory_and_records_stay_bounded_for_any_callers()
    {
        // One refusal each, of more accounts than there are allowances.
        var recorded = Enumerable.Range(0, 100_000).Sum(n => Refuse((uint)n, 1));
        Assert.Equal(RefusalLimit.MostStrangers, recorded);
        Assert.InRange(limit.Remembered, 1, RefusalLimit.MostStrangers);
        // An account that owns a user is not among them.
        Assert.Equal(RefusalLimit.Recorded, Refuse(5001, 20, ownsUser: true));
        clock.Seconds = 61;
        var told = limit.Take();
        Assert.Equal([(5001UL, 10L), (null, 100_000L - RefusalLimit.MostStrangers)], told.Select(one => (one.Who?.Account, one.Count)));
        // A minute later they are forgotten, and there is room again.
        Assert.Equal(0, limit.Remembered);
        Assert.Equal(1, Refuse(200_000, 1));
    }

    [Fact]
    public void Room_is_freed_even_if_nobody_reads_the_counts()
    {
        for (uint uid = 0; uid < RefusalLimit.MostStrangers; uid++)
            Refuse(uid, 1);
        Assert.Equal(0, Refuse(7001, 1));
        clock.Seconds = 60;
        Assert.Equal(1, Refuse(7001, 1));
    }

    private int Refuse(uint uid, int times, bool ownsUser = false) =>
        Enumerable.Range(0, times).Count(_ => limit.TryTake(new Refused(uid, ownsUser), new Caller(new UnixIdentity(uid, null), IsRoot: false), Noon.AddSeconds(clock.Seconds)));

    private sealed class Stopped : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
