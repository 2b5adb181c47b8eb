using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Tsh;

public class SshConfigTests
{
    private static readonly Home Home = new("/home/alice/.certauthority");
    private static readonly DateTimeOffset End = DateTimeOffset.FromUnixTimeSeconds(1795348277);
    private static readonly ServerList Servers = ServerList.TryParse("ssh://alice@auth1,ssh://auth2")!;

    [Fact]
    public void Config_covers_opened_and_requestable_nodes() =>
        Assert.Equal(
            """
            # Written by tsh config, and again by each login. What is changed here by hand is lost.

            Host web1 web1.example.com
                HostName web1.example.com
                Port 2222
                User deploy
                HostKeyAlias web1
                UserKnownHostsFile "/home/alice/.certauthority/known_hosts"
            Match originalhost web1,web1.example.com user deploy exec "sh -c 'test $(date +%%s) -ge 1795348277'" !exec "tsh config renew deploy@web1"
                ProxyCommand false
            Match originalhost web1,web1.example.com user deploy
                IdentityFile "/home/alice/.certauthority/id"
                CertificateFile "/home/alice/.certauthority/id-cert.pub"
                IdentitiesOnly yes

            Match originalhost db1 exec "sh -c '{ echo tsh: no access to db1 now, this asks for it: tsh login --request-roles=dba >&2; false; }'"

            """,
            Text(new NodeList([Node("web1", "web1.example.com:2222", "deploy")], [], false, [new RequestableNode("db1", ["dba", "dbo"])]), [Certificate("deploy@web1")]));

    [Fact]
    public void Each_login_uses_the_certificate_that_opens_it()
    {
        var text = Text(
            new NodeList([Node("db1", "10.0.0.1", "backup", "deploy", "postgres", "root")], [], false, []),
            [Certificate("deploy,postgres@db1", "elevated", 0), Certificate("deploy", "everyday", 1), Certificate("backup@db1", "elevated-restore", 0, "/usr/bin/restore")]);
        Assert.Contains("user deploy\n    IdentityFile \"/home/alice/.certauthority/id\"\n    CertificateFile \"/home/alice/.certauthority/id-everyday-cert.pub\"\n", text);
        Assert.Contains("user postgres\n    IdentityFile \"/home/alice/.certauthority/id\"\n    CertificateFile \"/home/alice/.certauthority/id-elevated-cert.pub\"\n", text);
        Assert.Contains("user backup\n    IdentityFile \"/home/alice/.certauthority/id\"\n    CertificateFile \"/home/alice/.certauthority/id-elevated-restore-cert.pub\"\n", text);
        Assert.Contains("user root\n    ProxyCommand sh -c 'echo tsh: your certificate does not open db1 yet: tsh login >&2; exit 1'\n", text);
    }

    [Fact]
    public void Node_with_a_certificate_of_its_own_is_matched_by_name()
    {
        var text = Text(new NodeList([Node("db1", "10.0.0.1", "postgres"), Node("db2", "10.0.0.2", "postgres", "root")], ["deploy"], true, []), [Certificate("deploy")], perHost: true);
        Assert.Contains(
            "Match originalhost db1 user postgres !exec \"tsh config for-host postgres@db1\"\n    ProxyCommand false\n"
            + "Match originalhost db1 user postgres\n    IdentityFile \"/home/alice/.certauthority/id\"\n    CertificateFile \"/home/alice/.certauthority/nodes/postgres@db1-cert.pub\"\n", text);
        Assert.Contains("CertificateFile \"/home/alice/.certauthority/nodes/root@db2-cert.pub\"\n", text);
        Assert.DoesNotContain("User root", text);
        Assert.DoesNotContain("User postgres\n    HostKeyAlias db2", text);
    }

    [Fact]
    public void Ambiguous_names_match_no_node()
    {
        var text = Text(new NodeList([Node("a", "gate.example.com:1", "root"), Node("b", "gate.example.com:2", "root"), Node("c", "localhost:3", "root"), Node("d", "10.0.0.1", "root")], [], false, []));
        Assert.Contains("\nHost a\n", text);
        Assert.Contains("\nHost b\n", text);
    }

    [Theory]
    [InlineData("auth1", "auth1.example.com")]
    [InlineData("gate", "auth1")]
    [InlineData("auth2", "auth2.example.com")]
    [InlineData("gate", "auth2")]
    public void Settings_for_the_daemon_host_stay_unchanged(string name, string address) =>
        Assert.DoesNotContain("\nHost", Text(new NodeList([Node(name, address, "root")], [], false, [])));

    [Theory]
    [InlineData("a b", "db1", "root")]
    [InlineData("*", "db1", "root")]
    [InlineData("!db1", "db1", "root")]
    [InlineData("db1,db2", "db1", "root")]
    [InlineData("db1\nProxyCommand id", "db1", "root")]
    [InlineData("$(id)", "db1", "root")]
    [InlineData("db1", "db1\nProxyCommand id", "root")]
    [InlineData("db1", "%h", "root")]
    [InlineData("db1", "db1", "root\nProxyCommand id")]
    public void Invalid_names_are_rejected(string name, string address, string login) =>
        Assert.Throws<FailureException>(() => Text(new NodeList([Node(name, address, login)], [], false, [])));

