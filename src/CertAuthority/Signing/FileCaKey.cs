using System.Security.Cryptography;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>A CA key in an OpenSSH file, encrypted or not, with its public key in <c>.pub</c> next to it.</summary>
internal sealed class FileCaKey : CaKey
{
    private readonly PrivateKey privateKey;
    private volatile string path;
    private readonly bool isEncrypted;

    private FileCaKey(PrivateKey privateKey, string path, bool isEncrypted) =>
        (this.privateKey, this.path, this.isEncrypted) = (privateKey, path, isEncrypted);

    internal override SignatureKey PublicKey => privateKey.PublicKey;

    internal override (string Form, string Path) Custody => (isEncrypted ? "encrypted_file" : "file", path);

    /// <summary>Says that the file has another name now.</summary>
    internal void IsNowAt(string name) => path = name;

    /// <summary>Whether the key was just created, so that it has signed nothing.</summary>
    internal bool IsNew { get; private init; }

    /// <summary>
    /// Loads the key at <paramref name="path"/>; at the first start, if neither the key nor <c>.pub</c> exists, creates one.
    /// </summary>
    /// <param name="path">The path of the private key. It is created with mode 0600, and <c>.pub</c> with 0644.</param>
    /// <param name="signs">What the key signs; the comment of a new key names it: <c>user CA</c>.</param>
    /// <param name="type">The type of a new key; an existing key keeps its own.</param>
    /// <exception cref="CaKeyException">
    /// Other accounts may read or own the key; it is encrypted, weak, malformed or gone; or <c>.pub</c> contains another key.
    /// </exception>
    internal static FileCaKey LoadOrCreate(string path, CaPurpose signs, CaKeyType type = CaKeyType.Ed25519)
    {
        var (key, isNew) = KeyFile.LoadOrCreate(path, signs.Title(), type);
        return new FileCaKey(key, path, isEncrypted: false) { Signs = signs, IsNew = isNew };
    }

    /// <summary>Loads the encrypted key at <paramref name="path"/>, with a passphrase that systemd passes to this process.</summary>
    /// <param name="path">The path of the private key.</param>
    /// <param name="signs">What the key signs.</param>
    /// <param name="credential">The name of the credential with the passphrase.</param>
    /// <exception cref="CaKeyException">The credential or the key cannot be used.</exception>
    internal static FileCaKey OpenEncrypted(string path, CaPurpose signs, string credential)
    {
        byte[] passphrase;
        try
        {
            passphrase = Credentials.Read(credential);
        }
        catch (Exception e) when (e is ExposedException or IOException or UnauthorizedAccessException)
        {
            throw new CaKeyException($"{signs.FileName()}: {e.Message}");
        }
        try
        {
            return new FileCaKey(KeyFile.LoadEncrypted(path, passphrase), path, isEncrypted: true) { Signs = signs };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(passphrase);
        }
    }

    /// <summary>
    /// Looks at the file again. The key is in memory, and would sign without it; but a file that others can read, or that is another key's,
    /// is a fault that somebody must know of.
    /// </summary>
    internal override Task Check()
    {
        Found(KeyFile.Drift(path, PublicKey));
        return Task.CompletedTask;
    }

    public override void Dispose() => privateKey.Dispose();

    private protected override ValueTask<(string Algorithm, byte[] Blob)?> SignBytes(byte[] toBeSigned) =>
        ValueTask.FromResult<(string, byte[])?>(privateKey.Sign(toBeSigned));

    private protected override bool Made(ReadOnlySpan<byte> toBeSigned, string algorithm, ReadOnlySpan<byte> blob) =>
        privateKey.Made(toBeSigned, algorithm, blob);
}
