using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>An Ed25519 CA key in an unencrypted OpenSSH file, its public key in <c>.pub</c> beside it.</summary>
sealed class FileCaKey : CaKey
{
    readonly Libcrypto.PrivateKey privateKey;

    FileCaKey(Libcrypto.PrivateKey privateKey)
    {
        this.privateKey = privateKey;
        PublicKey = privateKey.PublicKey();
    }

    internal override PublicKey PublicKey { get; }

    /// <summary>The key at <paramref name="path"/>; at the first start, when there is neither key nor <c>.pub</c>, a new one.</summary>
    /// <param name="path">Of the private key. It is created 0600, <c>.pub</c> 0644.</param>
    /// <param name="comment">Of a new key, such as <c>user CA</c>.</param>
    /// <exception cref="CaKeyException">
    /// Others may read the key or own it, it is malformed, it is gone, or <c>.pub</c> holds another key.
    /// </exception>
    internal static FileCaKey LoadOrCreate(string path, string comment)
    {
        if (!File.Exists(path))
            Create(path, comment);
        return Load(path);
    }

    public override void Dispose() => privateKey.Dispose();

    private protected override (string Algorithm, byte[] Blob) SignBytes(ReadOnlySpan<byte> toBeSigned) =>
        (PublicKey.Type, privateKey.Sign(toBeSigned));

    static void Create(string path, string comment)
    {
        if (File.Exists(PubPath(path)))
            throw new CaKeyException(
                $"{path} is missing, but {PubPath(path)} is there: restore the key, or remove the .pub file to begin with a new CA");

        var seed = RandomNumberGenerator.GetBytes(Libcrypto.PrivateKey.SeedLength);
        using var newKey = Libcrypto.PrivateKey.FromSeed(seed);
        var checkInt = BinaryPrimitives.ReadUInt32BigEndian(RandomNumberGenerator.GetBytes(sizeof(uint)));
        DurableFile.Create(path, new OpenSshPrivateKey(seed, newKey.PublicKey(), comment).ToFile(checkInt), DurableFile.OwnerOnly);
    }

    static FileCaKey Load(string path)
    {
        try
        {
            var pair = OpenSshPrivateKey.Parse(DurableFile.ReadPrivate(path));
            var key = new FileCaKey(Libcrypto.PrivateKey.FromSeed(pair.Seed));
            if (key.PublicKey != pair.PublicKey)
                throw new SshFormatException("the seed belongs to another public key");
            ExpectPub(PubPath(path), pair);
            return key;
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

    // Written after the private key, so that a crash between the two leaves a key without .pub, which the next start repairs.
    static void ExpectPub(string pubPath, OpenSshPrivateKey pair)
    {
        if (!File.Exists(pubPath))
        {
            DurableFile.Create(pubPath, Encoding.UTF8.GetBytes($"{pair.PublicKey.ToLine(pair.Comment)}\n"), DurableFile.ReadableByAll);
        }
        else if (!Holds(pubPath, pair.PublicKey))
        {
            throw new CaKeyException(
                $"{pubPath} does not hold the public key of the private key beside it: "
                + "restore the one that hosts trust, or remove the .pub file to have it written again");
        }
    }

    static bool Holds(string pubPath, PublicKey key)
    {
        try
        {
            return PublicKey.ParseLine(File.ReadAllText(pubPath)) == key;
        }
        catch (SshFormatException)
        {
            return false;
        }
    }

    static string PubPath(string path) => path + ".pub";
}
