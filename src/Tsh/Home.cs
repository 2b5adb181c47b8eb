using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The directory where tsh keeps a key, its certificates, the hosts it has seen, and the configuration for ssh.</summary>
/// <param name="folder">The path of the directory.</param>
/// <param name="profile">The profile; null for the login without a name.</param>
internal sealed partial class Home(string folder, string? profile = null)
{
    private const string Profiles = "profiles";
    private const string NameHome = "set HOME, or TSH_HOME, to a folder of your own";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Folder { get; } = folder;

    /// <summary>The profile; null for the login without a name.</summary>
    public string? Profile { get; } = profile;

    /// <summary>The path of the private key.</summary>
    public string Key => Path.Combine(Folder, "id");

    public string PublicKey => Path.Combine(Folder, "id.pub");

    /// <summary>The certificate that the last login requested.</summary>
    public string Certificate => Path.Combine(Folder, "id-cert.pub");

    /// <summary>The part of a file name that distinguishes a certificate from others of its login.</summary>
    /// <exception cref="FailureException">The name could lead outside the directory.</exception>
    public static string CertificateName(CertificateInfo certificate) =>
        (certificate.Name ?? certificate.Serial) is var name && Names().IsMatch(name)
        ? name
        : throw new FailureException($"'{name}' is not the name of a certificate");

    /// <summary>
    /// Returns the files of all certificates except those for single nodes, with their names; what the last login requested comes first.
    /// </summary>
    public IEnumerable<(string File, string? Name)> CertificateFiles()
    {
        yield return (Certificate, null);
        if (Directory.Exists(Folder))
            foreach (var file in Directory.EnumerateFiles(Folder, "id-?*-cert.pub").Order(StringComparer.Ordinal))
                yield return (file, Path.GetFileName(file)["id-".Length..^"-cert.pub".Length]);
    }

    /// <summary>The certificate of the everyday roles that passes jump hosts.</summary>
    public string JumpCertificate => Path.Combine(Folder, "id-jump-everyday-cert.pub");

    /// <summary>Whether there is a key whose private half is not on the disk.</summary>
    public bool KeyIsInAgentOnly => !File.Exists(Key) && File.Exists(PublicKey);

    public string KnownHosts => Path.Combine(Folder, "known_hosts");

    /// <summary>The CA keys whose host certificates ssh accepts; a separate file, because ssh writes to known_hosts.</summary>
    public string KnownCas => Path.Combine(Folder, "known_cas");

    /// <summary>The configuration that <c>tsh config</c> wrote for ssh; it exists only after that command.</summary>
    public string SshConfig => Path.Combine(Folder, "ssh_config");

    /// <summary>The certificate for a login on one node.</summary>
    public string NodeCertificate(string login, string node) => Path.Combine(NodeCertificates, $"{login}@{node}-cert.pub");

    /// <summary>The certificates at hand for logins on single nodes.</summary>
    public IEnumerable<string> NodeCertificateFiles() =>
        Directory.Exists(NodeCertificates) ? Directory.EnumerateFiles(NodeCertificates, "*-cert.pub").Order(StringComparer.Ordinal) : [];

    /// <summary>Returns whether a certificate is for a single node.</summary>
    public bool IsForOneNode(string certificate) => Path.GetDirectoryName(certificate) == NodeCertificates;

    private string NodeCertificates => Path.Combine(Folder, "nodes");

    /// <summary>The stored facts about the last login.</summary>
    public Memory Memory => Memory.Read(Path.Combine(Folder, "profile"));

    /// <summary>The keys of this home that ssh-agents hold.</summary>
    public AgentKeys AgentKeys => new(Path.Combine(Folder, "agent_keys"));

    /// <summary>The addresses of nodes at the last call to the daemon.</summary>
    public string Addresses => Path.Combine(Folder, "addresses");

