using CertAuthority.Api;

namespace CertAuthority.Tests.Unit.Api;

public class ConnectionsTests
{
    private readonly Connections connections = new();

    [Theory]
    [InlineData("Stranger", Connections.OfUid)]
    [InlineData("User", Connections.OfUid)]
    [InlineData("Administrator", Connections.OfAdministrator)]
    public void A_uid_has_so_many_places_and_gets_back_what_it_gives_back(string standing, int most)
    {
        var places = Take(5001, Enum.Parse<Standing>(standing), most + 5);
        Assert.Equal(most, places.Count(place => place is not null));
        places[0]!.Dispose();
        Assert.NotNull(connections.Take(5001, Enum.Parse<Standing>(standing)));
        Assert.Null(connections.Take(5001, Enum.Parse<Standing>(standing)));
    }

    [Fact]
    public void One_user_takes_no_place_of_another()
    {
        Take(5001, Standing.User, 100);
        Assert.Equal(Connections.OfUid, Take(5002, Standing.User, 100).Count(place => place is not null));
    }

    [Fact]
    public void Strangers_share_theirs_and_take_no_users()
    {
        for (uint uid = 100_000; uid < 100_100; uid++)
            Take(uid, Standing.Stranger, 1);
        Assert.Null(connections.Take(7001, Standing.Stranger));
        Assert.Equal(Connections.OfUid, Take(5001, Standing.User, 100).Count(place => place is not null));
        Assert.NotNull(connections.Take(0, Standing.Administrator));
    }

    [Fact]
    public void All_users_together_take_no_administrators()
    {
        for (uint uid = 1; uid <= Connections.OfAll; uid++)
            Take(uid, Standing.User, 2);
        Assert.Null(connections.Take(5001, Standing.User));
        Assert.Equal(Connections.OfAdministrator, Take(0, Standing.Administrator, 300).Count(place => place is not null));
    }

    private List<IDisposable?> Take(uint uid, Standing standing, int count) => [.. Enumerable.Range(0, count).Select(_ => connections.Take(uid, standing))];
}
