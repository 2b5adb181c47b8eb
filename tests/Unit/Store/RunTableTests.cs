using CertAuthority.Access.Nodes;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>Who a daemon is to hosts, from one start to the next.</summary>
public sealed class RunTableTests : IAsyncLifetime
{
    private readonly World world = new();

    [Fact]
    public async Task Run_knows_earlier_runs_and_their_last_versions()
    {
        var first = await Begin();
        Assert.Matches("^[0-9a-f]{16}$", first.Installation);
        Assert.Matches("^[0-9a-f]{8}$", first.Run);
        Assert.Empty(first.Past);
        await Write(7);
        await world.Reopen();
        var second = await Begin();
        await world.Reopen();
        var third = await Begin();

        Assert.Equal((first.Installation, first.Installation), (second.Installation, third.Installation));
        Assert.Equal([(first.Run, 7UL), (second.Run, 7UL)], third.Past.Select(past => (past.Run, past.LastVersion)));
        Assert.Equal(3, new[] { first.Run, second.Run, third.Run }.Distinct().Count());
    }

    [Fact]
    public async Task After_a_restore_every_earlier_list_may_be_replaced()
    {
        await Begin();
        await Write(7);
        await Write(9000);
        var restored = await Begin(isRestored: true);
        Assert.Equal([(ListOrigin.AnyRun, 9000UL)], restored.Past.Select(past => (past.Run, past.LastVersion)));
        Assert.Equal([(ListOrigin.AnyRun, 9000UL), (restored.Run, 9000UL)], (await Begin()).Past.Select(past => (past.Run, past.LastVersion)));
    }

    [Fact]
    public async Task List_of_runs_stays_short_after_many_starts()
    {
        for (var start = 1; start <= 503; start++)
        {
            await Begin();
            await Write(start);
        }
        var last = await Begin();
        Assert.Equal(500, last.Past.Length);
        Assert.Equal(new PastRun(ListOrigin.AnyRun, 4), last.Past[0]);
        Assert.Equal(503UL, last.Past[^1].LastVersion);
        Assert.Single(last.Past, past => past.Run == ListOrigin.AnyRun);
        Assert.Equal(last, ListOrigin.Parse(last.ToString())! with { Past = last.Past });
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private Task<ListOrigin> Begin(bool isRestored = false) => world.Database.Commit(transaction => transaction.BeginRun(isRestored));

    private Task<int> Write(long version) => world.Database.Commit(transaction => transaction.Execute("INSERT INTO counters VALUES ('krl_version', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value", version));
}
