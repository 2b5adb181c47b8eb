namespace CertAuthority.Tests.EndToEnd;

/// <summary>The ssh-agent: of each login it holds one identity, as long as the certificate lives.</summary>
public sealed class AgentTests
{
    [PeopleFact]
    public async Task Agent_only_login_opens_db1_without_a_key_file()
    {
        await using var daemon = await Laptop.Daemon();
        var db1 = await Laptop.Db1(daemon);
        await using var laptop = await Laptop.Create(daemon);
        var alice = await WithAgent(laptop);
        // The key for the daemon's host goes into the agent too; its file goes.
        (await alice.Types("bash", "-c", $"ssh-add -q {laptop.Key} && rm {laptop.Key}")).Done();

        (await alice.Types("tsh", "login", "--server", Laptop.Server, "--add-keys-to-agent=only")).Done();
        var id = (await alice.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        // What was chosen once is chosen. The key is made in no folder that somebody else can write.
        var open = Directory.CreateDirectory(daemon.Scratch["runtime"]).FullName;
        File.SetUnixFileMode(open, (UnixFileMode)0b111_111_111);
        var untouched = Directory.GetLastWriteTimeUtc(open);
        (await alice.Types("env", $"XDG_RUNTIME_DIR={open}", "tsh", "login", $"--request-id={id}")).Done();
        Assert.Equal(untouched, Directory.GetLastWriteTimeUtc(open));

        Assert.Equal("postgres\n", (await alice.Types("tsh", "ssh", "db1", "id", "-un")).Done());
        (await alice.Types("tsh", "config")).Done();
        Assert.Equal("postgres\n", (await alice.Types("ssh", "-o", "BatchMode=yes", "db1", "id", "-un")).Done());
        Assert.Equal("", (await alice.Types("grep", "-rl", "PRIVATE KEY", laptop.Home, Path.GetDirectoryName(laptop.Key)!, "/dev/shm")).Output);
        // The everyday certificate, and the elevated one.
        Assert.Equal(["ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519-cert-v01@openssh.com"], await Identities(alice));

        (await alice.Types("tsh", "logout")).Done();
        Assert.Equal(["ssh-ed25519"], await Identities(alice));
        await db1.Stop();
    }

    [PeopleTheory]
    [InlineData("auto")]
    [InlineData("only")]
    public async Task Twenty_logins_leave_one_agent_identity(string use)
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        // On the daemon's host itself, where it is quick.
        var alice = daemon.Person(Person.Alice) with { Environment = [("SSH_AUTH_SOCK", await laptop.StartAgent())] };
        for (var login = 0; login < 20; login++)
            (await alice.Types("tsh", "login", $"--add-keys-to-agent={use}")).Done();
        Assert.Equal(["ssh-ed25519-cert-v01@openssh.com"], await Identities(alice));
        // It is the last one.
        Assert.Equal(
            File.ReadAllText(Path.Combine(alice.Home, "id-cert.pub")).Split(' ')[1],
            (await alice.Types("ssh-add", "-L")).Done().Split(' ')[1]);
        Assert.Equal(use == "auto", File.Exists(Path.Combine(alice.Home, "id")));
    }

