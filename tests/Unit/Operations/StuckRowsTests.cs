using CertAuthority.Operations;
using CertAuthority.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>One row among many that cannot be handled.</summary>
public sealed class StuckRowsTests
{
    private readonly StuckRows stuck = new(NullLogger.Instance);
    private readonly List<string> done = [];

    [Fact]
    public async Task Row_that_fails_is_named_and_stops_nobody()
    {
        await Each(fails: "b");
        Assert.Equal(["a", "c"], done);
        Assert.Equal(["nothing is done: b: no such key"], stuck.All);
        await Each(fails: "c");
        Assert.Equal(["nothing is done: c: no such key"], stuck.All);
        await Each(fails: "");
        Assert.Empty(stuck.All);
    }

    [Fact]
    public async Task Fault_that_all_share_passes_through()
    {
        await Assert.ThrowsAsync<ProblemException>(() => stuck.Each("x", ["a"], one => one, _ => throw new ProblemException(new Problem(ProblemCode.Unavailable, "the disk is full"))));
        await Assert.ThrowsAsync<IOException>(() => stuck.Each("x", ["a"], one => one, _ => throw new IOException("the disk")));
        Assert.Empty(stuck.All);
    }

    private Task Each(string fails) => stuck.Each("nothing is done", ["a", "b", "c"], one => one, one =>
    {
        if (one == fails)
            throw new InvalidOperationException("no such key");
        done.Add(one);
        return Task.CompletedTask;
    });
}
