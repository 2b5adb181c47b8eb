using System.Security.Cryptography;

namespace CertAuthority.OpenSsh;

/// <summary>
/// A signature over a file in the form that <c>ssh-keygen -Y verify</c> reads (OpenSSH, PROTOCOL.sshsig). This class only lays out the
/// bytes.
/// </summary>
public static class SshSignature
{
    /// <summary>The first line of a signature's file.</summary>
    public const string Begin = "-----BEGIN SSH SIGNATURE-----";
    internal const string End = "-----END SSH SIGNATURE-----";
    private const string HashAlgorithm = "sha512";
    private const int LineLength = 70;

    internal static ReadOnlySpan<byte> Magic => "SSHSIG"u8;

    /// <summary>Returns the bytes to sign.</summary>
    /// <param name="purpose">The namespace: what the signature is for. A verifier accepts it for nothing else.</param>
    /// <param name="message">The content of the file.</param>
    public static byte[] ToBeSigned(string purpose, ReadOnlySpan<byte> message) =>
        ToBeSigned(purpose, HashAlgorithm, SHA512.HashData(message));

    /// <summary>Returns the content of the signature's file.</summary>
    /// <param name="key">The public half of the key that signed.</param>
    /// <param name="purpose">The namespace.</param>
    /// <param name="algorithm">The algorithm of the signature.</param>
    /// <param name="blob">The signature over the bytes to sign, as the algorithm defines it.</param>
    public static string ToFile(PublicKey key, string purpose, string algorithm, ReadOnlySpan<byte> blob)
    {
        var signature = new WireWriter().String(algorithm).String(blob).ToArray();
        var bytes = new WireWriter()
            .Raw(Magic)
            .UInt32(1)
            .String(key.ToBlob())
            .String(purpose)
            .String("")
            .String(HashAlgorithm)
            .String(signature)
            .ToArray();
        return Armored(bytes);
    }

    /// <summary>Returns the bytes to sign for a message with a hash.</summary>
    internal static byte[] ToBeSigned(string purpose, string hashAlgorithm, ReadOnlySpan<byte> hash) =>
        new WireWriter().Raw(Magic).String(purpose).String("").String(hashAlgorithm).String(hash).ToArray();

    /// <summary>Returns a signature as a file.</summary>
    internal static string Armored(ReadOnlySpan<byte> bytes) =>
        $"{Begin}\n{string.Concat(Convert.ToBase64String(bytes).Chunk(LineLength).Select(line => $"{new string(line)}\n"))}{End}\n";
}
