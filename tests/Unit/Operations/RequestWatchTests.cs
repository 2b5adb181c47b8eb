using CertAuthority.Operations;

namespace CertAuthority.Tests.Unit.Operations;

public class RequestWatchTests
{
    private readonly RequestWatch watch = new();
    private readonly Guid one = Guid.NewGuid();

    [Fact]
    public void Change_wakes_everybody_who_waits_for_that_request()
    {
        using var first = watch.Join(one);
        using var second = watch.Join(one);
        using var other = watch.Join(Guid.NewGuid());
        watch.Changed(one);
        Assert.True(first.Change.IsCompleted && second.Change.IsCompleted && !other.Change.IsCompleted);
        using var later = watch.Join(one);
        Assert.False(later.Change.IsCompleted);
    }

    /// <summary>Otherwise, of many people who wait for one request, each that gives up would make all others read it again.</summary>
    [Fact]
    public void Waiter_who_leaves_wakes_nobody()
    {
        using var stays = watch.Join(one);
        watch.Join(one).Dispose();
        Assert.False(stays.Change.IsCompleted);
        watch.Changed(one);
        Assert.True(stays.Change.IsCompleted);
    }

    [Fact]
    public void Entry_of_a_request_ends_with_its_last_waiter()
    {
        var (first, second) = (watch.Join(one), watch.Join(one));
        first.Dispose();
        Assert.Equal(1, watch.Count);
        watch.Changed(one);
        Assert.Equal(0, watch.Count);
        var third = watch.Join(one);
        // It left the change that came before, and not this one.
        second.Dispose();
        Assert.Equal(1, watch.Count);
        third.Dispose();
        Assert.Equal(0, watch.Count);
    }

    [Fact]
    public void Daemon_that_stops_lets_nobody_wait()
    {
        using var before = watch.Join(one);
        watch.Stop();
        using var after = watch.Join(one);
        Assert.True(before.Change.IsCompleted && after.Change.IsCompleted);
        Assert.Equal(0, watch.Count);
    }
}
