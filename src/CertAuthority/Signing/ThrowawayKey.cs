using System.Buffers.Binary;
using System.Security.Cryptography;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signing;

/// <summary>A key pair that the system's ssh uses for the daemon, and that nobody trusts without a certificate.</summary>
internal static class ThrowawayKey
{
    /// <summary>Creates a key pair, and writes its private half to a file of mode 0600, which replaces an earlier one.</summary>
    /// <returns>The public half.</returns>
    internal static SignatureKey Write(string path)
    {
        using var key = PrivateKeys.New(CaKeyType.Ed25519);
        var checkInt = BinaryPrimitives.ReadUInt32BigEndian(RandomNumberGenerator.GetBytes(sizeof(uint)));
        AtomicFile.Replace(path, new OpenSshPrivateKey(key, "").ToFile(checkInt), AtomicFile.OwnerOnly);
        return key.PublicKey;
    }
}
