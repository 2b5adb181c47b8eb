using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A fresh, minimal Debian below a folder, and the package as ./package makes it.</summary>
public sealed class TestDebian : IAsyncLifetime, IDisposable
{
    readonly Scratch scratch = new();

    public string Root => scratch["debian"];

    /// <summary>The package of this machine's architecture.</summary>
    public string Package { get; private set; } = "";

    /// <summary>The same programs in a package that says that it is older.</summary>
    public string OlderPackage => scratch["older.deb"];

    public string Image => Path.ChangeExtension(Package, ".image.tar");

    public string this[string path] => Root + path;

    public async Task InitializeAsync()
    {
        if (!World.HasPeople)
            return;
        var architecture = (await Run("dpkg", "--print-architecture")).Done().Trim();
        (await Run(Repository("package"), "--no-build", architecture)).Done();
        Package = Directory.GetFiles(Repository("artifacts/packages"), $"certauthority_*_{architecture}.deb").MaxBy(File.GetLastWriteTimeUtc)!;
        (await Run("env", "VERSION=0.0.1", "SOURCE_DATE_EPOCH=0", Repository("packaging/deb"), architecture, Repository("artifacts/packaged/tree"), OlderPackage)).Done();
        (await Run(Repository("packaging/debian-root"), Root)).Done();
        await Run("mount", "-t", "proc", "proc", Root + "/proc");
        File.Copy(Package, this["/tmp/certauthority.deb"]);
        File.Copy(OlderPackage, this["/tmp/older.deb"]);
    }

    public async Task DisposeAsync()
    {
        if (World.HasPeople)
            await Run("umount", "-l", Root + "/proc");
    }

    public void Dispose() => scratch.Dispose();

    /// <summary>Runs a command in it, as root.</summary>
    internal Task<Outcome> Types(params string[] command) => Run(
        ["chroot", Root, "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", .. command]);

    /// <summary>Runs a command in it, as somebody else.</summary>
    internal Task<Outcome> TypesAs(string account, params string[] command) => Types(
        ["setpriv", $"--reuid={account}", $"--regid={account}", "--init-groups", "env", $"HOME=/home/{account}", .. command]);

    /// <summary>The daemon as its unit has it run.</summary>
    internal async Task<Process> Start()
    {
        var daemon = Process.Start(new ProcessStartInfo(Repository("tests/unit"), [Root]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var ready = await daemon.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(ready == "ready: unix:/run/certauthority/ca.sock", $"the daemon said \"{ready}\"");
        return daemon;
    }

    internal async Task Stop(Process daemon)
    {
        File.WriteAllText(this["/run/certauthority/ca.sock.hold"], "");
        (await Run("kill", File.ReadAllText(this["/var/lib/certauthority/certauthority.pid"]).Trim())).Done();
        await Eventually.Holds(() => !Directory.Exists($"/proc/{File.ReadAllText(this["/var/lib/certauthority/certauthority.pid"]).Trim()}"));
        daemon.Kill();
        await daemon.WaitForExitAsync();
        daemon.Dispose();
        File.Delete(this["/run/certauthority/ca.sock.hold"]);
    }

    internal static string Repository(string path) => Path.Combine(World.Repository, path);

    // Building and installing take longer than what people type.
    internal static async Task<Outcome> Run(params string[] words)
    {
        using var process = Process.Start(new ProcessStartInfo(words[0], words[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(10));
        return new Outcome(process.ExitCode, await output, await error);
    }
}
