using CertAuthority.Access.Requests;
using CertAuthority.Jobs;
using CertAuthority.Operations;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Model;
using Microsoft.Extensions.Logging.Abstractions;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Jobs;

/// <summary>What the watch over the clock leaves behind, for a clock that is set.</summary>
public sealed class ClockWatchTests : IAsyncLifetime
{
    private readonly Machine machine = new();
    private HostWorld world = null!;

    [Fact]
    public async Task Restart_within_a_boot_still_distrusts_its_wrong_clock()
    {
        // Booted with a clock two hours behind what was recorded before.
        var watch = Watch(new ClockRecord("an earlier boot", TimeSpan.FromHours(9), World.Now.AddHours(2)), out var clock);
        await watch.Once(CancellationToken.None);
        Assert.NotNull(clock.Step);
        machine.Pass(3 * 3600);

        var next = new SteadyClock(machine, "boot", world.Store.Database.Read(snapshot => snapshot.ClockRecord()));

        Assert.Equal(new ClockStep(World.Now.AddHours(5), World.Now.AddHours(3)), next.Step);
    }

    [Fact]
    public async Task Clock_set_back_twice_revives_no_request()
    {
        var watch = Watch(null, out var clock);
        await watch.Once(CancellationToken.None);
        var request = World.Request(World.User("alice"));
        await world.Store.Database.Commit(transaction =>
        {
            transaction.InsertRequest(request);
            return true;
        });
        machine.Pass(2 * 3600);

        foreach (var seconds in (int[])[-1800, -3600, -7200])
        {
            machine.Set(seconds);
            await watch.Once(CancellationToken.None);
            Assert.Equal(RequestState.Expired, world.Store.Database.Read(snapshot => snapshot.FindRequest(request.Id))!.StateAt(clock.GetUtcNow()));
        }
    }

    public async Task InitializeAsync() => world = await HostWorld.Start();

    public async Task DisposeAsync() => await world.DisposeAsync();

    private ClockWatch Watch(ClockRecord? before, out SteadyClock clock)
    {
        var ca = world.Authority with { Clock = clock = new SteadyClock(machine, "boot", before) };
        return new ClockWatch(World.Current(ca), NullLogger.Instance);
    }
}
