using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Tsh;

public class SshTests
{
    private static readonly Home Home = new("/home/alice/.certauthority");

    [Fact]
    public void Ssh_receives_only_the_certificate() =>
        Assert.Equal(
            [
                "-o", "IdentityFile=\"/home/alice/.certauthority/id\"",
                "-o", "CertificateFile=\"/home/alice/.certauthority/id-cert.pub\"",
                "-o", "IdentitiesOnly=yes",
                "-o", "PreferredAuthentications=publickey,keyboard-interactive",
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
    public void Addresses_are_split_into_host_and_port(string address, string end) =>
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
    [InlineData("ssh -l root db1 ls --help", "ssh -l root db1 -- ls --help")]
    [InlineData("ssh --login=root db1 x -x", "ssh --login=root db1 -- x -x")]
    [InlineData("--user alice ssh --proxy unix:/s db1 x --user bob", "--user alice ssh --proxy unix:/s db1 -- x --user bob")]
    [InlineData("ssh db1 -- ls --", "ssh db1 -- ls --")]
    [InlineData("ssh --help", "ssh --help")]
    [InlineData("ssh", "ssh")]
    [InlineData("ssh -vNf db1", "ssh -v -N -f db1 --")]
    [InlineData("ssh -p22 db1", "ssh -p 22 db1 --")]
    [InlineData("ssh -L8080:localhost:80 -N db1", "ssh -L 8080:localhost:80 -N db1 --")]
    [InlineData("ssh -oForwardX11=no -lpostgres db1", "ssh -o ForwardX11=no -l postgres db1 --")]
    [InlineData("ssh -4No -x db1", "ssh -4 -N -o=-x db1 --")]
    [InlineData("ssh db1 -p 22 ls -l", "ssh db1 -p 22 -- ls -l")]
    [InlineData("ssh -x -oBatchMode=yes -- db1 sftp", "ssh -x -o BatchMode=yes -- db1 sftp")]
    [InlineData("ssh db1 -t -- top -d 1", "ssh db1 -t -- top -d 1")]
    [InlineData("ssh -Nz db1", "ssh -N -z db1 --")]
    [InlineData("ssh -p", "ssh -p")]
    [InlineData("login --user alice", "login --user alice")]
    [InlineData("request show ssh -x", "request show ssh -x")]
    public void Options_are_separated_as_ssh_separates_them(string line, string expected) =>
        Assert.Equal(expected.Split(' '), SshOptions.Separate(line.Split(' ')));

    [Theory]
    [InlineData("ssh -vNf -p22 db1", "-v -N -f -p 22")]
    [InlineData("ssh -L8080:[::1]:80 -o ForwardX11=no db1 -J hop -vv ls -l", "-L 8080:[::1]:80 -o ForwardX11=no -J hop -v -v")]
    [InlineData("--user alice ssh --login root -tt db1 top -d 1", "-t -t")]
    [InlineData("ssh -l root -s -- db1 sftp -x", "-s")]
    [InlineData("ssh -e -x db1", "-e -x")]
    public void Ssh_options_are_passed_on_in_order(string line, string expected)
    {
        var root = new TshCommand();
        var parsed = Shell.Parse(root, [.. SshOptions.Separate(line.Split(' '))]);
        Assert.True(Shell.IsUnderstood(parsed), string.Join('\n', parsed.Errors.Select(error => error.Message)));
        var command = (SshCommand)parsed.CommandResult.Command;
        Assert.Equal(expected, string.Join(' ', command.OfSsh.Given(parsed)));
    }

    [Theory]
    [InlineData("ssh -Z db1")]
    [InlineData("ssh -NZ db1")]
    [InlineData("ssh -Q cipher")]
    [InlineData("ssh -p")]
    [InlineData("ssh -L db1")]
    public void Option_that_ssh_would_reject_is_rejected(string line) =>
        Assert.False(Shell.IsUnderstood(Shell.Parse(new TshCommand(), [.. SshOptions.Separate(line.Split(' '))])));

    [Theory]
    [InlineData("-o User=root", "root")]
    [InlineData("-o user=root", "root")]
    [InlineData("-p 22", null)]
    [InlineData("-o Port=22", null)]
    public void Login_can_be_given_as_an_ssh_option(string given, string? login) => Assert.Equal(login, SshOptions.Login(given.Split(' ')));

    [Fact]
    public void Options_of_the_user_precede_those_of_tsh()
    {
        var arguments = SshArguments.For(Home, Node("db1:2222"), "postgres", [], Home.Certificate, given: ["-p", "22", "-i", "key"]).ToList();
        Assert.True(arguments.IndexOf("22") < arguments.IndexOf("2222"));
        Assert.True(arguments.FindIndex(word => word.StartsWith("IdentityFile", StringComparison.Ordinal)) < arguments.IndexOf("key"));
        Assert.True(arguments.IndexOf("key") < arguments.FindIndex(word => word.StartsWith("UserKnownHostsFile", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("DB1", "db1")]
    [InlineData("10.0.0.5", "db2,db3")]
    [InlineData("10.0.0.5:2222", "db3")]
    [InlineData("2001:DB8:0::1", "db4")]
    [InlineData("Web.Example.com", "web1")]
    [InlineData("web", "")]
    [InlineData("db9", "")]
    public void Node_is_found_by_its_name_or_address(string typed, string expected)
    {
        (string Name, string Address)[] nodes = [("db1", "10.0.0.4"), ("db2", "10.0.0.5"), ("db3", "10.0.0.5:2222"), ("db4", "[2001:db8::1]:22"), ("web1", "web.example.com")];
        Assert.Equal(expected, string.Join(',', NodeNames.Matches(typed, nodes, node => node.Name, node => node.Address).Select(node => node.Name)));
    }

    private static ReachableNode Node(string address) => new("db1", address, ["root"]);
}