    /// <summary>Returns TSH_HOME, otherwise <c>~/.certauthority</c>; for a profile, its directory below that.</summary>
    public static Home Chosen(ParseResult parsed) => Chosen(ProfileOption.Chosen(parsed));

    /// <summary>Returns the login without a name and every profile, with or without a certificate.</summary>
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
    /// Returns TSH_HOME, otherwise <c>~/.certauthority</c>. The path is always absolute: a private key must never end up in the current
    /// directory by accident.
    /// </summary>
    /// <exception cref="FailureException">Neither is a usable path.</exception>
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

    /// <summary>Returns a tsh command line for this login.</summary>
    public string Command(string rest) => Profile is null ? $"tsh {rest}" : $"tsh --profile={Profile} {rest}";

    /// <summary>Creates the directory if it does not exist; nobody else may read it.</summary>
    public void EnsureFolder()
    {
        Directory.CreateDirectory(Folder, OwnerOnly | UnixFileMode.UserExecute);
        // Another process may have created it a moment ago.
        PrivateFolder.Expect(Folder);
    }

    /// <summary>Stores what the next command needs to know.</summary>
    public void Remember(Memory memory)
    {
        EnsureFolder();
        memory.Write(Path.Combine(Folder, "profile"));
    }

    /// <summary>
    /// Returns the line of the public key. The key and the directory are created if they do not exist; a new key gets the comment.
    /// </summary>
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

    /// <summary>Stores the certificates of a login, and removes those of the previous one.</summary>
    /// <param name="certificates">
    /// The certificates; the one that was requested comes first. Empty if every login needs a certificate for its host.
    /// </param>
    /// <param name="key">The line of the key that they certify, as <see cref="EnsureKey"/> returned it.</param>
    /// <exception cref="FailureException">Meanwhile another key has taken its place.</exception>
    public void SaveCertificates(IReadOnlyList<OneCertificate> certificates, string key)
    {
        using var alone = Lock();
        if (!File.Exists(PublicKey) || File.ReadAllText(PublicKey).Trim() != key)
            throw new FailureException($"the key in {Folder} was removed or replaced while its certificate was made", "tsh login");
        ReplaceCertificates(certificates);
    }

    /// <summary>The file that makes ssh accept the host certificates of this authority.</summary>
    public HostCasFile HostCas => new(KnownCas, Command("login"));

    /// <summary>The same file, when a user goes from the daemon of the last login to another one.</summary>
    public HostCasFile HostCasOfAnother => new(KnownCas, Command("login")) { IsOfAnother = true };

    /// <summary>
    /// Returns the installation of the last login if servers are those of that login, or one of them is; otherwise null: the user means
    /// another daemon.
    /// </summary>
    public string? InstallationOf(ServerList servers) => IsOfAnother(servers) ? null : HostCas.Installation;

    /// <summary>Returns whether servers have none in common with those of the last login.</summary>
    public bool IsOfAnother(ServerList servers) => !servers.SharesOneWith(Memory.Servers ?? ServerOption.OfThisHost());

    /// <summary>Stores a certificate for a login on one node.</summary>
    public void SaveNodeCertificate(string login, string node, string line)
    {
        Directory.CreateDirectory(NodeCertificates, OwnerOnly | UnixFileMode.UserExecute);
        AtomicFile.Replace(NodeCertificate(login, node), Encoding.UTF8.GetBytes(line + "\n"), OwnerOnly);
    }

    /// <summary>Stores the public half of a key whose private half is not on the disk, and its certificates.</summary>
    /// <remarks>The caller must hold the <see cref="Lock"/>: the agent and these files change together.</remarks>
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

    /// <summary>Returns the public key; null if there is none that can be read.</summary>
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

    /// <summary>Removes the key and certificates; false if there was nothing.</summary>
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
    /// Keeps other tsh processes of the same home out while the key and certificate are written or removed, so that they always belong
    /// together. It waits for the lock; disposing releases it.
    /// </summary>
    /// <exception cref="IOException">The directory cannot be locked.</exception>
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
