using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>How a host says whom it lets in.</summary>
internal enum PrincipalsSetting
{
    /// <summary>The static command of docs/hosts.md: the login, and the login at this host.</summary>
    Command,

    /// <summary>The same as files, one a login.</summary>
    Files,

    /// <summary>Nothing: sshd then accepts the bare login only.</summary>
    None,
}

/// <summary>A host that trusts the CA: an unmodified sshd, configured by hand as docs/hosts.md says. Each connection is an sshd -i of its own.</summary>
internal sealed class TestHost
{
    private readonly TestDaemon daemon;
    private readonly string folder;
    private Process? sshd;
    private int port;

    private TestHost(TestDaemon daemon, string name, string folder, string around) => (this.daemon, Name, this.folder, Around) = (daemon, name, folder, around);

    public string Name { get; }

    /// <summary>Where it listens, once it does.</summary>
    public int Port => port;

    /// <summary>Words of a shell that its sshd is started with; empty for none.</summary>
    public string Around { get; }

    /// <summary>What ssh runs to connect to it.</summary>
    public string ProxyCommand => $"{Around}{World.Sshd} -i -f {Configuration} -E {LogFile}";

    private string Configuration => Path.Combine(folder, "sshd_config");

    private string LogFile => Path.Combine(folder, "log");

