using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Protocol;

public class ServerAddressTests
{
    [Theory]
    [InlineData("unix:/run/certauthority/ca.sock")]
    [InlineData("ssh://auth1")]
    [InlineData("ssh://alice@auth1")]
    [InlineData("ssh://alice@auth1.example.com:2222")]
    [InlineData("ssh://auth_1:1")]
    [InlineData("ssh://alice@example.com@auth1")]
    [InlineData("ssh://10.0.0.1:65535")]
    [InlineData("ssh://alice@[::1]")]
    [InlineData("ssh://[fe80::1]:22")]
    public void An_address_is_read_and_written(string text) => Assert.Equal(text, ServerAddress.TryParse(text)?.ToString());

    [Theory]
    [InlineData("")]
    [InlineData("unix:")]
    [InlineData("unix:ca.sock")]
    [InlineData("/run/certauthority/ca.sock")]
    [InlineData("http://auth1")]
    [InlineData("ssh:auth1")]
    [InlineData("ssh://")]
    [InlineData("ssh://@auth1")]
    [InlineData("ssh://alice@")]
    [InlineData("ssh://auth1/")]
    [InlineData("ssh://auth1:")]
    [InlineData("ssh://auth1:0")]
    [InlineData("ssh://auth1:65536")]
    [InlineData("ssh://auth1:+22")]
    [InlineData("ssh://auth1:22:22")]
    [InlineData("ssh://-oProxyCommand=id")]
    [InlineData("ssh://-l@auth1")]
    [InlineData("ssh://alice@-oProxyCommand=id")]
    [InlineData("ssh://auth1 -oProxyCommand=id")]
    [InlineData("ssh://$(id)")]
    [InlineData("ssh://`id`")]
    [InlineData("ssh://auth%h")]
    [InlineData("ssh://auth1\n")]
    [InlineData("ssh://al ice@auth1")]
    [InlineData("ssh://al;ice@auth1")]
    [InlineData("ssh://[::1")]
    [InlineData("ssh://[]")]
    [InlineData("ssh://[-o]")]
    [InlineData("ssh://::1")]
    public void Anything_else_is_not_an_address(string text) => Assert.Null(ServerAddress.TryParse(text));

    [Fact]
    public void Path_is_used_unchanged() => Assert.Equal("/a b%h", Assert.IsType<ServerAddress.Unix>(ServerAddress.TryParse("unix:/a b%h")).SocketPath);

    [Theory]
    [InlineData(107, true)]
    [InlineData(108, false)]
    public void Path_of_a_socket_has_at_most_107_bytes(int bytes, bool fits)
    {
        // Two bytes and one.
        var path = "/é" + new string('x', bytes - 3);
        Assert.Equal(fits, ServerAddress.TryParse($"unix:{path}") is not null);
        Assert.Equal(fits ? null : $"the path of a socket has at most 107 bytes; this one has 108: {path}", ServerAddress.PathFaultIn($"unix:{path}"));
    }

    [Fact]
    public void Administrators_have_a_socket_if_its_path_fits()
    {
        Assert.Equal("/run/certauthority/ca.sock.admin", new ServerAddress.Unix(ServerAddress.MachineSocket).AdministratorsPath);
        Assert.NotNull(new ServerAddress.Unix("/" + new string('x', 100)).AdministratorsPath);
        Assert.Null(new ServerAddress.Unix("/" + new string('x', 101)).AdministratorsPath);
    }
}
