using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>
/// A private key in an unencrypted OpenSSH file that only its owner can read, with its public key in <c>.pub</c> next to it.
/// </summary>
internal static class KeyFile
{
    /// <summary>Loads the key; if neither the key nor <c>.pub</c> exists, creates one.</summary>
    /// <param name="path">The path of the private key. It is created with mode 0600, and <c>.pub</c> with 0644.</param>
    /// <param name="comment">The comment of a new key.</param>
    /// <param name="type">The type of a new key; an existing key keeps its own.</param>
    /// <returns>The key, and whether it was just created.</returns>
    /// <exception cref="CaKeyException">
    /// Other accounts may read or own the key; it is encrypted, weak, malformed or gone; or <c>.pub</c> contains another key.
    /// </exception>
    internal static (PrivateKey Key, bool IsNew) LoadOrCreate(string path, string comment, CaKeyType type)
    {
        var isNew = FileStatus.Read(path) is null;
        if (isNew)
            Create(path, comment, type);
        return (Load(path), isNew);
    }

    private static void Create(string path, string comment, CaKeyType type)
    {
        if (File.Exists(PubPath(path)))
            throw new CaKeyException(
                $"{path} is missing, but {PubPath(path)} is there: restore the key, or remove the .pub file to begin with a new CA");

        using var newKey = PrivateKeys.New(type);
        var checkInt = BinaryPrimitives.ReadUInt32BigEndian(RandomNumberGenerator.GetBytes(sizeof(uint)));
        AtomicFile.Create(path, new OpenSshPrivateKey(newKey, comment).ToFile(checkInt), AtomicFile.OwnerOnly);
    }

    private static PrivateKey Load(string path)
    {
        try
        {
            var file = OpenSshPrivateKey.Parse(OwnFile.ReadPrivate(path), path);
            ExpectPair(file.Key);
            ExpectPub(PubPath(path), file);
            return file.Key;
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
