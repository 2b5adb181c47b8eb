using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.Configuration;
using CertAuthority.Linux;
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
        var isNew = FileStatus.Read(path) is null;
        if (isNew)
            Create(path, signs.Title(), type);
        return Load(path, signs, isNew);
    }

    public override void Dispose() => privateKey.Dispose();

    private protected override (string Algorithm, byte[] Blob) SignBytes(ReadOnlySpan<byte> toBeSigned) => privateKey.Sign(toBeSigned);

    private protected override bool Made(ReadOnlySpan<byte> toBeSigned, string algorithm, ReadOnlySpan<byte> blob) =>
        privateKey.Made(toBeSigned, algorithm, blob);

    private static void Create(string path, string comment, CaKeyType type)
    {
        if (File.Exists(PubPath(path)))
            throw new CaKeyException(
                $"{path} is missing, but {PubPath(path)} is there: restore the key, or remove the .pub file to begin with a new CA");

        using var newKey = PrivateKeys.New(type);
        var checkInt = BinaryPrimitives.ReadUInt32BigEndian(RandomNumberGenerator.GetBytes(sizeof(uint)));
        AtomicFile.Create(path, new OpenSshPrivateKey(newKey, comment).ToFile(checkInt), AtomicFile.OwnerOnly);
    }

    private static FileCaKey Load(string path, CaPurpose signs, bool isNew)
    {
        try
        {
            var file = OpenSshPrivateKey.Parse(OwnFile.ReadPrivate(path), path);
            ExpectPair(file.Key);
            ExpectPub(PubPath(path), file);
            return new FileCaKey(file.Key) { Signs = signs, IsNew = isNew };
        }
        catch (ExposedException exposed)
        {
            throw new CaKeyException(exposed.Message);
        }
        catch (SshFormatException malformed)
        {
            throw new CaKeyException($"{path}: {malformed.Message}");
        }
    }

    // Better to fail now than at the first login. The signed text is neither a certificate nor anything else that a server accepts.
    private static void ExpectPair(PrivateKey key)
    {
        var data = "does this private key sign for its public key?"u8;
        try
        {
            var (algorithm, blob) = key.Sign(data);
            if (Signature.Verifies(key.PublicKey, data, algorithm, blob))
                return;
        }
        catch (CryptographicException)
        {
            // The key's numbers cannot produce a signature.
        }
        throw PrivateKey.Mismatch();
    }

    // Written after the private key, so that a crash in between leaves a key without .pub, which the next start repairs.
    private static void ExpectPub(string pubPath, OpenSshPrivateKey file)
    {
        if (!File.Exists(pubPath))
        {
            AtomicFile.Create(pubPath, Encoding.UTF8.GetBytes($"{file.Key.PublicKey.ToLine(file.Comment)}\n"), AtomicFile.ReadableByAll);
        }
        else if (!Holds(pubPath, file.Key.PublicKey))
        {
            throw new CaKeyException(
                $"{pubPath} does not hold the public key of the private key beside it: "
                + "restore the one that hosts trust, or remove the .pub file to have it written again");
        }
    }

    private static bool Holds(string pubPath, PublicKey key)
    {
        try
        {
            return OpenSsh.PublicKey.ParseLine(File.ReadAllText(pubPath)) == key;
        }
        catch (SshFormatException)
        {
            return false;
        }
    }

    private static string PubPath(string path) => path + ".pub";
}
