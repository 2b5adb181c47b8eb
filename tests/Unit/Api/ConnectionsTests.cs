using CertAuthority.Api;
using CertAuthority.Linux;

namespace CertAuthority.Tests.Unit.Api;

public class ConnectionsTests
{
    private const uint Daemon = 900;

    private readonly Stopped clock = new();
    private readonly Connections connections;

    public ConnectionsTests() => connections = new Connections(clock, Daemon);

    [Theory]
    [InlineData("Stranger", Connections.OfStranger)]
    [InlineData("User", Connections.OfUid)]
    [InlineData("Administrator", 200)]
    public void Uid_has_a_limited_number_of_places_and_can_reuse_them(string standing, int most)
    {
        var places = Take(5001, Enum.Parse<Standing>(standing), most + 5);
        Assert.Equal(most, places.Count(place => place is not null));
        places[0]!.Dispose();
        Assert.Equal(1, Take(5001, Enum.Parse<Standing>(standing), 2).Count(place => place is not null));
    }

    [Fact]
    public void One_user_cannot_take_places_of_another()
    {
        Take(5001, Standing.User, 100);
        Assert.Equal(Connections.OfUid, Take(5002, Standing.User, 100).Count(place => place is not null));
    }

    [Fact]
    public void Strangers_share_places_and_take_none_from_users()
    {
        for (uint uid = 100_000; uid < 100_100; uid++)
            Take(uid, Standing.Stranger, 1);
        Assert.Null(Take(7001, Standing.Stranger, 1)[0]);
        Assert.Equal(Connections.OfUid, Take(5001, Standing.User, 100).Count(place => place is not null));
        Assert.NotNull(connections.Take(0));
        Assert.NotNull(connections.Take(Daemon));
    }

    [Fact]
    public void All_users_together_take_no_place_of_administrators()
    {
        for (uint uid = 1; uid <= connections.OfAll; uid++)
            Take(uid, Standing.User, 2);
        Assert.Null(Take(5001, Standing.User, 1)[0]);
        Assert.Equal(connections.OfAdministrator, Take(0, Standing.Administrator, 300).Count(place => place is not null));
    }

    [Fact]
    public void All_administrators_together_take_no_place_of_root()
    {
        for (uint uid = 5000; uid < 5020; uid++)
            Take(uid, Standing.Administrator, 200);
        Assert.Null(connections.Take(6000, amongAdministrators: true));
        Assert.Equal(connections.OfAdministrator, Take(0, Standing.Administrator, 300).Count(place => place is not null));
    }

    [Fact]
    public void Few_descriptors_mean_few_places_and_a_quarter_stays_free()
    {
        var small = new Connections(clock, Daemon, descriptors: 1024);
        Assert.Equal(768, small.OfAll + small.OfAdministrators + small.OfAdministrator);
        Assert.InRange(small.OfUnknown, Connections.OfUid, small.OfAll);
    }

    [Fact]
    public void Uid_that_connects_in_a_loop_is_refused_and_no_other_is()
    {
        var admitted = Knock(5001, 1000);
        Assert.Equal(40, admitted);
        Assert.Equal(40, Knock(5002, 1000));
        clock.Seconds += 1;
        Assert.Equal(20, Knock(5001, 1000));
    }

    [Fact]
    public void Strangers_in_a_loop_are_limited_together_and_users_are_not()
    {
        Take(5001, Standing.User, 1)[0]!.Dispose();
        for (uint uid = 100_000; uid < 100_100; uid++)
            Knock(uid, 10);
        Assert.Equal(0, Knock(100_200, 10));
        Assert.Equal(10, Knock(5001, 10));
        Assert.Equal(1000, Knock(0, 1000));
    }

    [Fact]
    public void Uids_of_one_range_count_as_one_account()
    {
        connections.Subordinates = SubordinateUids.Parse(["mallory:100000:65536"]);
        for (uint uid = 100_000; uid < 100_100; uid++)
            Knock(uid, 10);
        Assert.Equal(10, Knock(200_000, 10));
        Assert.Equal(0, Knock(165_535, 10));
        Assert.Equal(10, Knock(165_536, 10));
    }

    [Fact]
    public void Memory_of_accounts_is_bounded()
    {
        for (uint uid = 1; uid < 100_000; uid++)
        {
            connections.Take(uid)?.Dispose();
            clock.Seconds += 0.001;
        }
        Assert.InRange(connections.Remembered, 1, 10_000);
    }

    [Fact]
    public void Unidentified_caller_takes_no_place_of_a_known_one()
    {
        var waiting = Enumerable.Range(0, 30).Select(_ => connections.Take(5001)).ToList();
        Assert.Equal(Connections.OfUid, waiting.Count(place => place is not null));
        Assert.True(connections.Settle(waiting[0]!, Standing.User));
        Assert.Equal(Standing.User, waiting[0]!.Standing);
        Assert.All(waiting.OfType<Connections.Place>(), place => Assert.True(connections.Settle(place, Standing.User)));
        Assert.Null(connections.Take(5001));
    }

    private int Knock(uint uid, int times) => Enumerable.Range(0, times).Count(_ =>
    {
        using var place = connections.Take(uid);
        return place is not null;
    });

    private List<Connections.Place?> Take(uint uid, Standing standing, int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        clock.Seconds += 1;
        if (connections.Take(uid, amongAdministrators: standing == Standing.Administrator) is not { } place)
            return null;
        if (connections.Settle(place, standing))
            return place;
        place.Dispose();
        return null;
    })];

    private sealed class Stopped : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
