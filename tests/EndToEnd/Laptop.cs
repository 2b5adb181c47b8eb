using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// Somebody's own machine (tests/laptop): an empty home, the daemon's socket out of sight, and an unmodified sshd on the
/// daemon's host, called auth1, as the only way to it. The machine's own ssh_config says where that is and which key opens it.
/// </summary>
internal sealed class Laptop : IAsyncDisposable
{
    public const string Server = "ssh://alice@auth1";

    private readonly TestDaemon daemon;
    private readonly string folder;
    private readonly int port;
    private readonly List<Process> agents = [];
    private Process? sshd;

    private Laptop(TestDaemon daemon, string folder, int port) => (this.daemon, this.folder, this.port) = (daemon, folder, port);

    /// <summary>The home directory.</summary>
    public string Home => Path.Combine(folder, "home");

    /// <summary>The key that opens auth1, in a folder outside of the home; its public half beside it.</summary>
    public string Key => Path.Combine(folder, "keys", "id_ed25519");

    /// <summary>The ssh_config of the machine; everything in it belongs to auth1.</summary>
    public string SshConfig => Path.Combine(folder, "ssh_config");

    /// <summary>The host keys that the machine knows.</summary>
    public string KnownHosts => Path.Combine(folder, "known_hosts");

    /// <summary>Where tsh keeps its things.</summary>
    public string TshHome => Path.Combine(Home, ".certauthority");

    /// <summary>What sshd on the daemon's host logged.</summary>
    public string AuthLog => File.Exists(Path.Combine(folder, "auth.log")) ? File.ReadAllText(Path.Combine(folder, "auth.log")) : "";

    /// <summary>alice at it, with the environment that a login leaves: nothing that names a daemon.</summary>
    public Person Alice => new(null, TshHome, "")
    {
        Around = [Path.Combine(World.Repository, "tests", "laptop"), $"{Person.Alice}", Home, Path.GetDirectoryName(daemon.Socket)!],
        Environment = [("TSH_HOME", ""), ("CERTAUTHORITY_SERVER", "")],
    };

    /// <summary>A daemon where alice is deploy on web1, and may ask for postgres on db1.</summary>
    public static async Task<TestDaemon> Daemon(string? configuration = null)
    {
        var daemon = await TestDaemon.Start(configuration: configuration ?? TestDaemon.ManyLogins);
        await Fill(daemon);
        return daemon;
    }

