using CertAuthority.Configuration;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>A CA key in an unencrypted OpenSSH file, with its public key in <c>.pub</c> next to it.</summary>
internal sealed class FileCaKey : CaKey
{
    private readonly PrivateKey privateKey;

    private FileCaKey(PrivateKey privateKey) => this.privateKey = privateKey;

    internal override SignatureKey PublicKey => privateKey.PublicKey;

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
        return new FileCaKey(key) { Signs = signs, IsNew = isNew };
    }

    public override void Dispose() => privateKey.Dispose();

    private protected override (string Algorithm, byte[] Blob) SignBytes(ReadOnlySpan<byte> toBeSigned) => privateKey.Sign(toBeSigned);

    private protected override bool Made(ReadOnlySpan<byte> toBeSigned, string algorithm, ReadOnlySpan<byte> blob) =>
        privateKey.Made(toBeSigned, algorithm, blob);
}
