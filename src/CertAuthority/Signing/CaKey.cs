using System.Security.Cryptography;
using System.Text;
using CertAuthority.Keys;
using CertAuthority.Metrics;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;

namespace CertAuthority.Signing;

/// <summary>A key that signs certificates, wherever its private half is.</summary>
internal abstract class CaKey : IDisposable
{
    private volatile string? fault;

    /// <summary>The certificates that it may sign.</summary>
    internal required CaPurpose Signs { get; init; }

    /// <summary>The public half, which hosts or clients trust.</summary>
    internal abstract SignatureKey PublicKey { get; }

    /// <summary>How the private half is kept, and where.</summary>
    internal abstract (string Form, string Path) Custody { get; }

    /// <summary>Why it signs nothing now; null if it signs.</summary>
    internal string? Fault => fault;

    /// <summary>
    /// Signs a certificate; the only other signature to get is that of <see cref="Vouch"/>. The result is verified and parsed before it is
    /// returned.
    /// </summary>
    /// <returns>The whole certificate.</returns>
    /// <exception cref="ArgumentException">The certificate names another signature key, or is for another purpose.</exception>
    /// <exception cref="ProblemException">Unavailable: the key cannot sign now, or whoever has it refuses this certificate.</exception>
    /// <exception cref="CryptographicException">The key returned something other than its signature over these bytes.</exception>
    internal async ValueTask<byte[]> Sign(ToBeSigned certificate)
    {
        if (certificate.Certificate.SignatureKey != PublicKey)
            throw new ArgumentException("the certificate names another signature key", nameof(certificate));
        if (certificate.Purpose != Signs)
            throw new ArgumentException("the key signs certificates for another purpose", nameof(certificate));
        if (fault is not null)
            throw Unavailable();
        var toBeSigned = certificate.Bytes;

        if (await SignBytes(toBeSigned) is not var (algorithm, blob))
            throw Refused(certificate.Certificate.Serial);

        // A wrong signature, from a fault in memory, an agent or a token, must not be sent: it can reveal the private key.
        if (!Made(toBeSigned, algorithm, blob))
            throw Faulty();
        var signed = CertificateContent.Seal(toBeSigned, algorithm, blob);
        var readBack = Certificate.Parse(signed);
        if (!readBack.SignedBytes.Span.SequenceEqual(toBeSigned) || readBack.SignatureAlgorithm != algorithm
            || !readBack.SignatureBlob.Span.SequenceEqual(blob))
            throw new CryptographicException("the signed certificate does not read as it was written");
        Instruments.Issued.Add((int)Signs);
        return signed;
    }

    /// <summary>
    /// Signs the statement that another host CA key takes over, so that clients that know this one believe that one. Its bytes begin
    /// otherwise than any certificate.
    /// </summary>
    /// <param name="installation">The installation whose keys they are.</param>
    /// <param name="next">The key that takes over.</param>
    /// <returns>The statement; null if whoever has the key signs nothing but certificates.</returns>
    /// <exception cref="ProblemException">Unavailable: the key cannot sign now.</exception>
    /// <exception cref="CryptographicException">The key returned something other than its signature over these bytes.</exception>
    internal async ValueTask<string?> Vouch(string installation, SignatureKey next)
    {
        if (Signs != CaPurpose.Host)
            throw new InvalidOperationException("only a host CA key names the one that takes over");
        await ExpectUsable();
        var text = HostCaStatement.TextOf(installation, PublicKey, next);
        var toBeSigned = SshSignature.ToBeSigned(HostCaStatement.Purpose, Encoding.ASCII.GetBytes(text));
        if (await SignBytes(toBeSigned) is not var (algorithm, blob))
            return null;
        if (!Made(toBeSigned, algorithm, blob))
            throw Faulty();
        return text + SshSignature.ToFile(PublicKey, HostCaStatement.Purpose, algorithm, blob);
    }

    /// <summary>
    /// Checks that the key can sign, before a certificate is recorded: a certificate that is recorded and never signed counts as issued.
    /// As long as nothing is known against the key, this costs nothing.
    /// </summary>
    /// <exception cref="ProblemException">Unavailable: the key cannot sign now.</exception>
    internal async ValueTask ExpectUsable()
    {
        if (fault is not null)
            await Check();
        if (fault is not null)
            throw Unavailable();
    }

    /// <summary>Looks whether the key can sign, and sets <see cref="Fault"/>. It is called regularly.</summary>
    internal abstract Task Check();

    /// <summary>Records the outcome of a look, or of an attempt to sign.</summary>
    /// <param name="why">Why the key cannot sign; null if it can.</param>
    private protected void Found(string? why) => fault = why;

    /// <summary>Creates the answer for whoever wanted a certificate. The reason is for administrators.</summary>
    private protected ProblemException Unavailable() => new(new Problem(
        ProblemCode.Unavailable, $"the {Signs.Title()} key cannot sign now, so no certificate is issued",
        "every call tries it again", Next: [new NextStep.ShowDaemonStatus()]));

    // The key is not at fault, so the next certificate is tried at once.
    private ProblemException Refused(ulong serial) => new(new Problem(
        ProblemCode.Unavailable, $"the agent with the {Signs.Title()} key refuses to sign certificate {serial}, which is beyond its limits",
        "try again in a minute; if it refuses again, an administrator finds the reason in its log"));

    /// <summary>Creates the error for a signature that the public key does not verify.</summary>
    private protected virtual Exception Faulty() =>
        new CryptographicException("the CA key made a signature that its public key does not verify");

    /// <summary>Returns whether a signature that <see cref="SignBytes"/> returned is one over the bytes.</summary>
    private protected virtual bool Made(ReadOnlySpan<byte> toBeSigned, string algorithm, ReadOnlySpan<byte> blob) =>
        Signature.Verifies(PublicKey, toBeSigned, algorithm, blob);

    /// <summary>Signs bytes that <see cref="Sign"/> has checked.</summary>
    /// <returns>Null if the key can sign, and whoever has it refuses these bytes.</returns>
    private protected abstract ValueTask<(string Algorithm, byte[] Blob)?> SignBytes(byte[] toBeSigned);

    public abstract void Dispose();
}
