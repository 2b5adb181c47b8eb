using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Protocol;

public class ServerListTests
{
    [Theory]
    [InlineData("ssh://auth1", "ssh://auth1")]
    [InlineData("ssh://auth1,ssh://auth2", "ssh://auth1 ssh://auth2")]
    [InlineData("ssh://alice@auth2:22,unix:/run/ca.sock,ssh://[::1]", "ssh://alice@auth2:22 unix:/run/ca.sock ssh://[::1]")]
    // A path may contain commas.
    [InlineData("unix:/a,b", "unix:/a,b")]
    [InlineData("unix:/a,b,ssh://auth1", "unix:/a,b ssh://auth1")]
    [InlineData("unix:/a,,unix:/b", "unix:/a, unix:/b")]
    public void Servers_are_read_and_written_in_order(string text, string each)
    {
        var list = ServerList.TryParse(text)!;
        Assert.Equal(each, string.Join(' ', list.All));
        Assert.Equal(text, list.ToString());
        Assert.Equal(list, ServerList.TryParse(text));
    }

    [Theory]
    [InlineData("", " takes unix:/absolute/path or ssh://[USER@]HOST[:PORT], not ''")]
    [InlineData("ssh://auth1,", " takes unix:/absolute/path or ssh://[USER@]HOST[:PORT], not ''")]
    [InlineData("ssh://auth1,auth2", " takes unix:/absolute/path or ssh://[USER@]HOST[:PORT], not 'auth2'")]
    [InlineData("ssh://auth1, ssh://auth2", " takes unix:/absolute/path or ssh://[USER@]HOST[:PORT], not ' ssh://auth2'")]
    [InlineData("ssh://auth1,ssh://-oProxyCommand=id", " takes unix:/absolute/path or ssh://[USER@]HOST[:PORT], not 'ssh://-oProxyCommand=id'")]
    [InlineData(",unix:/a", " takes unix:/absolute/path or ssh://[USER@]HOST[:PORT], not ''")]
    [InlineData("ssh://auth1,ssh://auth2,ssh://auth1", " names ssh://auth1 twice")]
    public void Fault_of_a_list_names_the_server(string text, string fault)
    {
        Assert.Null(ServerList.TryParse(text));
        Assert.Equal(fault, ServerList.FaultIn(text));
    }

    [Theory]
    [InlineData("ssh://auth1", "ssh://auth1,ssh://auth2", true)]
    [InlineData("ssh://auth2,ssh://auth1", "ssh://auth1", true)]
    [InlineData("ssh://auth1", "ssh://auth2", false)]
    [InlineData("ssh://alice@auth1", "ssh://auth1", false)]
    public void Lists_share_a_server_that_is_in_both(string one, string other, bool share) =>
        Assert.Equal(share, ServerList.TryParse(one)!.SharesOneWith(ServerList.TryParse(other)!));

    [Fact]
    public void Hosts_of_a_list_are_those_that_ssh_reaches()
    {
        var list = ServerList.TryParse("unix:/auth0,ssh://alice@auth1:22,ssh://auth2")!;
        Assert.True(list.HasHost("auth1"));
        Assert.True(list.HasHost("auth2"));
        Assert.False(list.HasHost("auth0"));
    }

    /// <summary>Each of them, done twice, leaves no more than a certificate that is in the list of its user, or has a key.</summary>
    [Fact]
    public void Calls_that_may_repeat_are_these() =>
        Assert.Equal(
            [
                "POST /v1/my/certificates", "POST /v1/my/requests", "POST /v1/my/requests/dry-run", "POST /v1/nodes/{name}/plan",
                "POST /v1/requests",
            ],
            Routes.All.Where(route => route.MayRepeat && route.Method != "GET").Select(route => $"{route.Method} {route.Path}").Order(StringComparer.Ordinal));
}
