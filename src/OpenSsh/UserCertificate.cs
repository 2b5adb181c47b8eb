using System.Buffers;

namespace CertAuthority.OpenSsh;

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

/// <summary>
/// A user certificate as this CA writes it. Its principals are of <c>A-Z a-z 0-9 . _ @ : = / + ~ -</c> and begin with a letter, a digit or
/// <c>_</c>. Servers have split them at a comma, begin a comment with <c>#</c>, and have taken none at all for every login.
/// </summary>
/// <remarks>One with an option that servers do not know cannot be built.</remarks>
public sealed class UserCertificate : CertificateContent
{
    private static readonly SearchValues<char> PrincipalCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@:=/+~-");

    private static readonly SearchValues<char> AddressCharacters = SearchValues.Create("0123456789abcdef.:/");

    private static readonly SearchValues<char> OthersNameCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-");

    private static readonly (UserExtensions Extension, string Name)[] ExtensionNames =
    [
        (UserExtensions.PermitX11Forwarding, "permit-X11-forwarding"),
        (UserExtensions.PermitAgentForwarding, "permit-agent-forwarding"),
        (UserExtensions.PermitPortForwarding, "permit-port-forwarding"),
        (UserExtensions.PermitPty, "permit-pty"),
    ];

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

    /// <summary>
    /// Whether an extension of this name is somebody else's: <c>name@domain</c>, at most 64 characters. RFC 4251 section 6 gives such a name to
    /// whoever owns the domain; those of openssh.com mean something to servers.
    /// </summary>
    public static bool IsOthersName(string name) =>
        name.Length <= 64 && name.Split('@') is [{ Length: > 0 }, { Length: > 0 } domain] && domain != "openssh.com" && !name.AsSpan().ContainsAnyExcept(OthersNameCharacters);

    /// <inheritdoc/>
    public override CertificateType Type => CertificateType.User;

    private protected override bool IsPrincipal(string text) =>
        text.Length > 0
        && (char.IsAsciiLetterOrDigit(text[0]) || text[0] == '_')
        && !text.AsSpan().ContainsAnyExcept(PrincipalCharacters);

    // A value goes in as string(string(value)), a flag as an empty string; names in ascending order.
    private protected override WireWriter PackedCriticalOptions()
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

    private protected override WireWriter PackedExtensions()
    {
        var packed = new WireWriter();
        var all = ExtensionNames.Where(known => Extensions.HasFlag(known.Extension)).Select(known => KeyValuePair.Create(known.Name, ""))
            .Concat(OtherExtensions).OrderBy(extension => extension.Key, StringComparer.Ordinal);
        foreach (var (name, value) in all)
            packed.String(name).String(value.Length == 0 ? new WireWriter() : new WireWriter().String(value));
        return packed;
    }
}
