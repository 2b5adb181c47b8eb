using System.CommandLine;
using System.Text;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The folder where tsh keeps a key, its certificate, the hosts it has seen, and what ssh reads of it.</summary>
/// <param name="folder">Where.</param>
/// <param name="profile">Which of several logins; null for the one without a name.</param>
internal sealed class Home(string folder, string? profile = null)
{
    private const string Profiles = "profiles";
    private const string NameHome = "set HOME, or TSH_HOME, to a folder of your own";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Folder { get; } = folder;

    /// <summary>Which of several logins it is; null for the one without a name.</summary>
    public string? Profile { get; } = profile;

    /// <summary>The private key.</summary>
    public string Key => Path.Combine(Folder, "id");

    public string PublicKey => Path.Combine(Folder, "id.pub");

    public string Certificate => Path.Combine(Folder, "id-cert.pub");

    /// <summary>Whether there is a key whose private half is not here.</summary>
    public bool KeyIsInAgentOnly => !File.Exists(Key) && File.Exists(PublicKey);

    public string KnownHosts => Path.Combine(Folder, "known_hosts");

    /// <summary>Whose host certificates ssh believes: beside known_hosts, which ssh writes.</summary>
    public string KnownCas => Path.Combine(Folder, "known_cas");

    /// <summary>What <c>tsh config</c> has told ssh; there only where it has.</summary>
    public string SshConfig => Path.Combine(Folder, "ssh_config");

    /// <summary>The certificate that is for one node only.</summary>
    public string NodeCertificate(string node) => Path.Combine(NodeCertificates, $"{node}-cert.pub");

    private string NodeCertificates => Path.Combine(Folder, "nodes");

    /// <summary>What is remembered of the last login.</summary>
    public Memory Memory => Memory.Read(Path.Combine(Folder, "profile"));

    /// <summary>The keys of this home that ssh-agents hold.</summary>
    public AgentKeys AgentKeys => new(Path.Combine(Folder, "agent_keys"));

    /// <summary>Where nodes were when the daemon was last asked.</summary>
    public NodeAddresses Addresses => new(this, Path.Combine(Folder, "addresses"));

    /// <summary>TSH_HOME, else <c>~/.certauthority</c>; below it the chosen profile's.</summary>
    public static Home Of(ParseResult parsed) => Of(ProfileOption.Chosen(parsed));

    /// <summary>The login without a name, and every profile, whether or not there is a certificate.</summary>
    public static IEnumerable<Home> All()
    {
        yield return Of((string?)null);
        var profiles = Path.Combine(Root(), Profiles);
        if (Directory.Exists(profiles))
            foreach (var name in Directory.EnumerateDirectories(profiles).Select(path => Path.GetFileName(path)).Where(ProfileOption.IsName).Order(StringComparer.Ordinal))
                yield return Of(name);
    }

    private static Home Of(string? profile)
    {
        var folder = profile is null ? Root() : Path.Combine(Root(), Profiles, profile);
        PrivateFolder.Expect(folder);
        return new Home(folder, profile);
    }