    [Theory]
    [InlineData("db1'", "dba")]
    [InlineData("db1", "dba'; id; '")]
    [InlineData("db1", "$(id)")]
    [InlineData("db1", "dba\n")]
    public void Invalid_requestable_names_are_rejected(string node, string role) =>
        Assert.Throws<FailureException>(() => Text(new NodeList([], [], false, [new RequestableNode(node, [role])])));

    [Theory]
    [InlineData("")]
    [InlineData("Host *\n  User me\n")]
    [InlineData("# no newline at the end")]
    [InlineData("\n\n")]
    public void Removed_block_leaves_no_trace(string before)
    {
        var with = SshConfig.WithBlock(before, Home);
        Assert.StartsWith("# >>> tsh config: out with tsh config --remove\nInclude \"/home/alice/.certauthority/ssh_config\"\n# <<< tsh config\n", with);
        Assert.EndsWith(before, with);
        Assert.Equal(with, SshConfig.WithBlock(with, Home));
        Assert.Equal(before, SshConfig.WithoutBlock(with, Home));
    }

    [Fact]
    public void A_block_of_another_profile_stays()
    {
        var night = new Home("/home/alice/.certauthority/profiles/night", "night");
        var both = SshConfig.WithBlock(SshConfig.WithBlock("Host *\n", night), Home);
        Assert.Equal(SshConfig.WithBlock("Host *\n", night), SshConfig.WithoutBlock(both, Home));
        Assert.Equal(SshConfig.WithBlock("Host *\n", Home), SshConfig.WithoutBlock(both, night));
    }

    [Fact]
    public void A_begin_without_an_end_is_not_a_block()
    {
        var torn = SshConfig.WithBlock("Host *\n", Home).Replace("# <<< tsh config\n", "");
        Assert.Equal(torn, SshConfig.WithoutBlock(torn, Home));
    }

    [Fact]
    public void Shell_starts_the_same_program_for_the_same_home()
    {
        Assert.Equal("/usr/bin/tsh", SshConfig.Program(Home, "/usr/bin/tsh", null));
        Assert.Equal("env TSH_HOME=/srv/tsh /usr/bin/tsh --profile=night", SshConfig.Program(new Home("/srv/tsh/profiles/night", "night"), "/usr/bin/tsh", "/srv/tsh"));
        Assert.Equal("'/opt/a b/tsh'", SshConfig.Program(Home, "/opt/a b/tsh", null));
        Assert.Equal("env TSH_HOME='/srv/é 5%% @x' tsh", SshConfig.Program(Home, null, "/srv/é 5% @x"));
        Assert.Equal("tsh", SshConfig.Program(Home, "/usr/bin/dotnet", null));
        Assert.Throws<FailureException>(() => SshConfig.Program(Home, "/usr/bin/tsh", "/srv/'$(id)"));
    }

    [Theory]
    [InlineData("/home/al ice@é%h/.certauthority/ssh_config", "/home/al ice@é%h", "\"~/.certauthority/ssh_config\"")]
    [InlineData("/srv/al ice@é/ssh_config", "/home/alice", "\"/srv/al ice@é/ssh_config\"")]
    [InlineData("/home/alice2/ssh_config", "/home/alice", "\"/home/alice2/ssh_config\"")]
    [InlineData("/srv/50%/ssh_config", "/home/alice", null)]
    [InlineData("/home/alice/a*/ssh_config", "/home/alice", null)]
    public void Included_file_is_named_as_ssh_reads_it(string file, string accountHome, string? expected)
    {
        if (expected is not null)
            Assert.Equal(expected, SshConfig.IncludePath(file, accountHome));
        else
            Assert.Throws<FailureException>(() => SshConfig.IncludePath(file, accountHome));
    }

    [Fact]
    public void Logout_marks_every_certificate_as_expired() =>
        Assert.Contains(" -ge 0'\" !exec ", SshConfig.LoggedOut(Text(new NodeList([Node("web1", "web1", "deploy")], [], false, []), [Certificate("deploy@web1")])));

    private static string Text(NodeList list, HeldCertificate[]? certificates = null, bool perHost = false) =>
        SshConfig.Text(Home, list, new Held(certificates ?? [Certificate("deploy")], [], null), perHost, Servers, "tsh", End.AddHours(-1));

    private static HeldCertificate Certificate(string principals, string? name = null, int forwardings = 0, string? command = null) => new(
        Path.Combine(Home.Folder, name is null ? "id-cert.pub" : $"id-{name}-cert.pub"),
        new CertificateInfo
        {
            Serial = "1",
            User = "alice",
            KeyId = "alice",
            Roles = [],
            Requests = name is null or "everyday" ? [] : ["3f1c"],
            Principals = principals.Split(','),
            ValidAfter = End.AddHours(-9),
            ValidBefore = End,
            LimitedBy = "",
            Revoked = false,
            CriticalOptions = command is null ? null : new() { ["force-command"] = command },
        },
        "", null!, null!, forwardings);

    private static ListedNode Node(string name, string address, params string[] logins) => new(name, address, [], logins);
}
