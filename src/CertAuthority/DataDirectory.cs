using System.Text;
using CertAuthority.Auditing;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Signing;

namespace CertAuthority;

/// <summary>
/// The directory with keys, database and revocation list. Only one daemon uses it at a time; the error for a second one names the first
/// one's process.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private readonly string path;
    private readonly FileStream taken;
    private readonly List<CaKey> signing = [];

    private DataDirectory(string path, FileStream taken) => (this.path, this.taken) = (path, taken);

    /// <summary>The CA keys. Records name them by IDs, which the start of a run adds.</summary>
    public KeyRing Keys { get; private set; } = null!;

    /// <summary>The key that signs checkpoints of the audit.</summary>
    public AuditKey AuditKey { get; private set; } = null!;

    /// <summary>The last checkpoint of the audit.</summary>
    public CheckpointFile Checkpoint { get; private set; } = null!;

    /// <summary>Whether the user CA key that signs was just created, so that it has signed nothing.</summary>
    public bool IsNewAuthority => signing[0] is FileCaKey { IsNew: true };

    /// <summary>The path of the database.</summary>
    public string Database => Path.Combine(path, "certauthority.db");

    /// <summary>The path of the revocation list.</summary>
    public string RevocationList => Path.Combine(path, "revoked.krl");

    /// <summary>The file that reserves room for the list published for hosts.</summary>
    public string SparePublishedList => Path.Combine(path, "published.krl.spare");

    /// <summary>The directory for temporary files on their way to hosts.</summary>
    public string PushFolder => Path.Combine(path, "push");

    /// <summary>Creates the directory if it does not exist, locks it, and loads or creates the three CA keys and the audit key.</summary>
    /// <exception cref="InUseException">Another daemon uses it.</exception>
    /// <exception cref="ExposedException">Other accounts can enter it, or read a key in it.</exception>
    /// <exception cref="CaKeyException">A key cannot be used.</exception>
    public static async Task<DataDirectory> Take(Settings settings)
    {
        var path = settings.DataDirectory;
        OwnFile.PrivateDirectory(path);
        var directory = new DataDirectory(path, Lock(path));
        try
        {
            directory.Keys = new KeyRing(
                await directory.Load(CaPurpose.User, settings.UserCa, settings.NewCaKeys),
                await directory.Load(CaPurpose.Host, settings.HostCa, settings.NewCaKeys),
                await directory.Load(CaPurpose.Sync, settings.SyncCa, settings.NewCaKeys));
            directory.AuditKey = AuditKey.LoadOrCreate(Path.Combine(path, AuditKey.FileName));
            directory.Checkpoint = new CheckpointFile(Path.Combine(path, "audit_checkpoint"), directory.AuditKey);
            // From now on, a file that is missing was removed.
            if (directory.AuditKey.IsNew && !directory.Checkpoint.Exists)
                directory.Checkpoint.Keep(directory.Checkpoint.Begun());
            directory.ExpectOnePurposeEach();
            OwnFile.ExpectOwn(directory.Database);
            return directory;
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Returns the files that hosts trust: name and content.</summary>
    public (string Name, byte[] Content)[] PublicKeys() =>
    [
        ($"{AuditKey.FileName}.pub", Encoding.ASCII.GetBytes($"{AuditKey.PublicKey.ToLine(AuditKey.Title)}\n")),
        .. ((CaKeys[])[Keys.User, Keys.Host]).Select(keys =>
            ($"{keys.Purpose.FileName()}.pub", Encoding.ASCII.GetBytes(string.Concat(keys.Lines.Select(line => $"{line}\n"))))),
    ];

    public void Dispose()
    {
        AuditKey?.Dispose();
        signing.ForEach(key => key.Dispose());
        taken.Dispose();
    }

    private static FileStream Lock(string path)
    {
        var pidFile = Path.Combine(path, "certauthority.pid");
        try
        {
            var taken = LockFile.Take(Path.Combine(path, "certauthority.lock"));
            File.WriteAllText(pidFile, $"{Environment.ProcessId}\n");
            return taken;
        }
        catch (InUseException)
        {
            throw new InUseException(
                $"{path} is in use by the certauthority with process id {File.ReadAllText(pidFile).Trim()}; stop it, or name another data directory");
        }
    }

    private async Task<CaKeys> Load(CaPurpose purpose, KeyCustody custody, CaKeyType type)
    {
        var key = await CaKeyCustody.Open(custody, FileOf(purpose), purpose, type);
        signing.Add(key);
        // A key that is listed although it signs, as after it took its turn, is not trusted twice.
        return new CaKeys(
            key,
            [.. TrustedKeysFile.Read(Path.Combine(path, purpose.TrustedFileName())).Where(one => one != key.PublicKey).Distinct()]);
    }

    private void ExpectOnePurposeEach()
    {
        if (Keys.Owns(AuditKey.PublicKey) is { } own)
            throw new CaKeyException(
                $"{Path.Combine(path, AuditKey.FileName)} is the {own} too; restore the right one, or remove {AuditKey.FileName} and {AuditKey.FileName}.pub");
        foreach (var (n, keys) in Keys.All.Index())
            foreach (var key in keys.Trusted)
                if (Keys.All.Take(n).FirstOrDefault(before => before.Trusts(key)) is { } other)
                    throw new CaKeyException(
                        key == keys.Signing.PublicKey && key == other.Signing.PublicKey
                            ? $"{FileOf(keys.Purpose)} is the same key as {other.Purpose.FileName()}; restore the right one, or remove {keys.Purpose.FileName()} and {keys.Purpose.FileName()}.pub"
                            : $"{Fingerprint.Compute(key)} is trusted as {other.Purpose.Title()} and as {keys.Purpose.Title()}, so what it signs for one would open the other; take it out of {path}/{other.Purpose.TrustedFileName()} or {path}/{keys.Purpose.TrustedFileName()}");
    }

    private string FileOf(CaPurpose purpose) => Path.Combine(path, purpose.FileName());
}