    /// <summary>TSH_HOME, else <c>~/.certauthority</c>. Always an absolute path: a private key must never end up wherever somebody happens to be.</summary>
    /// <exception cref="FailureException">Neither leads anywhere.</exception>
    public static string Root()
    {
        if (Environment.GetEnvironmentVariable("TSH_HOME") is { Length: > 0 } chosen)
            return Path.IsPathFullyQualified(chosen)
                ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(chosen))
                : throw new FailureException($"TSH_HOME is '{chosen}', which is not an absolute path", "set it to a path that begins with /");
        var home = UserFolders.Home ?? throw new FailureException($"HOME is '{Environment.GetEnvironmentVariable("HOME")}', which is not an absolute path", NameHome);
        return Directory.Exists(home) ? Path.Combine(home, ".certauthority") : throw new FailureException($"your home directory {home} does not exist", NameHome);
    }

    /// <summary>A command of tsh's that means this login.</summary>
    public string Command(string rest) => Profile is null ? $"tsh {rest}" : $"tsh --profile={Profile} {rest}";

    /// <summary>Makes the folder where it is missing; nobody else may look into it.</summary>
    public void EnsureFolder()
    {
        Directory.CreateDirectory(Folder, OwnerOnly | UnixFileMode.UserExecute);
        // Somebody else may have made it a moment ago.
        PrivateFolder.Expect(Folder);
    }

    /// <summary>Keeps in mind what the next command is to know.</summary>
    public void Remember(Memory memory)
    {
        EnsureFolder();
        memory.Write(Path.Combine(Folder, "profile"));
    }

    /// <summary>The line of the public key. Key and folder are made where they are missing; a new key gets the comment.</summary>
    public async Task<string> EnsureKey(string comment, CancellationToken cancellation)
    {
        EnsureFolder();
        using var alone = HomeLock.Take(Folder);
        if (!File.Exists(Key))
            await MakeKey(comment, cancellation);
        if (File.Exists(PublicKey))
            return (await File.ReadAllTextAsync(PublicKey, cancellation)).Trim();
        var derived = await Keygen.PublicKeyOf(Key, cancellation);
        AtomicFile.Write(PublicKey, Encoding.UTF8.GetBytes(derived), OwnerOnly);
        return derived.Trim();
    }

    /// <summary>Puts a certificate in its place.</summary>
    /// <param name="line">The certificate.</param>
    /// <param name="key">The line of the key that it certifies, as <see cref="EnsureKey"/> gave it.</param>
    /// <exception cref="FailureException">Another key is there by now.</exception>
    public void SaveCertificate(string line, string key)
    {
        using var alone = HomeLock.Take(Folder);
        if (!File.Exists(PublicKey) || File.ReadAllText(PublicKey).Trim() != key)
            throw new FailureException($"the key in {Folder} was removed or replaced while its certificate was made", "tsh login");
        AtomicFile.Write(Certificate, Encoding.UTF8.GetBytes(line + "\n"), OwnerOnly);
    }

    /// <summary>Lets ssh believe the host certificates of this authority.</summary>
    /// <param name="hostCa">The public key, a line.</param>
    public void SaveKnownCas(string hostCa)
    {
        var line = $"@cert-authority * {OpenSsh.PublicKey.ParseLine(hostCa)}\n";
        if (!File.Exists(KnownCas) || File.ReadAllText(KnownCas) != line)
            AtomicFile.Write(KnownCas, Encoding.UTF8.GetBytes(line), OwnerOnly);
    }

    /// <summary>Keeps a certificate that is for one node only.</summary>
    public void SaveNodeCertificate(string node, string line)
    {
        Directory.CreateDirectory(NodeCertificates, OwnerOnly | UnixFileMode.UserExecute);
        AtomicFile.Write(NodeCertificate(node), Encoding.UTF8.GetBytes(line + "\n"), OwnerOnly);
    }

    /// <summary>Keeps the public half of a key whose private half is not here, and its certificate.</summary>
    /// <remarks>Whoever calls holds the <see cref="HomeLock"/>: the agent and these files change together.</remarks>
    public void SavePublic(string publicKey, string certificate)
    {
        File.Delete(Key);
        AtomicFile.Write(PublicKey, Encoding.UTF8.GetBytes(publicKey + "\n"), OwnerOnly);
        AtomicFile.Write(Certificate, Encoding.UTF8.GetBytes(certificate + "\n"), OwnerOnly);
    }

    /// <summary>The public key; null when there is none that can be read.</summary>
    public PublicKey? PublicKeyAtHand()
    {
        try
        {
            return File.Exists(PublicKey) ? OpenSsh.PublicKey.ParseLine(File.ReadAllText(PublicKey)) : null;
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    /// <summary>What the certificate itself says, or null when there is none. Which roles are in use, and whether it is revoked, only the daemon knows.</summary>
    /// <exception cref="SshFormatException">The file holds something else.</exception>
    public CertificateInfo? ReadCertificate() => ReadCertificate(Certificate);

    /// <summary>The same for the certificate of one node.</summary>
    /// <exception cref="SshFormatException">The file holds something else.</exception>
    public CertificateInfo? ReadNodeCertificate(string node) => ReadCertificate(NodeCertificate(node));

    private static CertificateInfo? ReadCertificate(string path)
    {
        string line;
        try
        {
            line = File.ReadAllText(path).Trim();
        }
        // Asking first whether it is there would not do: a logout can come between.
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        var read = OpenSsh.Certificate.ParseLine(line);
        var (user, requests) = read.KeyId.Split(':', 2) is [var name, var ids] ? (name, ids.Split(',')) : (read.KeyId, []);
        return new CertificateInfo(
            read.Serial.ToString(), user, read.KeyId, [], requests, [.. read.Principals], Moment(read.ValidAfter), Moment(read.ValidBefore), LimitedBy: "", Revoked: false);
    }

    /// <summary>The serials of all certificates here, expired ones too.</summary>
    public string[] Serials()
    {
        return [.. new[] { Folder, NodeCertificates }.Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, "*-cert.pub")).Select(Serial).OfType<string>()];

        static string? Serial(string path)
        {
            try
            {
                return ReadCertificate(path)?.Serial;
            }
            catch (SshFormatException)
            {
                return null;
            }
        }
    }

    /// <summary>Whose the certificate at hand is, even when it has expired.</summary>
    public string? UserLoggedIn() => CertificateAtHand()?.User;

    /// <summary>The requests that the certificate at hand draws on; none once it has expired.</summary>
    public string[] RequestsInUse(DateTimeOffset now) =>
        CertificateAtHand() is { } certificate && now < certificate.ValidBefore ? certificate.Requests : [];

    /// <summary>Removes key and certificates; false when there was nothing.</summary>
    public bool Clear()
    {
        if (!Directory.Exists(Folder))
            return false;
        using var alone = HomeLock.Take(Folder);
        string[] present = [.. new[] { Certificate, PublicKey, Key }.Where(File.Exists)];
        foreach (var file in present)
            File.Delete(file);
        if (Directory.Exists(NodeCertificates))
            Directory.Delete(NodeCertificates, recursive: true);
        return present is not [];
    }

    /// <summary>What the certificate says, expired or not; null when there is none that can be read.</summary>
    public CertificateInfo? CertificateAtHand()
    {
        try
        {
            return ReadCertificate();
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    private async Task MakeKey(string comment, CancellationToken cancellation)
    {
        // Certifies a key that is gone.
        File.Delete(Certificate);
        File.Delete(PublicKey);
        var temporary = Path.Combine(Folder, $"id.{Guid.NewGuid():n}");
        try
        {
            await Keygen.Make(temporary, comment, cancellation);
            File.Move(temporary + ".pub", PublicKey, overwrite: false);
            File.Move(temporary, Key, overwrite: false);
        }
        finally
        {
            File.Delete(temporary);
            File.Delete(temporary + ".pub");
        }
    }

    // A certificate may say "for ever"; a DateTimeOffset ends with the year 9999.
    private static DateTimeOffset Moment(ulong seconds) =>
        DateTimeOffset.FromUnixTimeSeconds((long)Math.Min(seconds, (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds()));
}
