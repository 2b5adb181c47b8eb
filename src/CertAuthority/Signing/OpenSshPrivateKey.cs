using System.Buffers;
using System.Buffers.Text;
using System.Text;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>A key pair in the format of an unencrypted <c>openssh-key-v1</c> file (PROTOCOL.key).</summary>
/// <param name="Key">The key. The caller must dispose of it.</param>
/// <param name="Comment">Free text without control characters.</param>
internal sealed record OpenSshPrivateKey(PrivateKey Key, string Comment)
{
    private const int Columns = 70;
    private const int BlockSize = 8; // of the cipher "none"

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
    /// <exception cref="SshFormatException">
    /// The file is encrypted, in another format or malformed, or contains a key that no CA should have.
    /// </exception>
    internal static OpenSshPrivateKey Parse(ReadOnlySpan<byte> file, string path)
    {
        // Rewrites the file in this format, and asks for the old passphrase if there is one.
        var rewrite = $"ssh-keygen -p -N '' -f {path}";
        if (file.StartsWith("-----BEGIN "u8) && !file.StartsWith("-----BEGIN OPENSSH "u8))
            throw new SshFormatException($"the key is in PEM, not in the format of OpenSSH; run: {rewrite}");

        var reader = new WireReader(Unarmour(file));
        if (!reader.Raw(AuthMagic.Length, "magic").SequenceEqual(AuthMagic))
            throw new SshFormatException("the armour does not hold an openssh-key-v1 key");
        var cipher = reader.Name("ciphername");
        var kdf = reader.Name("kdfname");
        if (cipher != "none" || kdf != "none")
            throw new SshFormatException($"the key is encrypted ({cipher}), and nobody is there to type a passphrase; run: {rewrite}");
        if (!reader.String("kdfoptions").IsEmpty)
            throw new SshFormatException("kdfoptions are not empty");
        if (reader.UInt32("number of keys") is var count and not 1)
            throw new SshFormatException($"the file holds {count} keys, not 1");
        var publicKey = SignatureKey.Parse(reader.String("publickey1"));
        var privateKeys = reader.Nested("private keys");
        reader.ExpectEnd("private key file");

        if (privateKeys.UInt32("checkint") != privateKeys.UInt32("checkint"))
            throw new SshFormatException("the check numbers differ");
        if (privateKeys.Name("private key type") != publicKey.Type)
            throw new SshFormatException("the private key is of another type than the public key");
        var key = PrivateKeys.Read(publicKey, ref privateKeys);
        var comment = privateKeys.Utf8("comment");
        if (comment.Any(char.IsControl))
            throw new SshFormatException("the comment has control characters");
        ExpectPadding(privateKeys);
        return new OpenSshPrivateKey(key, comment);
    }

    private static void ExpectPadding(WireReader privateKeys)
    {
        var unpadded = privateKeys.Position;
        for (byte padding = 1; !privateKeys.AtEnd; padding++)
        {
            if (privateKeys.Byte("padding") != padding)
                throw new SshFormatException("the padding is not 1, 2, 3, ...");
        }
        if (privateKeys.Position % BlockSize != 0 || privateKeys.Position - unpadded >= BlockSize)
            throw new SshFormatException($"the padding does not end at the next multiple of {BlockSize}");
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
