using CertAuthority.Access.Users;
using CertAuthority.Jobs;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Jobs;

/// <summary>How many refusals were left out, on a real database and by a clock that is set.</summary>
public sealed class RefusalCountsTests : IAsyncLifetime
{
    private HostWorld world = null!;

    public async Task InitializeAsync() => world = await HostWorld.Start();

    public async Task DisposeAsync() => await world.DisposeAsync();

    [Fact]
    public async Task Count_is_recorded_when_the_minute_is_over()
    {
        var problem = new Problem(ProblemCode.Denied, "no");
        for (var i = 0; i < 25; i++)
            await Refusals.Record(world.Authority, new Caller(new UnixIdentity(7001, "eve"), IsRoot: false), new Refused(7001, OwnsUser: false), new RefusedCall(Routes.GetStatus, RefusedCall.WhatWasSaid(null, []), problem));
        Assert.Equal(Enumerable.Repeat("access.refused", 10), world.Store.Committed());

        using var counts = new RefusalCounts(World.Current(world.Authority), NullLogger.Instance);
        await counts.StartAsync(CancellationToken.None);
        await Refusals.RecordLeftOut(world.Authority);
        Assert.Equal(10, world.Store.Committed().Length);
        world.Clock.Now = world.Clock.Now.AddSeconds(61);
        for (var i = 0; i < 500 && world.Store.Committed().Length == 10; i++)
            await Task.Delay(10);
        await counts.StopAsync(CancellationToken.None);

        var entry = Assert.Single(world.Store.Database.Read(snapshot => snapshot.AuditEntries(new ListAudit(1))));
        Assert.Equal(("access.refusals_left_out", 7001u, "eve", 15L), (entry.Event, entry.Uid, entry.Account, entry.Count));
        Assert.Equal(11, world.Store.Committed().Length);
    }
}
