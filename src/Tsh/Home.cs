using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The folder where tsh keeps a key, its certificate, the hosts it has seen, and what ssh reads of it.</summary>
/// <param name="folder">Where.</param>
/// <param name="profile">Which of several logins; null for the one without a name.</param>
internal sealed partial class Home(string folder, string? profile = null)
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

    /// <summary>The certificate that the last login asked for.</summary>
    public string Certificate => Path.Combine(Folder, "id-cert.pub");

    /// <summary>What tells a certificate from others of its login, in the name of its file.</summary>
    /// <exception cref="FailureException">It could lead out of the folder.</exception>
    public static string CertificateName(CertificateInfo certificate) =>
        (certificate.Name ?? certificate.Serial) is var name && Names().IsMatch(name)
        ? name
        : throw new FailureException($"'{name}' is not the name of a certificate");

    /// <summary>The files of all certificates but those for single nodes, with their names; first what the last login asked for.</summary>
    public IEnumerable<(string File, string? Name)> CertificateFiles()
    {
        yield return (Certificate, null);
        if (Directory.Exists(Folder))
            foreach (var file in Directory.EnumerateFiles(Folder, "id-?*-cert.pub").Order(StringComparer.Ordinal))
                yield return (file, Path.GetFileName(file)["id-".Length..^"-cert.pub".Length]);
    }

    /// <summary>Whether there is a key whose private half is not here.</summary>
    public bool KeyIsInAgentOnly => !File.Exists(Key) && File.Exists(PublicKey);

    public string KnownHosts => Path.Combine(Folder, "known_hosts");

    /// <summary>Whose host certificates ssh believes: beside known_hosts, which ssh writes.</summary>
    public string KnownCas => Path.Combine(Folder, "known_cas");

    /// <summary>What <c>tsh config</c> has told ssh; there only where it has.</summary>
    public string SshConfig => Path.Combine(Folder, "ssh_config");

    /// <summary>The certificate that is for a login on one node.</summary>
    public string NodeCertificate(string login, string node) => Path.Combine(NodeCertificates, $"{login}@{node}-cert.pub");

    /// <summary>The certificates at hand for logins on single nodes.</summary>
    public IEnumerable<string> NodeCertificateFiles() =>
        Directory.Exists(NodeCertificates) ? Directory.EnumerateFiles(NodeCertificates, "*-cert.pub").Order(StringComparer.Ordinal) : [];

    /// <summary>Whether a certificate is for a single node.</summary>
    public bool IsForOneNode(string certificate) => Path.GetDirectoryName(certificate) == NodeCertificates;

    private string NodeCertificates => Path.Combine(Folder, "nodes");

    /// <summary>What is remembered of the last login.</summary>
    public Memory Memory => Memory.Read(Path.Combine(Folder, "profile"));

    /// <summary>The keys of this home that ssh-agents hold.</summary>
    public AgentKeys AgentKeys => new(Path.Combine(Folder, "agent_keys"));

    /// <summary>Where nodes were when the daemon was last asked.</summary>
    public string Addresses => Path.Combine(Folder, "addresses");

    /// <summary>TSH_HOME, else <c>~/.certauthority</c>; below it the chosen profile's.</summary>
    public static Home Chosen(ParseResult parsed) => Chosen(ProfileOption.Chosen(parsed));

    /// <summary>The login without a name, and every profile, whether or not there is a certificate.</summary>
    public static IEnumerable<Home> All()
    {
        yield return Chosen((string?)null);
        var profiles = Path.Combine(Root(), Profiles);
        if (Directory.Exists(profiles))
            foreach (var name in Directory.EnumerateDirectories(profiles).Select(path => Path.GetFileName(path)).Where(ProfileOption.IsName)
                .Order(StringComparer.Ordinal))
                yield return Chosen(name);
    }

    private static Home Chosen(string? profile)
    {
        var folder = profile is null ? Root() : Path.Combine(Root(), Profiles, profile);
        PrivateFolder.Expect(folder);
        return new Home(folder, profile);
    }

    /// <summary>
    /// TSH_HOME, else <c>~/.certauthority</c>. Always an absolute path: a private key must never end up wherever somebody happens to be.
    /// </summary>
    /// <exception cref="FailureException">Neither leads anywhere.</exception>
    public static string Root()
    {
        if (Environment.GetEnvironmentVariable("TSH_HOME") is { Length: > 0 } chosen)
            return Path.IsPathFullyQualified(chosen)
                ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(chosen))
                : throw new FailureException(
                    $"TSH_HOME is '{chosen}', which is not an absolute path", "set it to a path that begins with /");
        var home = UserFolders.Home
            ?? throw new FailureException(
                $"HOME is '{Environment.GetEnvironmentVariable("HOME")}', which is not an absolute path", NameHome);
        return Directory.Exists(home)
            ? Path.Combine(home, ".certauthority")
            : throw new FailureException($"your home directory {home} does not exist", NameHome);
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
        using var alone = Lock();
        if (!File.Exists(Key))
            await MakeKey(comment, cancellation);
        if (File.Exists(PublicKey))
            return (await File.ReadAllTextAsync(PublicKey, cancellation)).Trim();
        var derived = await Keygen.PublicKeyOf(Key, cancellation);
        AtomicFile.Replace(PublicKey, Encoding.UTF8.GetBytes(derived), OwnerOnly);
        return derived.Trim();
    }

    /// <summary>Puts the certificates of a login in their places, and removes those of the login before.</summary>
    /// <param name="certificates">First the one that was asked for; none where every login needs a certificate for its host.</param>
    /// <param name="key">The line of the key that they certify, as <see cref="EnsureKey"/> gave it.</param>
    /// <exception cref="FailureException">Another key is there by now.</exception>
    public void SaveCertificates(IReadOnlyList<OneCertificate> certificates, string key)
    {
        using var alone = Lock();
        if (!File.Exists(PublicKey) || File.ReadAllText(PublicKey).Trim() != key)
            throw new FailureException($"the key in {Folder} was removed or replaced while its certificate was made", "tsh login");
        ReplaceCertificates(certificates);
    }

    /// <summary>Lets ssh believe the host certificates of this authority.</summary>
    /// <param name="hostCa">The public key, a line.</param>
    public void SaveKnownCas(string hostCa)
    {
        var line = $"@cert-authority * {OpenSsh.PublicKey.ParseLine(hostCa)}\n";
        if (AtomicFile.Read(KnownCas) != line)
            AtomicFile.Replace(KnownCas, Encoding.UTF8.GetBytes(line), OwnerOnly);
    }

    /// <summary>Keeps a certificate that is for a login on one node.</summary>
    public void SaveNodeCertificate(string login, string node, string line)
    {
        Directory.CreateDirectory(NodeCertificates, OwnerOnly | UnixFileMode.UserExecute);
        AtomicFile.Replace(NodeCertificate(login, node), Encoding.UTF8.GetBytes(line + "\n"), OwnerOnly);
    }

    /// <summary>Keeps the public half of a key whose private half is not here, and its certificates.</summary>
    /// <remarks>Whoever calls holds the <see cref="Lock"/>: the agent and these files change together.</remarks>
    public void SavePublic(string publicKey, IReadOnlyList<OneCertificate> certificates)
    {
        File.Delete(Key);
        AtomicFile.Replace(PublicKey, Encoding.UTF8.GetBytes(publicKey + "\n"), OwnerOnly);
        ReplaceCertificates(certificates);
    }

    private void ReplaceCertificates(IReadOnlyList<OneCertificate> certificates)
    {
        var kept = new HashSet<string>(StringComparer.Ordinal);
        foreach (var one in certificates)
        {
            var file = kept.Count == 0 ? Certificate : Path.Combine(Folder, $"id-{CertificateName(one.Info)}-cert.pub");
            AtomicFile.Replace(file, Encoding.UTF8.GetBytes(one.Certificate + "\n"), OwnerOnly);
            kept.Add(file);
        }
        RemoveCertificates(kept);
    }

    private void RemoveCertificates(HashSet<string>? except = null)
    {
        foreach (var (file, _) in CertificateFiles().ToList())
            if (except?.Contains(file) != true)
                File.Delete(file);
        foreach (var file in NodeCertificateFiles().ToList())
            File.Delete(file);
    }

    /// <summary>The public key; null when there is none that can be read.</summary>
    public PublicKey? PublicKeyAtHand()
    {
        try
        {
            return AtomicFile.Read(PublicKey) is { } line ? OpenSsh.PublicKey.ParseLine(line) : null;
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    /// <summary>Removes key and certificates; false when there was nothing.</summary>
    public bool Clear()
    {
        if (!Directory.Exists(Folder))
            return false;
        using var alone = Lock();
        string[] present = [.. new[] { PublicKey, Key }.Concat(CertificateFiles().Select(one => one.File)).Where(File.Exists)];
        RemoveCertificates();
        File.Delete(PublicKey);
        File.Delete(Key);
        if (Directory.Exists(NodeCertificates))
            Directory.Delete(NodeCertificates, recursive: true);
        return present is not [];
    }

    /// <summary>
    /// Keeps other tsh of the same home out while key and certificate are put in place or taken away, so that they always belong together.
    /// Waits
    /// for it; disposing lets go.
    /// </summary>
    /// <exception cref="IOException">The folder cannot be locked.</exception>
    public IDisposable Lock() => OwnFile.LockDirectory(Folder, waits: true);

    private async Task MakeKey(string comment, CancellationToken cancellation)
    {
        // They certify a key that is gone.
        RemoveCertificates();
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

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{0,99}\\z")]
    private static partial Regex Names();
}
