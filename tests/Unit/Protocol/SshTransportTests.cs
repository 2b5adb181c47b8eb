using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Protocol;

/// <summary>What ssh is told, and what is made of what it says. Real ones are in the end-to-end suite, LaptopTests.</summary>
public class SshTransportTests
{
    [Theory]
    [InlineData("ssh://auth1", "-- auth1 tsh relay")]
    [InlineData("ssh://alice@auth1:2222", "-p 2222 -l alice -- auth1 tsh relay")]
    [InlineData("ssh://alice@[::1]", "-l alice -- ::1 tsh relay")]
    public void Server_address_cannot_become_an_ssh_option(string server, string end) =>
        Assert.EndsWith(end, string.Join(' ', SshTransport.Arguments(Address(server), mayAsk: true, TimeSpan.FromSeconds(20))), StringComparison.Ordinal);

    [Fact]
    public void Ssh_asks_nothing_during_a_wait()
    {
        Assert.Contains("BatchMode=yes", SshTransport.Arguments(Address("ssh://auth1"), mayAsk: false, TimeSpan.FromSeconds(20)));
        Assert.DoesNotContain("BatchMode=yes", SshTransport.Arguments(Address("ssh://auth1"), mayAsk: true, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void Ssh_limits_the_time_to_connect() =>
        Assert.Contains("ConnectTimeout=5", SshTransport.Arguments(Address("ssh://auth1"), mayAsk: true, TimeSpan.FromSeconds(5)));

    [Theory]
    // What ssh says before anything of ours was sent: trying again can help, or cannot.
    [InlineData(255, "ssh: Could not resolve hostname auth1: Name or service not known\r\n", "auth1 cannot be reached: ssh: Could not resolve hostname auth1: Name or service not known", false)]
    [InlineData(255, "ssh: connect to host auth1 port 22: No route to host\r\n", "auth1 cannot be reached: ssh: connect to host auth1 port 22: No route to host", false)]
    [InlineData(255, "kex_exchange_identification: read: Connection reset by peer\r\n", "auth1 cannot be reached: kex_exchange_identification: read: Connection reset by peer", false)]
    [InlineData(255, "alice@auth1: Permission denied (publickey).\r\n", "auth1 does not let you in: alice@auth1: Permission denied (publickey).", true)]
    [InlineData(255, "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures\r\n", "auth1 does not let you in: Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures", true)]
    [InlineData(255, "No ED25519 host key is known for auth1 and you have requested strict checking.\r\nHost key verification failed.\r\n", "the host key of auth1 is not known", true)]
    [InlineData(255, "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nHost key verification failed.\r\n", "the host key of auth1 has changed; somebody may be in between", true)]
    [InlineData(255, "/home/alice/.ssh/config: line 3: Bad configuration option: foo\r\n/home/alice/.ssh/config: terminating, 1 bad configuration options\r\n", "ssh does not start: /home/alice/.ssh/config: terminating, 1 bad configuration options", true)]
    // What can come later too.
    [InlineData(255, "Connection to auth1 closed by remote host.\r\n", "the connection to auth1 broke off: Connection to auth1 closed by remote host.", false)]
    [InlineData(255, "Timeout, server auth1 not responding.\r\n", "the connection to auth1 broke off: Timeout, server auth1 not responding.", false)]
    [InlineData(255, "", "the connection to auth1 broke off: ssh exited with 255", false)]
    // What the far side says.
    [InlineData(127, "sh: 1: tsh: not found\n", "there is no tsh on auth1: sh: 1: tsh: not found", true)]
    [InlineData(3, "tsh: error: no daemon answers at unix:/run/certauthority/ca.sock\n", "no daemon answers on auth1", false)]
    [InlineData(3, "tsh: error: the daemon broke off the connection\n", "the daemon on auth1 broke off the connection", false)]
    [InlineData(1, "This account is currently not available.\n", "auth1 answers, but not with a relay: This account is currently not available.", true)]
    [InlineData(0, "", "auth1 answers, but not with a relay: ssh exited with 0", true)]
    public void Each_ssh_failure_is_explained(int exitCode, string said, string message, bool lasting)
    {
        var failure = SshFailure.From(Address("ssh://alice@auth1"), exitCode, said);
        Assert.Equal((message, lasting), (failure.Message, failure.IsLasting));
    }

    [Fact]
    public async Task Change_with_a_lost_connection_has_an_unknown_outcome()
    {
        // No ssh needed: what is asked is which hint a lost connection leaves behind.
        Assert.True(SshFailure.From(Address("ssh://auth1"), 255, "Connection to auth1 closed by remote host.").MayHaveArrived);
        Assert.False(SshFailure.From(Address("ssh://auth1"), 255, "ssh: connect to host auth1 port 22: Connection refused").MayHaveArrived);
        using var ca = new CaClient(ServerList.TryParse("ssh://127.0.0.1:9")!, _ => true);
        var refused = await Assert.ThrowsAsync<UnreachableException>(() => ca.Send(Routes.CreateRequest, new CreateRequest(["dba"])));
        Assert.Equal("is the network up, and the name right?", refused.Hint);
    }

    private static ServerAddress.Ssh Address(string text) => Assert.IsType<ServerAddress.Ssh>(ServerAddress.TryParse(text));
}