    [PeopleTheory]
    [InlineData("no")]
    [InlineData("yes")]
    public async Task Login_removes_the_identity_of_the_previous_login(string next)
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        var alice = daemon.Person(Person.Alice) with { Environment = [("SSH_AUTH_SOCK", await laptop.StartAgent())] };
        (await alice.Types("tsh", "login", "--add-keys-to-agent=only")).Done();
        // The key that the agent has is no longer the one of the home.
        (await alice.Types("tsh", "login", $"--add-keys-to-agent={next}")).Done();
        Assert.Equal(next == "no" ? 0 : 1, (await Identities(alice)).Length);
        (await alice.Types("tsh", "logout")).Done();
        Assert.Empty(await Identities(alice));
        Assert.False(File.Exists(Path.Combine(alice.Home, "agent_keys")));
    }

    [PeopleFact]
    public async Task Logout_removes_the_identity_from_the_other_agent()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        var alice = daemon.Person(Person.Alice) with { Environment = [("SSH_AUTH_SOCK", await laptop.StartAgent())] };
        (await alice.Types("tsh", "login")).Done();
        (await (alice with { Environment = [("SSH_AUTH_SOCK", await laptop.StartAgent())] }).Types("tsh", "logout")).Done();
        Assert.Empty(await Identities(alice));
    }

    [PeopleFact]
    public async Task Unresponsive_agent_does_not_delay_a_login()
    {
        await using var daemon = await Laptop.Daemon();
        // The kernel accepts, and nobody answers.
        var path = daemon.Scratch["silent.sock"];
        using var silent = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        silent.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
        silent.Listen(8);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        var alice = daemon.Person(Person.Alice) with { Environment = [("SSH_AUTH_SOCK", path)] };
        var words = $"the ssh-agent at {path} did not answer within 5 s";
        var login = await alice.Types("tsh", "login");
        Assert.Equal((0, $"tsh: warning: {words}\n"), (login.ExitCode, login.Error));
        Assert.StartsWith($"tsh: error: {words}\n", (await alice.Types("tsh", "login", "--add-keys-to-agent=yes")).Error);
    }

    [PeopleFact]
    public async Task Gpg_agent_gets_no_key()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        using var agent = laptop.Alice.Start("ssh-agent", "-D", "-a", Path.Combine(laptop.Home, "S.gpg-agent.ssh"));
        await Eventually.Holds(() => File.Exists(Path.Combine(laptop.Home, "S.gpg-agent.ssh")));
        var alice = daemon.Person(Person.Alice) with { Environment = [("SSH_AUTH_SOCK", Path.Combine(laptop.Home, "S.gpg-agent.ssh"))] };
        Assert.Equal(
            "tsh: warning: the ssh-agent here is gpg-agent, which cannot hold certificates, so it gets no key\n", (await alice.Types("tsh", "login")).Error);
        Assert.Equal(1, (await alice.Types("tsh", "login", "--add-keys-to-agent=only")).ExitCode);
        Assert.Empty(await Identities(alice));
        agent.Kill(entireProcessTree: true);
    }

    [PeopleFact]
    public async Task Agent_identity_expires_with_the_certificate()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        var alice = daemon.Person(Person.Alice) with { Environment = [("SSH_AUTH_SOCK", await laptop.StartAgent())] };
        (await alice.Types("tsh", "login", "--ttl=4s")).Done();
        Assert.Equal(["ssh-ed25519-cert-v01@openssh.com"], await Identities(alice));
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); (await Identities(alice)).Length > 0; await Task.Delay(200))
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15));
    }

    [PeopleFact]
    public async Task Login_and_logout_keep_unrelated_identities()
    {
        await using var daemon = await Laptop.Daemon();
        await using var laptop = await Laptop.Create(daemon);
        var alice = daemon.Person(Person.Alice) with { Environment = [("SSH_AUTH_SOCK", await laptop.StartAgent())] };
        foreach (var type in (string[])["ed25519", "rsa", "ecdsa"])
            (await alice.Types("bash", "-c", $"ssh-keygen -q -t {type} -N '' -f $TSH_HOME.{type} && ssh-add -q $TSH_HOME.{type}")).Done();
        (await alice.Types("tsh", "login")).Done();
        (await alice.Types("tsh", "login", "--profile=other")).Done();
        Assert.Equal(5, (await Identities(alice)).Length);
        (await alice.Types("tsh", "logout")).Done();
        Assert.Equal(["ecdsa-sha2-nistp256", "ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", "ssh-rsa"], await Identities(alice));
    }

    [PeopleFact]
    public async Task Missing_agent_is_reported_only_if_an_agent_was_requested()
    {
        await using var daemon = await Laptop.Daemon();
        var alice = daemon.Person(Person.Alice);
        Assert.Equal("", (await alice.Types("tsh", "login")).Error);
        Assert.Equal("", (await alice.Types("tsh", "login", "--add-keys-to-agent=no")).Error);
        foreach (var use in (string[])["yes", "only"])
        {
            var refused = await alice.Types("tsh", "login", $"--add-keys-to-agent={use}");
            Assert.Equal(
                (1, "", "tsh: error: no ssh-agent runs here\ntsh: hint: start one: eval $(ssh-agent), or do without: tsh login --add-keys-to-agent=no\n"),
                (refused.ExitCode, refused.Output, refused.Error));
        }
        // One that is gone is as good as none.
        var stale = alice with { Environment = [("SSH_AUTH_SOCK", "/nowhere/agent")] };
        Assert.Equal((0, ""), ((await stale.Types("tsh", "login")).ExitCode, (await stale.Types("tsh", "login")).Error));
        Assert.Equal(2, (await alice.Types("tsh", "login", "--add-keys-to-agent=maybe")).ExitCode);
        Assert.Equal(2, (await alice.Types("tsh", "login", "--add-keys-to-agent=yes", "--out=x")).ExitCode);
    }

    private static async Task<Person> WithAgent(Laptop laptop)
    {
        var alice = laptop.Alice;
        return alice with { Environment = [.. alice.Environment, ("SSH_AUTH_SOCK", await laptop.StartAgent())] };
    }

    private static async Task<string[]> Identities(Person person) =>
        [.. (await person.Types("ssh-add", "-L")).Output.Split('\n').Where(line => line.Contains(" AAAA", StringComparison.Ordinal)).Select(line => line.Split(' ')[0]).Order(StringComparer.Ordinal)];
}
