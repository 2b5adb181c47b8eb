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

    /// <summary>As a host does that cannot verify, or whose daemon signs nothing.</summary>
    internal Task<Outcome> PullUnsigned(string source, string directory, params string[] arguments) =>
        Daemon.Administrator.Types([Puller, "--config", Settings(source, directory, "UNSIGNED=yes\n"), .. arguments]);

    internal string Settings(string source, string directory, string more = "") => scratch.Write($"{Guid.NewGuid()}.conf", $"SOURCE={source}\nDIR={directory}\n{more}");

    /// <summary>Signs what is in a folder, as the daemon would if it had put that there.</summary>
    /// <param name="folder">The folder, without files by hash.</param>
    /// <param name="change">Changes the text before it is signed.</param>
    /// <param name="made">When the list was made; now, without.</param>
    /// <param name="key">The key; the daemon's, without.</param>
    /// <param name="purpose">The namespace; that of manifests, without.</param>
    internal async Task Sign(string folder, Func<string, string>? change = null, DateTimeOffset? made = null, string? key = null, string purpose = "certauthority-manifest")
    {
        var list = OpenSsh.Krl.Parse(File.ReadAllBytes($"{folder}/revoked.krl"));
        var at = made ?? TimeProvider.System.GetUtcNow();
        var text = $"certauthority-manifest v1\ninstallation {list.Comment.Split(' ')[1]}\nversion {list.Version}\nmade {Utc(at)}\nfresh-until {Utc(at.AddMinutes(30))}\n"
            + string.Concat(((string[])["revoked.krl", "user_ca.pub", "host_ca.pub"]).Select(name => $"{name} {Hash($"{folder}/{name}")}\n"));
        var file = scratch.Write($"{Guid.NewGuid()}.text", change?.Invoke(text) ?? text);
        (await Daemon.Administrator.Types("ssh-keygen", "-q", "-Y", "sign", "-f", key ?? Daemon.File("audit_key"), "-n", purpose, file)).Done();
        File.WriteAllText($"{folder}/manifest", File.ReadAllText(file) + File.ReadAllText($"{file}.sig"));

        static string Utc(DateTimeOffset when) => when.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
    }

    internal static string Hash(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));

    internal static string Puller => Path.Combine(World.Repository, "packaging/host/certauthority-pull");

    /// <summary>What the daemon publishes, without the files by hash, in a folder where a test can spoil it.</summary>
    internal string Copy()
    {
        // The daemon goes on publishing meanwhile: what did not stay the same is no copy of one moment.
        while (true)
        {
            var before = Stamps();
            try
            {
                var copy = CopyOnce();
                if (Stamps().SequenceEqual(before))
                    return copy;
            }
            catch (IOException)
            {
                // A file went while it was copied.
            }
        }

        (string, DateTime)[] Stamps() => [.. PublishedFiles().Order(StringComparer.Ordinal).Select(file => (file, File.GetLastWriteTimeUtc(file)))];
    }

    private string CopyOnce()
    {
        var copy = Directory.CreateDirectory(scratch[$"{Guid.NewGuid()}"]).FullName;
        foreach (var file in PublishedFiles())
        {
            var to = Path.Combine(copy, Path.GetRelativePath(Published, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
        return copy;
    }

    private IEnumerable<string> PublishedFiles() =>
        Directory.GetFiles(Published, "*", SearchOption.AllDirectories).Where(file => !file.Contains("/by-hash/", StringComparison.Ordinal));

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
