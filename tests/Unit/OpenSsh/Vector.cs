using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

/// <summary>Bytes that ssh-keygen made; vectors/make-vectors has the commands.</summary>
internal static class Vector
{
    internal static readonly string[] UserCertificates = ["ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa3072", "sk_ed25519", "sk_ecdsa256"];

    internal static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "vectors", name);

    internal static byte[] Bytes(string name) => File.ReadAllBytes(Path(name));

    internal static string Text(string name) => File.ReadAllText(Path(name));

    /// <summary>The CA of one of <see cref="UserCertificates"/>.</summary>
    internal static SignatureKey CaOf(string name) => SignatureKey.Parse(Blob(name.StartsWith("sk_", StringComparison.Ordinal) ? "sk_ca.pub" : "ca.pub"));

    internal static byte[] Blob(string name) => Convert.FromBase64String(Text(name).Split(' ')[1]);
}
