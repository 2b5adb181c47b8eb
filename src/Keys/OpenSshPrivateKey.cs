using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.OpenSsh;

namespace CertAuthority.Keys;

/// <summary>
/// A key pair in the format of an <c>openssh-key-v1</c> file (PROTOCOL.key). It is written unencrypted, and read with or without
/// encryption.
/// </summary>
/// <param name="Key">The key. The caller must dispose of it.</param>
/// <param name="Comment">Free text without control characters.</param>
internal sealed record OpenSshPrivateKey(PrivateKey Key, string Comment)
{
    private const int Columns = 70;
    private const int BlockSize = 8; // of the cipher "none"
    private const string Cipher = "aes256-ctr"; // what ssh-keygen takes unless told otherwise
    private const int CipherKeyLength = 32, CipherBlockSize = 16;
    private const uint MostRounds = 1000; // ssh-keygen takes 16 or 24; a thousand take some 10 s

    private static ReadOnlySpan<byte> Begin => "-----BEGIN OPENSSH PRIVATE KEY-----\n"u8;
    private static ReadOnlySpan<byte> End => "-----END OPENSSH PRIVATE KEY-----\n"u8;
    private static ReadOnlySpan<byte> AuthMagic => "openssh-key-v1\0"u8;

    /// <summary>
    /// Writes the file: lines of 70 columns that end with LF. The last line must end with it too, or OpenSSH rejects the file.
    /// </summary>
    /// <param name="checkInt">
    /// A random number. The file contains it twice, which shows whether decryption of an encrypted file succeeded.
    /// </param>
    internal byte[] ToFile(uint checkInt)
    {
        var privateKeys = new WireWriter()
            .UInt32(checkInt)                       // uint32   checkint
            .UInt32(checkInt)                       // uint32   checkint
            .String(Key.PublicKey.Type);            // byte[]   privatekey1, as the agent takes it:
        Key.WriteFields(privateKeys);               //            ...
        privateKeys.String(Comment);                // string   comment1
        for (byte padding = 1; privateKeys.Length % BlockSize != 0; padding++)
            privateKeys.Byte(padding);              // byte     1, 2, 3, ...

        var file = new WireWriter()
            .Raw(AuthMagic)                         // byte[]   AUTH_MAGIC
            .String("none")                         // string   ciphername
            .String("none")                         // string   kdfname
            .String([])                             // string   kdfoptions
            .UInt32(1)                              // uint32   number of keys N
            .String(Key.PublicKey.ToBlob())         // string   publickey1
            .String(privateKeys)                    // string   padded list of private keys
            .ToArray();

        var lines = Convert.ToBase64String(file).Chunk(Columns).Select(line => $"{new string(line)}\n");
        return [.. Begin, .. Encoding.ASCII.GetBytes(string.Concat(lines)), .. End];
    }

