using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A minimal Debian machine with systemd and sshd, booted in namespaces of its own (tests/machine).</summary>
public sealed class TestDebian : IAsyncDisposable
{
    private readonly Process machine;

    private TestDebian(string root, Process machine, string init) => (Root, this.machine, Init) = (root, machine, init);

    public string Root { get; }

    /// <summary>The process id of its init.</summary>
    public string Init { get; }

    public string this[string path] => Root + path;

    /// <param name="root">The folder that becomes its file system; it must not exist.</param>
    /// <param name="name">Its host name.</param>
    /// <param name="other">A machine to connect it to, which gets 192.0.2.1; this one gets 192.0.2.2.</param>
    public static async Task<TestDebian> Boot(string root, string name, TestDebian? other = null)
    {
        (await Run(Repository("packaging/debian-root"), root, "systemd-sysv", "dbus", "openssh-server", "openssh-client", "libssl3")).Done();
        // Two machines of one image would have these in common.
        (await Run("sh", "-c", $"cd {root} && tr -d - </proc/sys/kernel/random/uuid >etc/machine-id && rm -f var/lib/dbus/machine-id etc/ssh/ssh_host_* && echo {name} >etc/hostname && chroot {root} ssh-keygen -A")).Done();
        // dpkg syncs every file, which outlasts everything else here.
        File.WriteAllText(root + "/etc/dpkg/dpkg.cfg.d/tests", "force-unsafe-io\n");
        var machine = Process.Start(new ProcessStartInfo(Repository("tests/machine"), [root, name, .. other is null ? Array.Empty<string>() : [other.Init]])
        { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        var init = await machine.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(2));
        Assert.True(init is not null, $"{name} did not boot");
        return new TestDebian(root, machine, init);
    }

    public async ValueTask DisposeAsync()
    {
        machine.StandardInput.Close();
        await machine.WaitForExitAsync();
        machine.Dispose();
    }

    /// <summary>Runs a command in it, as root.</summary>
    internal Task<Outcome> Types(params string[] command) => Run(
        ["nsenter", "--all", $"--target={Init}", "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", .. command]);

    /// <summary>Runs a command in it, as another account.</summary>
    internal Task<Outcome> TypesAs(string account, params string[] command) => Types(
        ["setpriv", $"--reuid={account}", $"--regid={account}", "--init-groups", "env", $"HOME=/home/{account}", .. command]);

    /// <summary>Runs a line of shell in it, as root.</summary>
    internal Task<Outcome> Shell(string line) => Types("sh", "-c", line);

    internal static string Repository(string path) => Path.Combine(World.Repository, path);

    // Building and installing take longer than what people type.
    internal static async Task<Outcome> Run(params string[] words)
    {
        using var process = Process.Start(new ProcessStartInfo(words[0], words[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(20));
        return new Outcome(process.ExitCode, await output, await error);
    }
}
