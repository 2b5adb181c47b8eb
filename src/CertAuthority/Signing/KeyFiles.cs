using System.Collections.Immutable;
using CertAuthority.Configuration;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>
/// The files of one purpose: <c>user_ca</c>, the key that signs; during a rotation <c>user_ca_next</c>, the one that takes over; and after
/// it <c>user_ca_previous</c>, which the daemon does not read any more. Each has its <c>.pub</c> beside it.
/// </summary>
internal sealed class KeyFiles : IDisposable
{
    private readonly string path;
    private readonly CaPurpose purpose;
    private readonly CaKeyType type;
    private readonly KeyCustody custody;
    private readonly List<CaKey> loaded = [];

    private KeyFiles(string path, CaPurpose purpose, KeyCustody custody, CaKeyType type) =>
        (this.path, this.purpose, this.custody, this.type) = (path, purpose, custody, type);

    /// <summary>Whether the key is in a plain file, so that another one can take its place.</summary>
    public bool CanChange => custody is KeyCustody.InFile;

    /// <summary>The key that signs when no rotation is under way.</summary>
    public CaKey Current { get; private set; } = null!;

    /// <summary>The key that takes over; null if there is none.</summary>
    public FileCaKey? Next { get; private set; }

    /// <summary>The public halves of other keys that hosts and clients trust.</summary>
    public ImmutableArray<SignatureKey> Trusted { get; private init; } = [];

    /// <summary>The path of the key that takes over.</summary>
    public string NextPath => $"{path}_next";

    /// <summary>Loads the keys of a purpose; creates the one that signs at the first start.</summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="purpose">What the keys sign.</param>
    /// <param name="custody">Where the key that signs is.</param>
    /// <param name="type">The type of a new key.</param>
    /// <exception cref="CaKeyException">A key cannot be used.</exception>
    public static async Task<KeyFiles> Load(string directory, CaPurpose purpose, KeyCustody custody, CaKeyType type)
    {
        var path = Path.Combine(directory, purpose.FileName());
        var files = new KeyFiles(path, purpose, custody, type)
        {
            Trusted = TrustedKeysFile.Read(Path.Combine(directory, purpose.TrustedFileName())),
        };
        // The next key was on its way to this name when the daemon ended; a new key must not take it.
        if (FileStatus.Read(path) is null && FileStatus.Read(files.NextPath) is not null && FileStatus.Read($"{path}_previous") is not null)
            files.MoveNext();
        try
        {
            files.Current = await CaKeyCustody.Open(custody, path, purpose, type);
            files.loaded.Add(files.Current);
            files.OpenNext();
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Returns the keys of the purpose.</summary>
    /// <param name="signing">The public half of the key that signs.</param>
    /// <param name="others">The public halves of the other trusted keys.</param>
    /// <returns>Null if no file has the private half.</returns>
    public CaKeys? Ring(PublicKey signing, IEnumerable<SignatureKey> others) =>
        Holder(signing) is { } key ? new CaKeys(key, [.. others.Concat(Trusted).Where(one => one != signing).Distinct()]) : null;

    /// <summary>Creates the key that takes over. One that was created before, and never took over, is used.</summary>
    /// <exception cref="CaKeyException">Its file cannot be used.</exception>
    /// <exception cref="IOException">It could not be written.</exception>
    public FileCaKey MakeNext() => Next ??= Open(NextPath);

    /// <summary>Returns the key with a public half; null if no file has it.</summary>
    public CaKey? Holder(PublicKey key) => Current.PublicKey == key ? Current : Next?.PublicKey == key ? Next : null;

    /// <summary>Loads the key that takes over, if its file was missing before and is there now.</summary>
    /// <exception cref="CaKeyException">Its file cannot be used.</exception>
    public void FindNext()
    {
        if (Next is null)
            OpenNext();
    }

    /// <summary>Removes the key that was to take over.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public void DropNext()
    {
        // In this order: a public half alone would count as a key that was lost.
        File.Delete($"{NextPath}.pub");
        File.Delete(NextPath);
        AtomicFile.FlushDirectory(Path.GetDirectoryName(path)!);
        Next = null;
    }

    /// <summary>
    /// Puts the old key aside, and the next one in its place. Every state on the way there is completed by the next call, or the next load.
    /// </summary>
    /// <param name="key">The public half of the key that takes the place; nothing happens if it has it already.</param>
    /// <exception cref="IOException">The disk failed.</exception>
    /// <exception cref="InvalidOperationException">The next key is another one, or the present one is not in a plain file.</exception>
    public void Promote(PublicKey key)
    {
        if (Current.PublicKey == key)
            return;
        if (!CanChange || Next is not { } next || next.PublicKey != key)
            throw new InvalidOperationException("the key cannot take the place of the present one");
        // Without the file, an earlier call has moved it, and what is in its place now stays.
        if (FileStatus.Read(NextPath) is not null)
        {
            AtomicFile.Rename($"{path}.pub", $"{path}_previous.pub");
            AtomicFile.Rename(path, $"{path}_previous");
        }
        MoveNext();
        next.IsNowAt(path);
        (Current, Next) = (next, null);
    }

    public void Dispose() => loaded.ForEach(key => key.Dispose());

    private void OpenNext()
    {
        // It was left behind when the daemon ended in the middle of that.
        if (FileStatus.Read(NextPath) is null && AtomicFile.Read($"{NextPath}.pub") == AtomicFile.Read($"{path}.pub"))
            File.Delete($"{NextPath}.pub");
        if (FileStatus.Read(NextPath) is not null)
            Next = Open(NextPath);
    }

    private FileCaKey Open(string file)
    {
        var key = FileCaKey.LoadOrCreate(file, purpose, type);
        loaded.Add(key);
        return key;
    }

    private void MoveNext()
    {
        AtomicFile.Rename(NextPath, path);
        AtomicFile.Rename($"{NextPath}.pub", $"{path}.pub");
    }
}
