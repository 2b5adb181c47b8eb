namespace CertAuthority.OpenSsh;

/// <summary>A whole OpenSSH certificate (draft-ietf-sshm-cert), for a user or a host, whoever signed it.</summary>
/// <remarks>
/// Reading checks the form, and that the signature is of a kind that the signature key makes. It does not verify the signature, and does
/// not check validity, principals or options: anyone who relies on the certificate must do that.
/// </remarks>
public sealed class Certificate : CertificateBody
{
    private Certificate(ReadOnlySpan<byte> blob, ref WireReader reader)
        : base(ref reader)
    {
        SignedBytes = blob[..reader.Position].ToArray();
        var signature = reader.Nested("signature");
        reader.ExpectEnd("certificate");

        SignatureAlgorithm = signature.Name("signature algorithm");
        SignatureBlob = signature.String("signature blob").ToArray();
        signature.ExpectEnd("signature");
        if (!SignatureKey.SignatureAlgorithms.Contains(SignatureAlgorithm))
            throw new SshFormatException($"signature {SignatureAlgorithm} is not one that a key of type {SignatureKey.Type} makes");
    }

    /// <summary>The signed bytes: everything before the signature.</summary>
    public ReadOnlyMemory<byte> SignedBytes { get; }

    /// <summary>One of the signing key's <see cref="SignatureKey.SignatureAlgorithms"/>.</summary>
    public string SignatureAlgorithm { get; }

    /// <summary>The signature, as its algorithm defines it.</summary>
    public ReadOnlyMemory<byte> SignatureBlob { get; }

    /// <summary>Reads a certificate blob.</summary>
    /// <exception cref="SshFormatException">
    /// It is malformed or continues after its end; <see cref="PublicKey.Parse"/> rejects a key in it; the signature key is itself a
    /// certificate, or a security key; names of options are not in strictly ascending order; a flag has data, or a value is not exactly one
    /// nested string.
    /// </exception>
    public static new Certificate Parse(ReadOnlySpan<byte> blob)
    {
        var reader = new WireReader(blob);
        return new Certificate(blob, ref reader);
    }

    /// <summary>Reads one line <c>type base64 [comment]</c>, as in a <c>-cert.pub</c> file.</summary>
    /// <exception cref="SshFormatException">It is not one such line, or contains a blob that <see cref="Parse"/> rejects.</exception>
    public static Certificate ParseLine(string line)
    {
        var keyLine = KeyLine.Parse(line);
        var certificate = Parse(keyLine.Blob);
        keyLine.ExpectType(certificate.Key.CertificateFormat);
        return certificate;
    }

    /// <summary>Returns one line <c>type base64 comment</c> for a certificate blob, without a newline.</summary>
    /// <param name="blob">A whole certificate. Only its type is read.</param>
    /// <param name="comment">Free text, or empty for none.</param>
    /// <exception cref="SshFormatException">The blob does not begin with the type of a certificate.</exception>
    /// <exception cref="ArgumentException">The comment contains control characters.</exception>
    public static string ToLine(ReadOnlySpan<byte> blob, string comment)
    {
        var reader = new WireReader(blob);
        return KeyLine.Format(KeyTypes.CertificateFormatOf(ReadKeyType(ref reader)), blob, comment);
    }
}
