using System.Security.Cryptography;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A daemon that publishes, and a host that fetched from it: one certificate opens it, and one is revoked.</summary>
public sealed class PulledHost : IAsyncLifetime, IDisposable
{
    private readonly Scratch scratch = new();

    internal TestDaemon Daemon { get; private set; } = null!;

    internal TestHost Host { get; private set; } = null!;

    internal Scratch Scratch => scratch;

    /// <summary>Where the daemon publishes.</summary>
    internal string Published => scratch["published"];

    /// <summary>What sshd goes by.</summary>
    internal string Trusted => scratch["trusted"];

    /// <summary>A list from before the revocation.</summary>
    internal string OldList => scratch["old.krl"];

    private string Revoked => Path.Combine(Daemon.Myself.Home, "revoked-cert.pub");

    public async Task InitializeAsync()
    {
        if (!World.HasPeople)
            return;
        Daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {Published}\n");
        await DaemonTests.Setup(Daemon);
        (await Daemon.Myself.Types("tsh", "login")).Done();
        File.Copy(Path.Combine(Daemon.Myself.Home, "id-cert.pub"), Revoked);
        File.Copy(Path.Combine(Published, "revoked.krl"), OldList);
        (await Daemon.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        (await Daemon.Myself.Types("tsh", "login")).Done();
        Directory.CreateDirectory(Trusted);
        (await Pull(Published, Trusted, "--new-ca")).Done();
        Host = await TestHost.Create(Daemon, "pulled", trusts: Trusted);
    }

    public async Task DisposeAsync()
    {
        if (Daemon is not null)
            await Daemon.DisposeAsync();
    }

    public void Dispose() => scratch.Dispose();

    internal Task<Outcome> Pull(string source, string directory, params string[] arguments) => Pull(source, directory, [], arguments);

    internal Task<Outcome> Pull(string source, string directory, (string, string)[] environment, params string[] arguments) =>
        (Daemon.Administrator with { Environment = environment }).Types([Puller, "--config", Settings(source, directory), .. arguments]);

    internal string Settings(string source, string directory) => scratch.Write($"{Guid.NewGuid()}.conf", $"SOURCE={source}\nDIR={directory}\n");

    internal static string Puller => Path.Combine(World.Repository, "packaging/host/certauthority-pull");

    /// <summary>What the daemon publishes, in a folder where a test can spoil it.</summary>
    internal string Copy()
    {
        var copy = Directory.CreateDirectory(scratch[$"{Guid.NewGuid()}"]).FullName;
        foreach (var file in Directory.GetFiles(Published, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(copy, Path.GetRelativePath(Published, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
        return copy;
    }

    /// <summary>A list that says the same as the one in place, with another version, and, where a comment is given, by another daemon.</summary>
    internal byte[] List(ulong later, TimeSpan age = default, string? comment = null) => OpenSsh.Krl.Write(
        Daemon.RevocationList().Revoked, Daemon.RevocationList().Version + later, (ulong)(TimeProvider.System.GetUtcNow() - age).ToUnixTimeSeconds(), comment ?? Daemon.RevocationList().Comment);

    internal async Task JudgesAsItShould(TestHost? host = null)
    {
        host ??= Host;
        Assert.True(await host.LetsIn(Daemon.Myself, "deploy"), host.Log);
        Assert.False(await host.LetsIn(Daemon.Myself, "deploy", Revoked));
        Assert.Contains("revoked", host.Log);
    }

    /// <summary>Names, times and contents.</summary>
    internal static string[] Held(string folder) =>
        [.. Directory.GetFileSystemEntries(folder).Order(StringComparer.Ordinal).Select(path => $"{path} {File.GetLastWriteTimeUtc(path):O} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}")];
}
