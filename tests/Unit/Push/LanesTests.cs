using CertAuthority.Push;

namespace CertAuthority.Tests.Unit.Push;

public sealed class LanesTests : IDisposable
{
    private readonly Lanes lanes = new(width: 2, TimeProvider.System);
    private readonly TaskCompletionSource<int> never = new();

    public void Dispose() => lanes.Dispose();

    [Fact]
    public async Task Running_calls_never_exceed_the_lanes()
    {
        Assert.InRange(await Most(), 1, 2);
    }

    [Fact]
    public async Task Hung_call_frees_its_lane_after_a_moment()
    {
        Task[] hanging = [Hang(isSlow: false), Hang(isSlow: false)];
        Assert.Equal(7, await lanes.Run(() => Task.FromResult(7), isSlow: false, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.All(hanging, one => Assert.False(one.IsCompleted));
        never.SetResult(0);
        await Task.WhenAll(hanging);
        // What left gave its place back once.
        Assert.InRange(await Most(), 1, 2);
    }

    [Fact]
    public async Task Slow_calls_are_bounded_and_take_no_lane_from_quick_ones()
    {
        Task<int>[] hanging = [.. Enumerable.Range(0, 8).Select(_ => Hang(isSlow: true))];
        using var impatience = new CancellationTokenSource();
        var ninth = lanes.Run(() => Task.FromResult(1), isSlow: true, impatience.Token);
        Assert.Equal(7, await lanes.Run(() => Task.FromResult(7), isSlow: false, CancellationToken.None));
        Assert.False(ninth.IsCompleted);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ninth);

        // Two more hang in the quick lane, and there is no room to leave for: when they end, both places are free again.
        Task<int>[] quick = [Hang(isSlow: false), Hang(isSlow: false)];
        await Task.Delay(Lanes.Moment * 1.5);
        never.SetResult(3);
        Assert.All(await Task.WhenAll([.. hanging, .. quick]), result => Assert.Equal(3, result));
        for (var round = 0; round < 10; round++)
            Assert.Equal(round, await lanes.Run(() => Task.FromResult(round), isSlow: round % 2 == 0, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60)));
    }

    private async Task<int> Most()
    {
        var (running, most, all) = (0, 0, new Lock());
        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => lanes.Run(
            async () =>
            {
                lock (all)
                    most = Math.Max(most, ++running);
                await Task.Yield();
                lock (all)
                    running--;
                return 0;
            }, isSlow: false, CancellationToken.None)));
        return most;
    }

    private Task<int> Hang(bool isSlow) => lanes.Run(() => never.Task, isSlow, CancellationToken.None);
}
