using System.Security.Cryptography;
using System.Text;
using CertAuthority.Access.Nodes;
using CertAuthority.Signing;

namespace CertAuthority.Revocation;

/// <summary>Makes and reads manifests: text and signature in one file, so that no cache can mix two of them.</summary>
/// <param name="key">The audit key, which signs them.</param>
/// <param name="installation">The installation whose lists they name.</param>
/// <param name="keys">The CA keys, which manifests name besides the list.</param>
internal sealed class Manifests(AuditKey key, string installation, CurrentKeys keys)
{
    /// <summary>The namespace of the signatures.</summary>
    public const string Purpose = "certauthority-manifest";

    /// <summary>
    /// Returns the files that a manifest names besides the list, as they are now: <c>user_ca.pub</c> and <c>host_ca.pub</c>.
    /// </summary>
    public IReadOnlyList<(string Name, byte[] Content)> KeyFiles()
    {
        var ring = keys.Now;
        return [File(ring.User), File(ring.Host)];

        static (string, byte[]) File(CaKeys one) =>
            ($"{one.Purpose.FileName()}.pub", Encoding.ASCII.GetBytes(string.Concat(one.Lines.Select(line => $"{line}\n"))));
    }

    /// <summary>Returns how a manifest names a file: the SHA-256 in lower-case hexadecimal digits.</summary>
    public static string HashOf(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>Makes the manifest of a list.</summary>
    /// <param name="version">The version of the list.</param>
    /// <param name="list">The list.</param>
    /// <param name="files">The other files that it names, as <see cref="KeyFiles"/> returned them.</param>
    /// <param name="made">When it was made.</param>
    /// <exception cref="CryptographicException">The key made a signature that its public half does not verify.</exception>
    public byte[] For(
        ulong version, ReadOnlySpan<byte> list, IReadOnlyList<(string Name, byte[] Content)> files, DateTimeOffset made)
    {
        made = DateTimeOffset.FromUnixTimeSeconds(made.ToUnixTimeSeconds());
        return key.SignedFile(
            Purpose,
            new Manifest(
                installation, version, made, made + Manifest.Fresh, HashOf(list), HashOf(files[0].Content), HashOf(files[1].Content))
                .ToString());
    }

    /// <summary>Reads a manifest that the key signed.</summary>
    /// <returns>Null if it is malformed, or another key signed it.</returns>
    public Manifest? Read(ReadOnlySpan<byte> file) =>
        file.Length <= Manifest.MostBytes && key.TextOf(Purpose, file) is { } text ? Manifest.Parse(text) : null;
}
