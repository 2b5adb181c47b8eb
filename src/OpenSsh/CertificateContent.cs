namespace CertAuthority.OpenSsh;

/// <summary>The period in which a certificate is valid: <c>After &lt;= now &lt; Before</c>. It always has an end.</summary>
public sealed record Validity
{
    /// <summary>Creates a period from two times in seconds since 1970-01-01 UTC.</summary>
    /// <exception cref="ArgumentException">
    /// The period is empty, or ends at or after 2⁶³, which other implementations read as a negative time.
    /// </exception>
    public Validity(ulong after, ulong before)
    {
        if (after >= before || before > long.MaxValue)
            throw new ArgumentException($"validity from {after} to {before} is empty or endless", nameof(before));
        (After, Before) = (after, before);
    }

    /// <summary>First second of validity.</summary>
    public ulong After { get; }

    /// <summary>First second after validity.</summary>
    public ulong Before { get; }
}

/// <summary>The content of a certificate of this CA, up to the signature (draft-ietf-sshm-cert).</summary>
/// <remarks>
/// A certificate without a principal or without an end cannot be built. Every member rejects a value outside of its documented limits with
/// an <see cref="ArgumentException"/>.
/// </remarks>
public abstract class CertificateContent
{
    /// <summary>The length of a nonce in bytes.</summary>
    public const int NonceLength = 32;

    /// <summary>The largest number of principals that OpenSSH reads.</summary>
    public const int MaxPrincipals = 256;

    /// <summary>The size in bytes that a signed certificate stays below. Only <see cref="CertificateLint"/> checks it.</summary>
    public const int MaxLength = 8192;

    private const int MaxKeyIdLength = 256;

    private protected CertificateContent()
    {
    }

    /// <summary>Whether it is for a user or a host.</summary>
    public abstract CertificateType Type { get; }

    /// <summary>32 random bytes, so that nobody can choose the bytes that the CA signs.</summary>
    public required ReadOnlyMemory<byte> Nonce
    {
        get;
        init => field = value.Length == NonceLength
            ? value.ToArray()
            : throw new ArgumentException($"a nonce is {NonceLength} bytes long, not {value.Length}", nameof(value));
    }

    /// <summary>The key to certify.</summary>
    public required PublicKey Key { get; init; }

    /// <summary>The serial, 1 to 2⁶³ − 1. A KRL cannot contain serial 0.</summary>
    public required ulong Serial
    {
        get;
        init => field = value is >= 1 and <= long.MaxValue
            ? value
            : throw new ArgumentException($"serial {value} is not from 1 to 2^63-1", nameof(value));
    }

    /// <summary>Printable ASCII, 1 to 256 characters: sshd logs it unescaped, and a newline would forge a log line.</summary>
    public required string KeyId
    {
        get;
        init => field = value.Length is >= 1 and <= MaxKeyIdLength && !value.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? value
            : throw new ArgumentException($"a key id is 1 to {MaxKeyIdLength} printable characters", nameof(value));
    }

    /// <summary>1 to 256 different principals, each in the form for certificates of this type.</summary>
    public required IReadOnlyList<string> Principals
    {
        get;
        init
        {
            string[] principals = [.. value];
            if (principals.Length is 0 or > MaxPrincipals)
                throw new ArgumentException($"a certificate has 1 to {MaxPrincipals} principals, not {principals.Length}", nameof(value));
            if (Array.FindIndex(principals, principal => !IsPrincipal(principal)) is >= 0 and var unsafeOne)
                throw new ArgumentException($"principal {unsafeOne + 1} is empty or not safe everywhere", nameof(value));
            if (principals.Distinct().Count() < principals.Length)
                throw new ArgumentException("a principal stands twice", nameof(value));
            field = principals;
        }
    }

    /// <summary>The period in which it is valid.</summary>
    public required Validity Validity { get; init; }

    /// <summary>The CA's public key.</summary>
    public required SignatureKey SignatureKey { get; init; }

    /// <summary>The bytes that the CA signs.</summary>
    public byte[] ToBeSigned() =>
        new WireWriter()
            .String(Key.CertificateFormat)      // string    "ssh-ed25519-cert-v01@openssh.com" or its like
            .String(Nonce.Span)                 // string    nonce
            .Raw(Key.Fields)                    // ...       fields of the public key, as its type has them
            .UInt64(Serial)                     // uint64    serial
            .UInt32((uint)Type)                 // uint32    type
            .String(KeyId)                      // string    key id
            .String(PackedPrincipals())         // string    valid principals
            .UInt64(Validity.After)             // uint64    valid after
            .UInt64(Validity.Before)            // uint64    valid before
            .String(PackedCriticalOptions())    // string    critical options
            .String(PackedExtensions())         // string    extensions
            .String([])                         // string    reserved
            .String(SignatureKey.ToBlob())      // string    signature key
            .ToArray();

    /// <summary>Returns the nonce in the bytes that the CA signs.</summary>
    /// <exception cref="FormatException">They are cut short.</exception>
    public static byte[] NonceOf(ReadOnlySpan<byte> toBeSigned)
    {
        var reader = new WireReader(toBeSigned);
        reader.String("type");
        return reader.String(NonceLength, "nonce").ToArray();
    }

    /// <summary>Returns the whole certificate: the signed bytes, then <c>string signature</c>.</summary>
    /// <param name="toBeSigned">The bytes from <see cref="ToBeSigned"/>.</param>
    /// <param name="signatureAlgorithm">One of the <see cref="SignatureKey.SignatureAlgorithms"/> of the CA key.</param>
    /// <param name="signatureBlob">The signature as that algorithm defines it.</param>
    public static byte[] Seal(ReadOnlySpan<byte> toBeSigned, string signatureAlgorithm, ReadOnlySpan<byte> signatureBlob) =>
        new WireWriter()
            .Raw(toBeSigned)
            .String(new WireWriter()
                .String(signatureAlgorithm)
                .String(signatureBlob))
            .ToArray();

    private protected abstract bool IsPrincipal(string text);

    private protected virtual WireWriter PackedCriticalOptions() => new();

    private protected virtual WireWriter PackedExtensions() => new();

    private WireWriter PackedPrincipals()
    {
        var packed = new WireWriter();
        foreach (var principal in Principals)
            packed.String(principal);
        return packed;
    }
}
