using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A host before and after its enrollment (tests/host), with an operator who gets in as root by a plain key.</summary>
internal sealed class FleetHost : IAsyncDisposable
{
    private readonly string folder;
    private readonly string? root;
    private Process sshd;

    private FleetHost(string name, string folder, int port, string? root) => (Name, this.folder, Port, this.root, sshd) = (name, folder, port, root, Launch(folder, root, []));

    /// <summary>Of the node that it becomes.</summary>
    public string Name { get; }

    public int Port { get; }

    /// <summary>Of its sshd, which serves each connection by a process below it.</summary>
    public int ProcessId => sshd.Id;

    /// <summary>As <c>--ssh</c> takes it.</summary>
    public string Address => $"root@127.0.0.1:{Port}";

    public string LogFile => Path.Combine(folder, "log");

    public string Log => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    /// <summary>A file below its /etc/ssh, as it is seen from here.</summary>
    public string this[string name] => Path.Combine(folder, "etc/ssh", name);

    /// <summary>Everything below its /etc/ssh, with a hash of what it is.</summary>
    public string[] Files =>
    [
        .. Directory.EnumerateFiles(Path.Combine(folder, "etc/ssh"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(file => $"{Path.GetRelativePath(Path.Combine(folder, "etc/ssh"), file)} {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)))}"),
    ];

    /// <param name="daemon">Whose scratch folder it lies in.</param>
    /// <param name="operatorKey">The public key that opens root.</param>
    /// <param name="name">Of its folder.</param>
    /// <param name="configuration">Of sshd, after its own lines.</param>
    /// <param name="include">How it reads drop-ins.</param>
    /// <param name="machineId">Its own, or another's.</param>
    /// <param name="release">The Debian release whose OpenSSH runs there (tests/other-openssh), such as <c>forky</c>; null for this machine's.</param>
    public static async Task<FleetHost> Start(
        TestDaemon daemon, string operatorKey, string name = "db1", string configuration = "", string include = "Include /etc/ssh/sshd_config.d/*.conf", string? machineId = null, string? release = null)
    {
        var root = release is null ? null : (await TestDebian.Run(Path.Combine(World.Repository, "tests", "other-openssh"), release)).Done().Trim();
        var folder = Directory.CreateDirectory(daemon.Scratch[$"fleet-{name}"]).FullName;
        Directory.CreateDirectory(Path.Combine(folder, "etc/ssh/sshd_config.d"));
        var port = TestPort.Next();
        (await daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(folder, "etc/ssh/ssh_host_ed25519_key"))).Done();
        File.WriteAllText(Path.Combine(folder, "etc/machine-id"), $"{machineId ?? Guid.NewGuid().ToString("n")}\n");
        File.WriteAllText(Path.Combine(folder, "etc/ssh/operators"), operatorKey);
        File.WriteAllText(Path.Combine(folder, "etc/ssh/sshd_config"), $"""
            {include}
            ListenAddress 127.0.0.1:{port}
            HostKey /etc/ssh/ssh_host_ed25519_key
            PidFile none
            UsePAM no
            StrictModes no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            AuthorizedKeysFile /etc/ssh/operators
            LogLevel VERBOSE
            Subsystem sftp internal-sftp
            {configuration}

            """);
        var host = new FleetHost(name, folder, port, root);
        await host.Listens();
        return host;
    }

    /// <summary>Runs shell there, as root.</summary>
    public Task<Outcome> Run(string shell) => new Person(null, "", "").Types("nsenter", "--mount", $"--target={sshd.Id}", "sh", "-c", shell);

    /// <summary>Changes its sshd_config, and has sshd read it.</summary>
    public async Task Reconfigure(Func<string, string> change)
    {
        File.WriteAllText(this["sshd_config"], change(File.ReadAllText(this["sshd_config"])));
        await Stop();
        await Restart();
    }

    /// <summary>Nobody answers there any more.</summary>
    public async Task Stop()
    {
        sshd.Kill(entireProcessTree: true);
        await sshd.WaitForExitAsync();
        File.Delete(LogFile);
    }

    /// <summary>After <see cref="Stop"/>.</summary>
    /// <param name="command">What runs sshd, where it is not just sshd.</param>
    public async Task Restart(params string[] command)
    {
        sshd = Launch(folder, root, command);
        await Listens();
    }

    public async ValueTask DisposeAsync()
    {
        if (!sshd.HasExited)
            await Stop();
    }

    private static Process Launch(string folder, string? root, string[] command) =>
        Process.Start(new ProcessStartInfo(Path.Combine(World.Repository, "tests", "host"), [.. root is null ? (string[])[] : [$"--root={root}"], folder, .. command]) { UseShellExecute = false })!;

    private Task Listens() => Eventually.Holds(() => Log.Contains("Server listening", StringComparison.Ordinal));
}
