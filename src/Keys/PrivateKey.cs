using CertAuthority.OpenSsh;

namespace CertAuthority.Keys;

/// <summary>A private key in the memory of this process, of a kind that a CA can have.</summary>
/// <remarks>Temporary copies of its secrets are not wiped: the key itself stays in memory for as long as the process runs.</remarks>
internal abstract class PrivateKey : IDisposable
{
    /// <summary>The public half, according to the file that the key came from.</summary>
    internal abstract SignatureKey PublicKey { get; }

    /// <summary>Signs data. Several threads may call it at once.</summary>
    /// <returns>The best of the public key's <see cref="SignatureKey.SignatureAlgorithms"/>, and the signature as it defines it.</returns>
    internal abstract (string Algorithm, byte[] Blob) Sign(ReadOnlySpan<byte> data);

    /// <summary>
    /// Returns whether a signature that <see cref="Sign"/> returned is one over the data. It may assume that nobody else made it, and be
    /// cheaper than the check of a signature from elsewhere.
    /// </summary>
    internal abstract bool Made(ReadOnlySpan<byte> data, string algorithm, ReadOnlySpan<byte> blob);

    /// <summary>Writes the fields after the type in an <c>openssh-key-v1</c> file, public and private numbers.</summary>
    internal abstract void WriteFields(WireWriter file);

    public abstract void Dispose();

    internal static SshFormatException Mismatch() => new("the private key belongs to another public key");

    private protected static void Expect(bool match)
    {
        if (!match)
            throw Mismatch();
    }
}
