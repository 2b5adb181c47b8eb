using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Jobs;

namespace CertAuthority.Tests.Unit.Operations;

public sealed class HealthTests : IAsyncLifetime
{
    private HostWorld world = null!;

    public async Task InitializeAsync()
    {
        world = await HostWorld.Start();
        await world.Krl.StartAsync(CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await world.Krl.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }

    [Fact]
    public async Task Daemon_with_a_fresh_list_is_ready()
    {
        await world.Krl.Publish();

        Assert.Equal(new HealthState("ready"), await Health.Ready(world.Authority, new GetReadiness()));
    }

    [Fact]
    public async Task Daemon_without_a_fresh_list_is_not_ready()
    {
        const string Fault = "the revocation list is older than 30m, or was never written";
        Assert.Equal([Fault], Health.Faults(world.Authority));

        await world.Krl.Publish();
        world.Clock.Now += TimeSpan.FromMinutes(31);
        // The time has passed, so the clock is right.
        world.Authority.Clock.Accept();

        Assert.Equal([Fault], Health.Faults(world.Authority));
        var problem = (await Assert.ThrowsAsync<ProblemException>(() => Health.Ready(world.Authority, new GetReadiness()))).Problem;
        Assert.Equal((ProblemCode.Unavailable, "certificates cannot be issued now"), (problem.Code, problem.Detail));
        Assert.Equal([Fault], problem.Faults!);
    }

    [Fact]
    public async Task Daemon_whose_user_CA_key_is_gone_is_not_ready()
    {
        await world.Krl.Publish();
        File.Move(world.File("user_ca"), world.File("away"));
        File.Move(world.File("host_ca"), world.File("host_away"));
        foreach (var keys in world.Authority.Keys.All)
            await keys.Signing.Check();

        Assert.Equal(["the user CA key cannot sign"], Health.Faults(world.Authority));

        File.Move(world.File("away"), world.File("user_ca"));
        await world.Authority.Keys.User.Signing.Check();
        Assert.Equal([], Health.Faults(world.Authority));
    }

    [Store.SqliteFact]
    public async Task Daemon_whose_commits_fail_is_not_ready()
    {
        await world.Krl.Publish();
        // Somebody else holds the file for longer than a commit waits.
        using (var outside = world.Store.Outside())
        {
            using var lockIt = outside.CreateCommand();
            lockIt.CommandText = "BEGIN IMMEDIATE";
            lockIt.ExecuteNonQuery();
            await Assert.ThrowsAsync<ProblemException>(() => world.Store.Database.Commit(_ => true));
            Assert.Equal(["the database cannot be written"], Health.Faults(world.Authority));
        }

        await world.Store.Database.Commit(_ => true);

        Assert.Equal([], Health.Faults(world.Authority));
    }
}