    /// <param name="daemon">Whose certificates it takes.</param>
    /// <param name="name">Its node name.</param>
    /// <param name="setting">Whom they open it for.</param>
    /// <param name="trusts">Where its <c>user_ca.pub</c> and <c>revoked.krl</c> lie; null for what the daemon says and has.</param>
    /// <param name="around">What its sshd is started with.</param>
    public static async Task<TestHost> Create(TestDaemon daemon, string name, PrincipalsSetting setting = PrincipalsSetting.Command, string? trusts = null, string around = "")
    {
        var folder = Directory.CreateDirectory(daemon.Scratch[$"host-{name}-{setting}"]).FullName;
        var host = new TestHost(daemon, name, folder, around);
        await Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(folder, "host_key"));
        var me = World.IsRoot ? "nobody" : Environment.UserName;
        File.WriteAllText(Path.Combine(folder, "user_ca.pub"), (await daemon.Administrator.Types("tctl", "auth", "export", "--type=user")).Done());
        var principals = setting switch
        {
            PrincipalsSetting.Command => $"AuthorizedPrincipalsCommand /usr/bin/printf %%s\\n%%s@{name} %u %u\nAuthorizedPrincipalsCommandUser {me}",
            PrincipalsSetting.Files => $"AuthorizedPrincipalsFile {folder}/principals/%u",
            _ => "",
        };
        Directory.CreateDirectory(Path.Combine(folder, "principals"));
        foreach (var login in (string[])["root", "postgres", "deploy", Environment.UserName])
            File.WriteAllText(Path.Combine(folder, "principals", login), $"{login}\n{login}@{name}\n");
        File.WriteAllText(host.Configuration, $"""
            HostKey {folder}/host_key
            PidFile none
            UsePAM no
            StrictModes no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            LogLevel VERBOSE
            # The exchange of keys that ssh prefers takes a tenth of a second of a processor for each login.
            KexAlgorithms curve25519-sha256
            TrustedUserCAKeys {trusts ?? folder}/user_ca.pub
            RevokedKeys {trusts ?? daemon.DataDirectory}/revoked.krl
            AuthorizedKeysFile none
            Subsystem sftp internal-sftp
            {principals}

            """);
        await Run(World.Sshd, "-t", "-f", host.Configuration);
        return host;
    }

    /// <summary>Trusts another CA than the daemon's.</summary>
    public void TrustInstead(string publicKeyLine) => File.WriteAllText(Path.Combine(folder, "user_ca.pub"), publicKeyLine + "\n");

    /// <summary>Whether the person's certificate opens a login here: ssh runs a command there, and its output comes back.</summary>
    /// <param name="person">Has the key.</param>
    /// <param name="login">As it is typed.</param>
    /// <param name="certificate">The certificate's file; null for the person's own.</param>
    /// <param name="account">What the account is called there; null for what is typed.</param>
    public async Task<bool> LetsIn(Person person, string login, string? certificate = null, string? account = null)
    {
        File.Delete(LogFile);
        // sshd needs root to become another account, so ssh runs as whoever runs the tests, with the person's files.
        var ssh = await daemon.Administrator.Types(
            "ssh", "-F", "none", "-i", Path.Combine(person.Home, "id"), "-o", $"CertificateFile={certificate ?? Path.Combine(person.Home, "id-cert.pub")}",
            "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
            "-o", $"ProxyCommand={ProxyCommand}", "-l", login, "--", Name, "id -un; echo entered");
        if (ssh.ExitCode == 0)
        {
            Assert.Equal($"{account ?? login}\nentered\n", ssh.Output);
            return true;
        }
        // Refused must mean refused by sshd, not that this test is broken.
        Assert.True(ssh.ExitCode == 255 && ssh.Error.Contains("Permission denied"), $"ssh: {ssh.Error}\nsshd:\n{Log}");
        return false;
    }

    /// <summary>Stands for several nodes: lets an account in by the principals of all of them.</summary>
    public void Answers(string[] nodes, string login) =>
        File.WriteAllLines(Path.Combine(folder, "principals", login), [login, .. nodes.Select(node => $"{login}@{node}")]);

    /// <summary>Has a certificate of the authority for its own key, under its name.</summary>
    /// <param name="ca">The file of another CA key, if another authority signs.</param>
    public async Task Certify(string? ca = null)
    {
        await Run("ssh-keygen", "-q", "-s", ca ?? daemon.File("host_ca"), "-h", "-I", Name, "-n", Name, "-V", "+1h", Path.Combine(folder, "host_key.pub"));
        ShowCertificate();
    }

    /// <summary>Has a certificate that the daemon signed, for which there has to be a node of its name.</summary>
    public async Task CertifyByDaemon()
    {
        (await daemon.Administrator.Types("tctl", "auth", "sign", $"--host={Name}", Path.Combine(folder, "host_key.pub"))).Done();
        ShowCertificate();
    }

    /// <summary>Serves on a port of the loopback addresses too: only there a connection comes from an address.</summary>
    public async Task Listen()
    {
        var free = new TcpListener(IPAddress.IPv6Loopback, 0);
        free.Start();
        port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        sshd = Process.Start(World.Sshd, ["-D", "-f", Configuration, "-E", LogFile, "-o", $"ListenAddress=127.0.0.1:{port}", "-o", $"ListenAddress=[::1]:{port}", "-o", "XAuthLocation=/usr/bin/true", "-o", "X11Forwarding=yes"]);
        for (var tries = 0; !Log.Contains("Server listening on ::1", StringComparison.Ordinal) || !Log.Contains("Server listening on 127.0.0.1", StringComparison.Ordinal); tries++)
        {
            Assert.True(tries < 200 && !sshd.HasExited, Log);
            await Task.Delay(50);
        }
    }

    public async Task Stop()
    {
        sshd!.Kill(entireProcessTree: true);
        await sshd.WaitForExitAsync();
        sshd.Dispose();
    }

    /// <summary>Runs ssh against the port, over IPv4 unless <c>-b</c> names an IPv6 address.</summary>
    public async Task<Outcome> Ssh(Person person, string login, string command, string[] options, string? agent = null)
    {
        // sshd goes on writing at the end, which is the beginning now.
        await File.WriteAllTextAsync(LogFile, "");
        return await (daemon.Administrator with { Environment = [("DISPLAY", ":0"), ("SSH_AUTH_SOCK", agent ?? "")] }).Types([
            "ssh", "-F", "none", "-i", Path.Combine(person.Home, "id"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-p", $"{port}", "-l", login, .. options,
            "--", options.Any(option => option.Contains("::")) ? "::1" : "127.0.0.1", .. command.Length == 0 ? (string[])[] : [command],
        ]);
    }

    private void ShowCertificate() => File.AppendAllText(Configuration, $"HostCertificate {folder}/host_key-cert.pub\n");

    /// <summary>What sshd logged for the last connection.</summary>
    public string Log => File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";

    private static async Task Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