    /// <summary>Creates the roles, the hosts and the user of <see cref="Daemon"/>.</summary>
    public static async Task Fill(TestDaemon daemon) =>
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: access}, spec: {allow: {logins: [deploy], node_labels: {env: staging}, request: {roles: [dba]}}}}
            ---
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {type: db}}, options: {max_session_ttl: 1h}}}
            ---
            {kind: node, version: v2, metadata: {name: web1, labels: {env: staging}}, spec: {addr: web1.example.com}}
            ---
            {kind: node, version: v2, metadata: {name: db1, labels: {type: db}}, spec: {addr: db1.example.com}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [access]}}
            """)).Done();

    /// <summary>The node db1, with a certificate for its own key, on a loopback port.</summary>
    public static async Task<TestHost> Db1(TestDaemon daemon)
    {
        var db1 = await TestHost.Create(daemon, "db1");
        await db1.Certify();
        await db1.Listen();
        (await daemon.Administrator.Types(["tctl", "create", "-f"], $"{{kind: node, version: v2, metadata: {{name: db1, labels: {{type: db}}}}, spec: {{addr: '127.0.0.1:{db1.Port}'}}}}")).Done();
        return db1;
    }

    /// <summary>A laptop whose key opens alice's account on the daemon's host.</summary>
    public static async Task<Laptop> Create(TestDaemon daemon)
    {
        var folder = Directory.CreateDirectory(daemon.Scratch["laptop"]).FullName;
        var laptop = new Laptop(daemon, folder, TestPort.Next());
        Directory.CreateDirectory(laptop.Home);
        Directory.CreateDirectory(Path.GetDirectoryName(laptop.Key)!);
        await Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", laptop.Key);
        await Run("chown", "-R", $"{Person.Alice}", laptop.Home, Path.GetDirectoryName(laptop.Key)!);
        await Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(folder, "auth_host_key"));
        File.WriteAllText(Path.Combine(folder, "sshd_config"), $"""
            ListenAddress 127.0.0.1:{laptop.port}
            HostKey {folder}/auth_host_key
            PidFile none
            # The exchange of keys that ssh prefers takes a tenth of a second of a processor for each login.
            KexAlgorithms curve25519-sha256
            UsePAM no
            StrictModes no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            AuthorizedKeysFile {folder}/authorized_keys
            SetEnv PATH={World.Programs}:/usr/bin:/bin CERTAUTHORITY_SERVER={daemon.Server}
            Subsystem sftp internal-sftp

            """);
        await laptop.StartSshd();
        File.WriteAllText(laptop.SshConfig, $"""
            Host auth1
                HostName 127.0.0.1
                Port {laptop.port}
                HostKeyAlias auth1
                IdentityFile {laptop.Key}
                GlobalKnownHostsFile {laptop.KnownHosts}

            """);
        File.WriteAllText(laptop.KnownHosts, $"auth1 {File.ReadAllText(Path.Combine(folder, "auth_host_key.pub"))}");
        laptop.Authorize();
        return laptop;
    }

    /// <summary>Makes the host of another laptop's daemon known here, as auth2.</summary>
    public void Knows(Laptop other)
    {
        File.AppendAllText(SshConfig, File.ReadAllText(other.SshConfig).Replace("auth1", "auth2"));
        File.AppendAllText(other.KnownHosts, File.ReadAllText(other.KnownHosts).Replace("auth1 ", "auth2 "));
    }

    /// <summary>Asks for dba, is approved, and logs in with it.</summary>
    public async Task Elevate(params string[] options)
    {
        var id = (await Alice.Types(["tsh", "request", "create", "--roles=dba", "--nowait", "--force", "--server", Server])).Done().Split(' ')[1];
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        (await Alice.Types(["tsh", "login", "--server", Server, $"--request-id={id}", .. options])).Done();
    }

    /// <summary>Lets the laptop's key into alice's account, and bob's, there.</summary>
    /// <param name="options">As authorized_keys has them before a key.</param>
    /// <param name="key">Another key than the laptop's own.</param>
    public void Authorize(string options = "", string? key = null) =>
        File.WriteAllText(Path.Combine(folder, "authorized_keys"), $"{options} {key ?? File.ReadAllText(Key + ".pub")}".TrimStart());

    /// <summary>Lets nobody in.</summary>
    public void Unauthorize() => File.WriteAllText(Path.Combine(folder, "authorized_keys"), "");

    public async Task StartSshd()
    {
        sshd = Process.Start(World.Sshd, ["-D", "-f", Path.Combine(folder, "sshd_config"), "-E", Path.Combine(folder, "auth.log")]);
        await Eventually.Holds(() => AuthLog.Contains("Server listening", StringComparison.Ordinal));
    }

    /// <summary>Ends sshd with every connection.</summary>
    public async Task StopSshd()
    {
        sshd!.Kill(entireProcessTree: true);
        await sshd.WaitForExitAsync();
        sshd.Dispose();
        sshd = null;
        File.Delete(Path.Combine(folder, "auth.log"));
    }

    /// <summary>Ends the connections that are open, and lets new ones in.</summary>
    public async Task CutConnections()
    {
        await StopSshd();
        await StartSshd();
    }

    /// <summary>An ssh-agent of alice's; the value of SSH_AUTH_SOCK.</summary>
    public async Task<string> StartAgent()
    {
        var socket = Path.Combine(Home, $"agent-{agents.Count}.sock");
        agents.Add(Alice.Start("ssh-agent", "-D", "-a", socket));
        await Eventually.Holds(() => File.Exists(socket));
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in agents)
        {
            agent.Kill(entireProcessTree: true);
            await agent.WaitForExitAsync();
            agent.Dispose();
        }
        if (sshd is not null)
            await StopSshd();
    }

    private static async Task Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
