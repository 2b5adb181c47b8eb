using System.Buffers;

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

/// <summary>What the holder of a user certificate may do beyond running a command.</summary>
[Flags]
public enum UserExtensions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>permit-X11-forwarding.</summary>
    PermitX11Forwarding = 1,

    /// <summary>permit-agent-forwarding.</summary>
    PermitAgentForwarding = 2,

    /// <summary>permit-port-forwarding.</summary>
    PermitPortForwarding = 4,

    /// <summary>permit-pty.</summary>
    PermitPty = 8,
}

/// <summary>A user certificate as this CA writes it, up to the signature (draft-ietf-sshm-cert).</summary>
/// <remarks>
/// One without a principal, without an end, or with an option that servers do not know can not be built. Every member refuses a value
/// outside of its documented limits with an <see cref="ArgumentException"/>.
/// </remarks>
public sealed class UserCertificate
{
    /// <summary>Bytes of a nonce.</summary>
    public const int NonceLength = 32;

    /// <summary>The most principals that OpenSSH reads.</summary>
    public const int MaxPrincipals = 256;

    /// <summary>A signed certificate stays below this many bytes. Only <see cref="CertificateLint"/> checks it.</summary>
    public const int MaxLength = 8192;

    const int MaxKeyIdLength = 256;

    static readonly SearchValues<char> PrincipalCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@:=/+~-");

    static readonly SearchValues<char> AddressCharacters = SearchValues.Create("0123456789abcdef.:/");

    static readonly SearchValues<char> OthersNameCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-");

    static readonly (UserExtensions Extension, string Name)[] ExtensionNames =
    [
        (UserExtensions.PermitX11Forwarding, "permit-X11-forwarding"),
        (UserExtensions.PermitAgentForwarding, "permit-agent-forwarding"),
        (UserExtensions.PermitPortForwarding, "permit-port-forwarding"),
        (UserExtensions.PermitPty, "permit-pty"),
    ];

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

    /// <summary>1 to 2⁶³ − 1. A KRL can not name serial 0.</summary>
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

    /// <summary>
    /// 1 to 256 different ones, each of <c>A-Z a-z 0-9 . _ @ : = / + ~ -</c> and beginning with a letter, a digit or <c>_</c>. Servers have
    /// split them at a comma, begin a comment with <c>#</c>, and have taken none at all for every login.
    /// </summary>
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

    /// <summary>What runs instead of whatever the holder asks for: one line of printable characters; null for anything.</summary>
    public string? ForceCommand
    {
        get;
        init => field = value is null || (value.Length > 0 && value.EnumerateRunes().All(rune => rune.Value >= ' ' && rune.Value != 0x7f))
            ? value
            : throw new ArgumentException("a forced command is one line, and not empty", nameof(value));
    }

    /// <summary>From where it may be used: addresses and CIDR prefixes. Empty for anywhere.</summary>
    public IReadOnlyList<string> SourceAddresses
    {
        get;
        init => field = value.All(address => address.Length > 0 && !address.AsSpan().ContainsAnyExcept(AddressCharacters))
            ? [.. value]
            : throw new ArgumentException("a source address is an address or a CIDR prefix", nameof(value));
    } = [];

    /// <summary>Whether the key must have verified its user, by PIN or by touch of a finger. Servers ask only of keys in authenticators.</summary>
    public bool VerifyRequired { get; init; }

    /// <summary>Extensions of others, <c>name@domain</c>, with their values; an empty value is written as a flag.</summary>
    public IReadOnlyDictionary<string, string> OtherExtensions
    {
        get;
        init => field = value.All(extension => IsOthersName(extension.Key) && !extension.Value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            ? value
            : throw new ArgumentException("an extension of others is name@domain with a printable value", nameof(value));
    } = new Dictionary<string, string>();

    /// <summary>What the holder may do.</summary>
    public required UserExtensions Extensions
    {
        get;
        init => field = ExtensionNames.Aggregate(value, (unknown, known) => unknown & ~known.Extension) == UserExtensions.None
            ? value
            : throw new ArgumentException($"extensions {value} are not all defined", nameof(value));
    }

    /// <summary>The CA's public key.</summary>
    public required SignatureKey SignatureKey { get; init; }

    /// <summary>The bytes that the CA signs.</summary>
    public byte[] ToBeSigned() =>
        new WireWriter()
            .String(Key.CertificateFormat)      // string    "ssh-ed25519-cert-v01@openssh.com" or its like
            .String(Nonce.Span)                 // string    nonce
            .Raw(Key.Fields)                    // ...       fields of the public key, as its type has them
            .UInt64(Serial)                     // uint64    serial
            .UInt32((uint)CertificateType.User) // uint32    type
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

    /// <summary>
    /// Whether an extension of this name is somebody else's: <c>name@domain</c>, at most 64 characters. RFC 4251 section 6 gives such a name to
    /// whoever owns the domain; those of openssh.com mean something to servers.
    /// </summary>
    public static bool IsOthersName(string name) =>
        name.Length <= 64 && name.Split('@') is [{ Length: > 0 }, { Length: > 0 } domain] && domain != "openssh.com" && !name.AsSpan().ContainsAnyExcept(OthersNameCharacters);

    static bool IsPrincipal(string principal) =>
        principal.Length > 0
        && (char.IsAsciiLetterOrDigit(principal[0]) || principal[0] == '_')
        && !principal.AsSpan().ContainsAnyExcept(PrincipalCharacters);

    WireWriter PackedPrincipals()
    {
        var packed = new WireWriter();
        foreach (var principal in Principals)
            packed.String(principal);
        return packed;
    }

    // A value goes in as string(string(value)), a flag as an empty string; names in ascending order.
    WireWriter PackedCriticalOptions()
    {
        var packed = new WireWriter();
        if (ForceCommand is not null)
            packed.String("force-command").String(new WireWriter().String(ForceCommand));
        if (SourceAddresses.Count > 0)
            packed.String("source-address").String(new WireWriter().String(string.Join(',', SourceAddresses)));
        if (VerifyRequired)
            packed.String("verify-required").String([]);
        return packed;
    }

    WireWriter PackedExtensions()
    {
        var packed = new WireWriter();
        var all = ExtensionNames.Where(known => Extensions.HasFlag(known.Extension)).Select(known => KeyValuePair.Create(known.Name, ""))
            .Concat(OtherExtensions).OrderBy(extension => extension.Key, StringComparer.Ordinal);
        foreach (var (name, value) in all)
            packed.String(name).String(value.Length == 0 ? new WireWriter() : new WireWriter().String(value));
        return packed;
    }
}
