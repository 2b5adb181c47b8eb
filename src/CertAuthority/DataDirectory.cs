using System.Text;
using CertAuthority.Auditing;
using CertAuthority.Configuration;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.Signing;

namespace CertAuthority;

/// <summary>
/// The directory with keys, database and revocation list. Only one daemon uses it at a time; the error for a second one names the first
/// one's process.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    /// <summary>The name of the revocation list in it.</summary>
    public const string RevocationListName = "revoked.krl";

    /// <summary>The name of the last checkpoint in it.</summary>
    public const string CheckpointName = "audit_checkpoint";

    private readonly string path;
    private readonly FileStream taken;
    private readonly Dictionary<CaPurpose, KeyFiles> files = [];

    private DataDirectory(string path, FileStream taken) => (this.path, this.taken) = (path, taken);

    /// <summary>The files of the CA keys. Which key of each purpose signs, the database says while a rotation is under way.</summary>
    public IReadOnlyDictionary<CaPurpose, KeyFiles> Files => files;

    /// <summary>The key that signs checkpoints of the audit.</summary>
    public AuditKey AuditKey { get; private set; } = null!;

    /// <summary>The last checkpoint of the audit.</summary>
    public CheckpointFile Checkpoint { get; private set; } = null!;

    /// <summary>Whether the user CA key that signs was just created, so that it has signed nothing.</summary>
    public bool IsNewAuthority => files[CaPurpose.User].Current is FileCaKey { IsNew: true };

    /// <summary>The path of the revocation list.</summary>
    public string RevocationList => Path.Combine(path, RevocationListName);

    /// <summary>The beginning of the names of the files that reserve room for what is published for hosts.</summary>
    public string SparePublished => Path.Combine(path, "published");

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
            AtomicFile.RemoveUnfinished(path);
            foreach (var (purpose, custody) in ((CaPurpose, KeyCustody)[])[
                (CaPurpose.User, settings.UserCa), (CaPurpose.Host, settings.HostCa), (CaPurpose.Sync, settings.SyncCa)])
                directory.files[purpose] = await KeyFiles.Load(path, purpose, custody, settings.NewCaKeys);
            directory.AuditKey = AuditKey.LoadOrCreate(Path.Combine(path, AuditKey.FileName));
            directory.Checkpoint = new CheckpointFile(Path.Combine(path, CheckpointName), directory.AuditKey);
            // From now on, a file that is missing was removed.
            if (directory.AuditKey.IsNew && !directory.Checkpoint.Exists)
                directory.Checkpoint.Keep(directory.Checkpoint.Begun());
            directory.ExpectOnePurposeEach();
            return directory;
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Returns the public half of the audit key as a file.</summary>
    public byte[] AuditKeyFile => Encoding.ASCII.GetBytes($"{AuditKey.PublicKey.ToLine(AuditKey.Title)}\n");

    public void Dispose()
    {
        AuditKey?.Dispose();
        foreach (var keys in files.Values)
            keys.Dispose();
        taken.Dispose();
    }

    /// <summary>Keeps daemons away from a directory, for a program that does not need its keys.</summary>
    /// <exception cref="InUseException">A daemon uses it.</exception>
    public static FileStream Lock(string path)
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

    private void ExpectOnePurposeEach()
    {
        var all = files.Select(one => Every(one.Key, one.Value)).ToList();
        if (new KeyRing(all[0], all[1], all[2]).Owns(AuditKey.PublicKey) is { } own)
            throw new CaKeyException(
                $"{Path.Combine(path, AuditKey.FileName)} is the {own} too; restore the right one, or remove {AuditKey.FileName} and {AuditKey.FileName}.pub");
        foreach (var (n, keys) in all.Index())
            foreach (var key in keys.Trusted)
                if (all.Take(n).FirstOrDefault(before => before.Trusts(key)) is { } other)
                    throw new CaKeyException(
                        key == keys.Signing.PublicKey && key == other.Signing.PublicKey
                            ? $"{FileOf(keys.Purpose)} is the same key as {other.Purpose.FileName()}; restore the right one, or remove {keys.Purpose.FileName()} and {keys.Purpose.FileName()}.pub"
                            : $"{Fingerprint.Compute(key)} is trusted as {other.Purpose.Title()} and as {keys.Purpose.Title()}, so what it signs for one would open the other; take it out of {path}/{other.Purpose.TrustedFileName()} or {path}/{keys.Purpose.TrustedFileName()}");

        static CaKeys Every(CaPurpose purpose, KeyFiles one) =>
            one.Ring(one.Current.PublicKey, one.Next is { } next ? [next.PublicKey] : [])!;
    }

    private string FileOf(CaPurpose purpose) => Path.Combine(path, purpose.FileName());
}
