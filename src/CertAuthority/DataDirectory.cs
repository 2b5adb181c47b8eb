using System.Text;
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
    private readonly List<FileCaKey> keys = [];

    private DataDirectory(string path, FileStream taken) => (this.path, this.taken) = (path, taken);

    /// <summary>The key that signs user certificates.</summary>
    public FileCaKey UserCa => keys[0];

    /// <summary>
    /// The key that signs host certificates. It is never the key of <see cref="UserCa"/>: hosts trust that key for users, so a host
    /// certificate signed by it would open them.
    /// </summary>
    public FileCaKey HostCa => keys[1];

    /// <summary>The key that signs the certificates with which the daemon logs in on hosts.</summary>
    public FileCaKey SyncCa => keys[2];

    /// <summary>The path of the database.</summary>
    public string Database => Path.Combine(path, "certauthority.db");

    /// <summary>The path of the revocation list.</summary>
    public string RevocationList => Path.Combine(path, "revoked.krl");

    /// <summary>The file that reserves room for the list published for hosts.</summary>
    public string SparePublishedList => Path.Combine(path, "published.krl.spare");

    /// <summary>The directory for temporary files on their way to hosts.</summary>
    public string PushFolder => Path.Combine(path, "push");

    /// <summary>Creates the directory if it does not exist, locks it, and loads or creates the three CA keys.</summary>
    /// <exception cref="InUseException">Another daemon uses it.</exception>
    /// <exception cref="ExposedException">Other accounts can enter it, or read a key in it.</exception>
    /// <exception cref="CaKeyException">A key cannot be used.</exception>
    public static DataDirectory Take(Settings settings)
    {
        var path = settings.DataDirectory;
        OwnFile.PrivateDirectory(path);
        var directory = new DataDirectory(path, Lock(path));
        try
        {
            directory.Load("user_ca", CaPurpose.User, settings.NewCaKeys);
            directory.Load("host_ca", CaPurpose.Host, settings.NewCaKeys);
            directory.Load("sync_ca", CaPurpose.Sync, settings.NewCaKeys);
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
        [("user_ca.pub", Encoding.ASCII.GetBytes(UserCa.PublicKey.ToLine("user CA") + "\n")),
            ("host_ca.pub", Encoding.ASCII.GetBytes(HostCa.PublicKey.ToLine("host CA") + "\n"))];

    public void Dispose()
    {
        keys.ForEach(key => key.Dispose());
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

    private void Load(string name, CaPurpose signs, CaKeyType type)
    {
        var file = Path.Combine(path, name);
        keys.Add(FileCaKey.LoadOrCreate(file, signs, type));
        foreach (var other in keys[..^1])
            if (other.PublicKey == keys[^1].PublicKey)
                throw new CaKeyException(
                    $"{file} is the same key as {other.Signs.ToString().ToLowerInvariant()}_ca; restore the right one, or remove {name} and {name}.pub");
    }
}
