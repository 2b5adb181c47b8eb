using System.Security.Cryptography;
using System.Text;

namespace CertAuthority.OpenSsh;

/// <summary>
/// A signature over a file in the form that <c>ssh-keygen -Y verify</c> reads (OpenSSH, PROTOCOL.sshsig). This class only lays out the
/// bytes.
/// </summary>
public static class SshSignature
{
    private const string Magic = "SSHSIG";
    private const string HashAlgorithm = "sha512";
    private const int LineLength = 70;

    /// <summary>Returns the bytes to sign.</summary>
    /// <param name="purpose">The namespace: what the signature is for. A verifier accepts it for nothing else.</param>
    /// <param name="message">The content of the file.</param>
    public static byte[] ToBeSigned(string purpose, ReadOnlySpan<byte> message) =>
        new WireWriter()
            .Raw(Encoding.ASCII.GetBytes(Magic))
            .String(purpose)
            .String("")
            .String(HashAlgorithm)
            .String(SHA512.HashData(message))
            .ToArray();

    /// <summary>Returns the content of the signature's file.</summary>
    /// <param name="key">The public half of the key that signed.</param>
    /// <param name="purpose">The namespace.</param>
    /// <param name="algorithm">The algorithm of the signature.</param>
    /// <param name="blob">The signature over <see cref="ToBeSigned"/>, as the algorithm defines it.</param>
    public static string ToFile(PublicKey key, string purpose, string algorithm, ReadOnlySpan<byte> blob)
    {
        var signature = new WireWriter().String(algorithm).String(blob).ToArray();
        var bytes = new WireWriter()
            .Raw(Encoding.ASCII.GetBytes(Magic))
            .UInt32(1)
            .String(key.ToBlob())
            .String(purpose)
            .String("")
            .String(HashAlgorithm)
            .String(signature)
            .ToArray();
        var lines = Convert.ToBase64String(bytes).Chunk(LineLength).Select(line => new string(line));
        return $"-----BEGIN SSH SIGNATURE-----\n{string.Join('\n', lines)}\n-----END SSH SIGNATURE-----\n";
    }
}
