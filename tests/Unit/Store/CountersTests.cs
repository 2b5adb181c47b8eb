using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

public sealed class CountersTests : IAsyncLifetime
{
    private readonly World world = new();

    public static readonly TheoryData<string, int> Clocks = new()
    {
        { "the clock went on", 3600 },
        { "the clock stood", 0 },
        { "the clock went back an hour", -3600 },
        { "the clock went back to 1970", -(int)World.Now.ToUnixTimeSeconds() },
    };

    [Theory]
    [MemberData(nameof(Clocks))]
    public async Task A_serial_is_never_used_twice_across_restarts(string clock, int seconds)
    {
        var used = new List<ulong>();
        used.AddRange(await Epoch(World.Now, 50));
        await world.Reopen();
        used.AddRange(await Epoch(World.Now.AddSeconds(seconds), 50));
        await world.Reopen();
        used.AddRange(await Epoch(World.Now, 50));
        Assert.True(used.Zip(used.Skip(1)).All(pair => pair.First < pair.Second), $"{clock}: {string.Join(' ', used)}");
    }

    [Fact]
    public async Task Serials_of_an_epoch_count_up_from_the_unix_time()
    {
        var now = (ulong)World.Now.ToUnixTimeSeconds();
        Assert.Equal([now, now + 1, now + 2], await Epoch(World.Now, 3));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(-1000000)]
    public async Task A_serial_is_never_0_whatever_the_clock_says(int unixTime) =>
        Assert.Equal([1, 2], await Epoch(DateTimeOffset.FromUnixTimeSeconds(unixTime), 2));

    [Fact]
    public async Task Epoch_begins_after_recorded_serials_without_the_counter()
    {
        var recorded = (ulong)World.Now.ToUnixTimeSeconds() + 1000;
        await world.Database.Commit(transaction =>
        {
            transaction.InsertCertificate(World.Certificate(recorded, World.User("alice")), []);
            return transaction.Execute("DELETE FROM counters");
        });
        Assert.Equal([recorded + 1], await Epoch(World.Now, 1));
    }

    [Fact]
    public async Task Serial_of_an_undone_change_was_given_to_nobody()
    {
        var first = Assert.Single(await Epoch(World.Now, 1));
        await Assert.ThrowsAsync<InvalidOperationException>(() => world.Database.Commit<ulong>(transaction => throw new InvalidOperationException($"{transaction.NextSerial()}")));
        Assert.Equal(first + 1, await world.Database.Commit(transaction => transaction.NextSerial()));
    }

    [Fact]
    public async Task A_hundred_callers_at_once_get_a_hundred_serials()
    {
        await Epoch(World.Now, 1);
        var serials = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => world.Database.Commit(transaction => transaction.NextSerial()))));
        Assert.Equal(100, serials.Distinct().Count());
    }

    [Fact]
    public async Task Revocation_list_version_grows_even_if_the_clock_goes_back()
    {
        var now = (ulong)World.Now.ToUnixTimeSeconds();
        Assert.Equal(now, await Version(World.Now));
        Assert.Equal(now + 1, await Version(World.Now));
        Assert.Equal(now + 2, await Version(World.Now.AddDays(-400)));
        await world.Reopen();
        Assert.Equal(now + 3, await Version(World.Now.AddDays(-400)));
        Assert.Equal(now + 3600, await Version(World.Now.AddHours(1)));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private async Task<ulong[]> Epoch(DateTimeOffset now, int serials) => await world.Database.Commit(transaction =>
    {
        transaction.BeginSerialEpoch(now);
        return Enumerable.Range(0, serials).Select(_ => transaction.NextSerial()).ToArray();
    });

    private Task<ulong> Version(DateTimeOffset now) => world.Database.Commit(transaction => transaction.NextKrlVersion(now));
}