    /// <summary>Reads a file. It does not check whether the two halves of the key belong together.</summary>
    /// <param name="file">The content of the file.</param>
    /// <param name="path">The path of the file, for the command that converts it to a usable one.</param>
    /// <param name="passphrase">The passphrase of an encrypted file; null if the file must not be encrypted.</param>
    /// <exception cref="SshFormatException">
    /// The file is encrypted although it must not be, or the other way round; the passphrase is another one; it is in another format or
    /// malformed, or contains a key that no CA should have.
    /// </exception>
    internal static OpenSshPrivateKey Parse(ReadOnlySpan<byte> file, string path, byte[]? passphrase = null)
    {
        var envelope = ReadEnvelope(file, path, out var reader);
        if (envelope.IsEncrypted && passphrase is null)
            throw new SshFormatException(
                $"the key is encrypted ({envelope.Cipher}), and nobody is there to type a passphrase; run: {Rewrite(path)}");
        if (!envelope.IsEncrypted && passphrase is not null)
            throw new SshFormatException($"the key is not encrypted, although the passphrase is in a credential; run: ssh-keygen -p -f {path}");
        if (passphrase is null)
        {
            var plain = reader.Nested("private keys");
            reader.ExpectEnd("private key file");
            return Read(plain, envelope.PublicKey, BlockSize);
        }
        var decrypted = Decrypt(reader.String("private keys"), envelope, passphrase, path);
        reader.ExpectEnd("private key file");
        try
        {
            return Read(new WireReader(decrypted), envelope.PublicKey, CipherBlockSize);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted);
        }
    }

    /// <summary>Reads the public key of a file, which is not encrypted even if the file is.</summary>
    /// <exception cref="SshFormatException">The file is in another format or malformed.</exception>
    internal static SignatureKey PublicKeyOf(ReadOnlySpan<byte> file, string path) => ReadEnvelope(file, path, out _).PublicKey;

    /// <summary>What a file says before the private keys.</summary>
    private sealed record Envelope(string Cipher, byte[] KdfOptions, SignatureKey PublicKey)
    {
        public bool IsEncrypted => Cipher != "none";
    }

    // Rewrites the file in this format, and asks for the old passphrase if there is one.
    private static string Rewrite(string path) => $"ssh-keygen -p -N '' -f {path}";

    private static Envelope ReadEnvelope(ReadOnlySpan<byte> file, string path, out WireReader reader)
    {
        if (file.StartsWith("-----BEGIN "u8) && !file.StartsWith("-----BEGIN OPENSSH "u8))
            throw new SshFormatException($"the key is in PEM, not in the format of OpenSSH; run: {Rewrite(path)}");

        reader = new WireReader(Unarmour(file));
        if (!reader.Raw(AuthMagic.Length, "magic").SequenceEqual(AuthMagic))
            throw new SshFormatException("the armour does not hold an openssh-key-v1 key");
        var cipher = reader.Name("ciphername");
        var kdf = reader.Name("kdfname");
        if (cipher == "none" != (kdf == "none"))
            throw new SshFormatException($"the cipher is {cipher}, and the function that derives its key {kdf}");
        var options = reader.String("kdfoptions").ToArray();
        if (kdf == "none" && options.Length > 0)
            throw new SshFormatException("kdfoptions are not empty");
        if (reader.UInt32("number of keys") is var count and not 1)
            throw new SshFormatException($"the file holds {count} keys, not 1");
        var envelope = new Envelope(cipher, options, SignatureKey.Parse(reader.String("publickey1")));
        if (envelope.IsEncrypted && kdf != "bcrypt")
            throw new SshFormatException($"the function that derives the key is {kdf}, not bcrypt; run: ssh-keygen -p -f {path}");
        return envelope;
    }

    private static byte[] Decrypt(ReadOnlySpan<byte> encrypted, Envelope envelope, byte[] passphrase, string path)
    {
        if (envelope.Cipher != Cipher)
            throw new SshFormatException($"the key is encrypted with {envelope.Cipher}, not {Cipher}; run: ssh-keygen -p -Z {Cipher} -f {path}");
        var options = new WireReader(envelope.KdfOptions);
        var salt = options.String("salt");
        var rounds = options.UInt32("rounds");
        options.ExpectEnd("kdfoptions");
        if (rounds is 0 or > MostRounds)
            throw new SshFormatException($"the key is derived in {rounds} rounds, and at most {MostRounds} are done; run: ssh-keygen -p -a 24 -f {path}");
        if (encrypted.Length % CipherBlockSize != 0)
            throw new SshFormatException($"the private keys are {encrypted.Length} bytes long, which is no multiple of {CipherBlockSize}");

        var derived = BcryptPbkdf.Derive(passphrase, salt, rounds, CipherKeyLength + CipherBlockSize);
        using var aes = Aes.Create();
        aes.Key = derived[..CipherKeyLength];
        var counter = new UInt128(
            BinaryPrimitives.ReadUInt64BigEndian(derived.AsSpan(CipherKeyLength)),
            BinaryPrimitives.ReadUInt64BigEndian(derived.AsSpan(CipherKeyLength + sizeof(ulong))));
        CryptographicOperations.ZeroMemory(derived);
        // CTR: the encrypted counters, which .NET calls ECB, are the key stream.
        var stream = new byte[encrypted.Length];
        for (var i = 0; i < stream.Length; i += CipherBlockSize, counter++)
            BinaryPrimitives.WriteUInt128BigEndian(stream.AsSpan(i), counter);
#pragma warning disable CA5358 // ECB of counters that never repeat
        aes.EncryptEcb(stream, stream, PaddingMode.None);
#pragma warning restore CA5358
        for (var i = 0; i < stream.Length; i++)
            stream[i] ^= encrypted[i];
        // Before anything of it is parsed: of a wrong passphrase, only this can be told.
        return BinaryPrimitives.ReadUInt32BigEndian(stream) == BinaryPrimitives.ReadUInt32BigEndian(stream.AsSpan(sizeof(uint)))
            ? stream
            : throw new SshFormatException("the passphrase in the credential is not the one of this key");
    }

    private static OpenSshPrivateKey Read(WireReader privateKeys, SignatureKey publicKey, int blockSize)
    {
        if (privateKeys.UInt32("checkint") != privateKeys.UInt32("checkint"))
            throw new SshFormatException("the check numbers differ");
        if (privateKeys.Name("private key type") != publicKey.Type)
            throw new SshFormatException("the private key is of another type than the public key");
        var key = PrivateKeys.Read(publicKey, ref privateKeys);
        var comment = privateKeys.Utf8("comment");
        if (comment.Any(char.IsControl))
            throw new SshFormatException("the comment has control characters");
        ExpectPadding(privateKeys, blockSize);
        return new OpenSshPrivateKey(key, comment);
    }

    private static void ExpectPadding(WireReader privateKeys, int blockSize)
    {
        var unpadded = privateKeys.Position;
        for (byte padding = 1; !privateKeys.AtEnd; padding++)
        {
            if (privateKeys.Byte("padding") != padding)
                throw new SshFormatException("the padding is not 1, 2, 3, ...");
        }
        if (privateKeys.Position % blockSize != 0 || privateKeys.Position - unpadded >= blockSize)
            throw new SshFormatException($"the padding does not end at the next multiple of {blockSize}");
    }

    private static byte[] Unarmour(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(Begin) || !file.EndsWith(End) || file.Length < Begin.Length + End.Length)
            throw new SshFormatException("the file does not begin and end as an OpenSSH private key does, with lines that end in LF");
        var base64 = file[Begin.Length..^End.Length];
        var blob = new byte[Base64.GetMaxDecodedFromUtf8Length(base64.Length)];
        return Base64.DecodeFromUtf8(base64, blob, out _, out var length) == OperationStatus.Done
            ? blob[..length]
            : throw new SshFormatException("the private key is not base64");
    }
}
