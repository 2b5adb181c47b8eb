namespace CertAuthority.OpenSsh;

/// <summary>When a certificate is valid: <c>After &lt;= now &lt; Before</c>. There is always an end.</summary>
public sealed record Validity
{
    /// <summary>Both in seconds since 1970-01-01 UTC.</summary>
    /// <exception cref="ArgumentException">
    /// It is empty, or ends at or after 2⁶³, which other implementations take for a negative time.
    /// </exception>
    public Validity(ulong after, ulong before)
    {
        if (after >= before || before > long.MaxValue)
            throw new ArgumentException($"validity from {after} to {before} is empty or endless", nameof(before));
        (After, Before) = (after, before);
    }

    /// <summary>First second of validity.</summary>
    public ulong After { get; }

    /// <summary>First second after it.</summary>
    public ulong Before { get; }
}

/// <summary>What a certificate of this CA says, up to the signature (draft-ietf-sshm-cert).</summary>
/// <remarks>
/// One without a principal or without an end cannot be built. Every member refuses a value outside of its documented limits with an
/// <see cref="ArgumentException"/>.
/// </remarks>
public abstract class CertificateContent
{
    /// <summary>Bytes of a nonce.</summary>
    public const int NonceLength = 32;

    /// <summary>The most principals that OpenSSH reads.</summary>
    public const int MaxPrincipals = 256;

    /// <summary>A signed certificate stays below this many bytes. Only <see cref="CertificateLint"/> checks it.</summary>
    public const int MaxLength = 8192;

    private const int MaxKeyIdLength = 256;

    private protected CertificateContent()
    {
    }

    /// <summary>Whom it is for.</summary>
    public abstract CertificateType Type { get; }

    /// <summary>32 random bytes, so that nobody can choose what the CA signs.</summary>
    public required ReadOnlyMemory<byte> Nonce
    {
        get;
        init => field = value.Length == NonceLength
            ? value.ToArray()
            : throw new ArgumentException($"a nonce is {NonceLength} bytes long, not {value.Length}", nameof(value));
    }

    /// <summary>The key to certify.</summary>
    public required PublicKey Key { get; init; }

    /// <summary>1 to 2⁶³ − 1. A KRL cannot name serial 0.</summary>
    public required ulong Serial
    {
        get;
        init => field = value is >= 1 and <= long.MaxValue
            ? value
            : throw new ArgumentException($"serial {value} is not from 1 to 2^63-1", nameof(value));
    }

    /// <summary>Printable ASCII, 1 to 256 characters: servers log it as it is, and a newline would forge a line.</summary>
    public required string KeyId
    {
        get;
        init => field = value.Length is >= 1 and <= MaxKeyIdLength && !value.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? value
            : throw new ArgumentException($"a key id is 1 to {MaxKeyIdLength} printable characters", nameof(value));
    }

    /// <summary>1 to 256 different ones, each of the form that certificates of this type have.</summary>
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

    /// <summary>From when until when.</summary>
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

    /// <summary>The whole certificate: what was signed, then <c>string signature</c>.</summary>
    /// <param name="toBeSigned">From <see cref="ToBeSigned"/>.</param>
    /// <param name="signatureAlgorithm">One of the CA key's <see cref="SignatureKey.SignatureAlgorithms"/>.</param>
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
