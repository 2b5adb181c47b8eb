using CertAuthority.Access.Users;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Jobs;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>Callers that wait for the audit.</summary>
public class AuditListsTests
{
    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));
    private static readonly ListAudit Waiting = new(Order: AuditOrders.Oldest, After: "0", Wait: "25s");

    [Fact]
    public async Task Sixty_four_callers_wait_and_no_more()
    {
        await using var world = await HostWorld.Start();
        var watch = world.Store.Database.AuditWatch;
        var callers = Enumerable.Range(0, 64).Select(_ => Task.Run(() => AuditLists.List(world.Authority, Root, Waiting))).ToList();
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); watch.Waiting < 64; await Task.Delay(10))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), "they never waited");

        var refused = await Assert.ThrowsAsync<ProblemException>(() => AuditLists.List(world.Authority, Root, Waiting));
        Assert.Equal((ProblemCode.Limited, "64 callers wait for the audit already"), (refused.Problem.Code, refused.Problem.Detail));
        Assert.DoesNotContain(callers, caller => caller.IsCompleted);
        await world.Store.Database.Commit(transaction =>
        {
            transaction.Audit(World.Entry("a"));
            return true;
        });

        Assert.All(await Task.WhenAll(callers), list => Assert.Equal("1", list.Position));
        Assert.Equal(0, watch.Waiting);
        Assert.Single((await AuditLists.List(world.Authority, Root, Waiting)).Entries);
    }
}
