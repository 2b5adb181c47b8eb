using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Keys;

/// <summary>
/// A private key in an OpenSSH file that only its owner can read, with its public key in <c>.pub</c> next to it.
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
        return (Load(path, passphrase: null), isNew);
    }

    /// <summary>Loads an encrypted key.</summary>
    /// <param name="path">The path of the private key.</param>
    /// <param name="passphrase">Its passphrase.</param>
    /// <exception cref="CaKeyException">
    /// Other accounts may read or own the key; it is not encrypted, encrypted with another passphrase, weak, malformed or gone; or
    /// <c>.pub</c> contains another key.
    /// </exception>
    internal static PrivateKey LoadEncrypted(string path, byte[] passphrase) =>
        FileStatus.Read(path) is null
            ? throw new CaKeyException($"{path} is missing; restore the encrypted key, or make one: ssh-keygen -t ed25519 -f {path}")
            : Load(path, passphrase);

    /// <summary>Returns why the file of a key that was loaded is no longer as it was; null if it is.</summary>
    /// <param name="path">The path of the private key.</param>
    /// <param name="key">Its public half.</param>
    internal static string? Drift(string path, SignatureKey key)
    {
        try
        {
            if (FileStatus.Read(path) is null)
                return $"{path} is gone; put the key back";
            var file = OwnFile.ReadPrivate(path);
            OwnFile.ExpectPrivateDirectory(Path.GetDirectoryName(path)!);
            if (TrustedPath.Fault(path) is { } exposed)
                return exposed;
            return OpenSshPrivateKey.PublicKeyOf(file, path) is var other && other == key
                ? null
                : $"{path} holds another key now, {Fingerprint.Compute(other)}; put {Fingerprint.Compute(key)} back, or restart the daemon to use the other";
        }
        catch (Exception e) when (e is ExposedException or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
        catch (SshFormatException malformed)
        {
            return $"{path}: {malformed.Message}";
        }
    }

    /// <summary>
    /// Checks that <c>.pub</c> of a key that is not in the file beside it contains that key, and writes it if it is missing.
    /// </summary>
    /// <exception cref="CaKeyException">It contains another key, or the private key is still in the file beside it.</exception>
    internal static void ExpectPublicOnly(string path, SignatureKey key, string comment)
    {
        if (FileStatus.Read(path) is not null)
            throw new CaKeyException(
                $"{path} is still there, although the key is in an agent: whoever reads it needs no agent; move it to a safe place");
        ExpectPub(PubPath(path), key, comment, "the key in the agent");
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

    private static PrivateKey Load(string path, byte[]? passphrase)
    {
        try
        {
            var file = OpenSshPrivateKey.Parse(OwnFile.ReadPrivate(path), path, passphrase);
            ExpectPair(file.Key);
            ExpectPub(PubPath(path), file.Key.PublicKey, file.Comment, "the private key beside it");
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

    // Better to fail now than at the first login.
    private static void ExpectPair(PrivateKey key)
    {
        try
        {
            var (algorithm, blob) = key.Sign(Signature.Probe);
            if (Signature.Verifies(key.PublicKey, Signature.Probe, algorithm, blob))
                return;
        }
        catch (CryptographicException)
        {
            // The key's numbers cannot produce a signature.
        }
        throw PrivateKey.Mismatch();
    }

    // Written after the private key, so that a crash in between leaves a key without .pub, which the next start repairs.
    private static void ExpectPub(string pubPath, SignatureKey key, string comment, string whose)
    {
        if (!File.Exists(pubPath))
        {
            AtomicFile.Create(pubPath, Encoding.UTF8.GetBytes($"{key.ToLine(comment)}\n"), AtomicFile.ReadableByAll);
        }
        else if (!Holds(pubPath, key))
        {
            throw new CaKeyException(
                $"{pubPath} does not hold the public key of {whose}: "
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
