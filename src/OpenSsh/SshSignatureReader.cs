namespace CertAuthority.OpenSsh;

/// <summary>A signature in the form that <c>ssh-keygen -Y sign</c> writes (OpenSSH's PROTOCOL.sshsig), read from untrusted text.</summary>
public sealed class SshSignatureReader
{
    private static readonly string[] Hashes = ["sha256", "sha512"];

    private readonly byte[] bytes;
    private readonly byte[] blob;

    private SshSignatureReader(byte[] bytes)
    {
        this.bytes = bytes;
        var reader = new WireReader(bytes);
        if (!reader.Raw(SshSignature.Magic.Length, "magic").SequenceEqual(SshSignature.Magic))
            throw new SshFormatException("it does not begin with SSHSIG");
        if (reader.UInt32("version") is var version && version != 1)
            throw new SshFormatException($"it has version {version}, not 1");
        var key = PublicKey.ReadBlob(reader.Nested("public key"));
        Key = key as SignatureKey ?? throw new SshFormatException($"{key.Type} is a security key, whose signatures are not verified here");
        Namespace = reader.Utf8("namespace");
        reader.String(0, "reserved");
        HashAlgorithm = reader.Name("hash algorithm");
        if (!Hashes.Contains(HashAlgorithm))
            throw new SshFormatException($"its hash is {HashAlgorithm}, not {string.Join(" or ", Hashes)}");
        var signature = reader.Nested("signature");
        reader.ExpectEnd("signature");
        Algorithm = signature.Name("algorithm");
        blob = signature.String("blob").ToArray();
        signature.ExpectEnd("blob");
    }

    /// <summary>The key that the signature names as its own.</summary>
    public SignatureKey Key { get; }

    /// <summary>What the signature was made for.</summary>
    public string Namespace { get; }

    /// <summary>The hash of the message that is signed: <c>sha256</c> or <c>sha512</c>.</summary>
    public string HashAlgorithm { get; }

    /// <summary>The algorithm that the signer names.</summary>
    public string Algorithm { get; }

    /// <summary>The signature as that algorithm defines it.</summary>
    public ReadOnlySpan<byte> Blob => blob;

    /// <summary>The signature as a file, in the only form that has these bytes.</summary>
    public string Armored => SshSignature.Armored(bytes);

    /// <summary>Reads a signature file.</summary>
    /// <exception cref="SshFormatException">It is malformed, or made by a kind of key that cannot be verified here.</exception>
    public static SshSignatureReader Parse(string armored)
    {
        var text = armored.Trim();
        if (!text.StartsWith(SshSignature.Begin, StringComparison.Ordinal) || !text.EndsWith(SshSignature.End, StringComparison.Ordinal)
            || text.Length < SshSignature.Begin.Length + SshSignature.End.Length)
            throw new SshFormatException($"it is not between the lines {SshSignature.Begin} and {SshSignature.End}");
        var middle = text[SshSignature.Begin.Length..^SshSignature.End.Length];
        var bytes = new byte[middle.Length];
        return Convert.TryFromBase64String(middle, bytes, out var length)
            ? new SshSignatureReader(bytes[..length])
            : throw new SshFormatException("what is between its first and last line is not base64");
    }

    /// <summary>Returns the bytes that the key signs for a message.</summary>
    /// <param name="hash">The hash of the message, by <see cref="HashAlgorithm"/>.</param>
    public byte[] SignedBytes(ReadOnlySpan<byte> hash) => SshSignature.ToBeSigned(Namespace, HashAlgorithm, hash);
}
