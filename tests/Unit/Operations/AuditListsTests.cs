using CertAuthority.Access.Users;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Jobs;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>A caller who follows the audit is woken by the commit, and by nothing else.</summary>
public sealed class AuditListsTests
{
    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));

    [Fact]
    public async Task Waiting_caller_gets_an_entry_once_it_is_committed()
    {
        await using var world = await HostWorld.Start();
        var last = await Last(world);
        var waits = Follow(world, last);
        var filtered = Follow(world, last, "second");
        await Audited(world, "first");
        var first = await waits.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(("first", last + 1, $"{last + 1}", null), (Assert.Single(first.Entries).Event, first.Entries[0].Seq, first.Position, first.Next));
        Assert.False(filtered.IsCompleted);
        await Audited(world, "second");
        Assert.Equal("second", Assert.Single((await filtered.WaitAsync(TimeSpan.FromSeconds(20))).Entries).Event);
        // It goes on without a gap: what is there already is not waited for.
        Assert.Equal("second", Assert.Single((await Follow(world, last + 1).WaitAsync(TimeSpan.FromSeconds(20))).Entries).Event);
    }

    [Fact]
    public async Task Number_of_waiting_callers_is_bounded()
    {
        await using var world = await HostWorld.Start();
        var last = await Last(world);
        var waiting = Enumerable.Range(0, AuditWatch.Most).Select(_ => Follow(world, last)).ToList();
        Assert.Equal(ProblemCode.Limited, (await Assert.ThrowsAsync<ProblemException>(() => Follow(world, last))).Problem.Code);
        world.Authority.Database.AuditWatch.Stop();
        Assert.All(await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(20)), page => Assert.Equal((0, $"{last}"), (page.Entries.Length, page.Position)));
        // Their places are free again, and a daemon that stops keeps nobody.
        Assert.Empty((await Follow(world, last).WaitAsync(TimeSpan.FromSeconds(20))).Entries);
    }

    [Theory]
    [InlineData("a position that is not there yet", "order=oldest after=1000", ProblemCode.Conflict, null)]
    [InlineData("a wait for the newest", "wait=1s", ProblemCode.Invalid, "wait")]
    [InlineData("another order", "order=upwards", ProblemCode.Invalid, "order")]
    [InlineData("no pattern", "event=,", ProblemCode.Invalid, "event")]
    [InlineData("a bad pattern", "event=^(a$", ProblemCode.Invalid, "event")]
    [InlineData("a time that is none", "since=yesterday", ProblemCode.Invalid, "since")]
    [InlineData("a position that is none", "order=oldest after=-1", ProblemCode.Invalid, "after")]
    public async Task Question_without_a_meaning_is_refused(string what, string question, ProblemCode code, string? field)
    {
        await using var world = await HostWorld.Start();
        var said = question.Split(' ').ToDictionary(one => one.Split('=')[0], one => one.Split('=')[1]);
        var ask = new ListAudit(After: Said("after"), Event: Said("event"), Order: Said("order"), Wait: Said("wait"), Since: Said("since"));
        var refused = await Assert.ThrowsAsync<ProblemException>(() => AuditLists.List(world.Authority, Root, ask));
        Assert.True((code, field) == (refused.Problem.Code, refused.Problem.Field), $"{what}: {refused.Problem}");

        string? Said(string name) => said.GetValueOrDefault(name);
    }

    private static Task<AuditList> Follow(HostWorld world, long after, string? what = null) =>
        AuditLists.List(world.Authority, Root, new ListAudit(After: $"{after}", Event: what, Order: AuditOrders.Oldest, Wait: "25s"));

    private static async Task<long> Last(HostWorld world)
    {
        await Audited(world, "before");
        return world.Authority.Database.Read(snapshot => snapshot.LastAudit());
    }

    private static Task Audited(HostWorld world, string what) => world.Authority.Database.Commit(transaction =>
    {
        transaction.Audit(Store.World.Entry(what));
        return true;
    });
}
