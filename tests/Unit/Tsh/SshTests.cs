using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Tsh;

public class SshTests
{
    private static readonly Home Home = new("/home/alice/.certauthority");

    [Fact]
    public void Ssh_gets_the_certificate_and_nothing_else() =>
        Assert.Equal(
            [
                "-o", "IdentityFile=\"/home/alice/.certauthority/id\"",
                "-o", "CertificateFile=\"/home/alice/.certauthority/id-cert.pub\"",
                "-o", "IdentitiesOnly=yes",
                "-o", "PreferredAuthentications=publickey",
                "-o", "UserKnownHostsFile=\"/home/alice/.certauthority/known_hosts\"",
                "-o", "HostKeyAlias=db1",
                "-p", "2222",
                "-l", "postgres",
                "--", "db1.example.com", "psql", "-c", "select 1",
            ],
            SshArguments.For(Home, Node("db1.example.com:2222"), "postgres", ["psql", "-c", "select 1"], Home.Certificate));

    [Theory]
    [InlineData("db1", "-l root -- db1")]
    [InlineData("10.0.0.1:22", "-p 22 -l root -- 10.0.0.1")]
    [InlineData("[::1]", "-l root -- ::1")]
    [InlineData("[fe80::1]:2222", "-p 2222 -l root -- fe80::1")]
    public void Addresses_are_taken_apart(string address, string end) =>
        Assert.EndsWith(end, string.Join(' ', SshArguments.For(Home, Node(address), "root", [], Home.Certificate)), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("-oProxyCommand=id")]
    [InlineData("[-oProxyCommand]")]
    [InlineData("db1 -oProxyCommand=id")]
    [InlineData("db1\n")]
    [InlineData("$(id)")]
    [InlineData("db1:")]
    [InlineData("db1:0")]
    [InlineData("db1:65536")]
    [InlineData("db1:22:23")]
    [InlineData("::1")]
    [InlineData("[::1]22")]
    [InlineData("[]:22")]
    [InlineData("[a]b]:22")]
    [InlineData("user@db1")]
    public void A_hostile_address_is_refused(string address) =>
        Assert.Throws<FailureException>(() => SshArguments.For(Home, Node(address), "root", [], Home.Certificate));

    [Theory]
    [InlineData("-oProxyCommand=id")]
    [InlineData("")]
    [InlineData("db1\n")]
    [InlineData("DB1")]
    [InlineData("db_1")]
    [InlineData("db1;id")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123")]
    public void A_hostile_node_name_is_refused(string name) => Assert.Throws<FailureException>(() => PlainNames.CheckNode(name));

    [Theory]
    [InlineData("-root")]
    [InlineData("")]
    [InlineData("root\n")]
    [InlineData("root@db1@web1")]
    [InlineData("root@")]
    [InlineData("root@-oProxyCommand")]
    [InlineData("1000")]
    [InlineData("r%h")]
    public void A_hostile_login_is_refused(string login) => Assert.Throws<FailureException>(() => PlainNames.CheckLogin(login));

    [Fact]
    public void Percent_signs_and_blanks_in_paths_are_kept() =>
        Assert.Contains("IdentityFile=\"/a b%%h/id\"", SshArguments.For(new Home("/a b%h"), Node("db1"), "root", [], "/a b%h/id-cert.pub"));

    [Fact]
    public void A_path_that_ssh_would_expand_is_refused() =>
        Assert.Throws<FailureException>(() => SshArguments.For(new Home("/${HOME}"), Node("db1"), "root", [], "/${HOME}/id-cert.pub"));

    [Theory]
    [InlineData("ssh db1 ls -l", "ssh db1 -- ls -l")]
    [InlineData("ssh db1", "ssh db1 --")]
    [InlineData("ssh -l root db1 --help", "ssh -l root db1 -- --help")]
    [InlineData("ssh --login=root db1 -x", "ssh --login=root db1 -- -x")]
    [InlineData("--user alice ssh --proxy unix:/s db1 --user bob", "--user alice ssh --proxy unix:/s db1 -- --user bob")]
    [InlineData("ssh db1 -- ls --", "ssh db1 -- ls --")]
    [InlineData("ssh --help", "ssh --help")]
    [InlineData("ssh", "ssh")]
    [InlineData("login --user alice", "login --user alice")]
    [InlineData("request show ssh -x", "request show ssh -x")]
    public void Options_after_the_node_belong_to_the_remote_command(string line, string expected) =>
        Assert.Equal(expected.Split(' '), SshCommand.EndOptionsAfterNode(line.Split(' ')));

    private static ReachableNode Node(string address) => new("db1", address, ["root"]);
}
