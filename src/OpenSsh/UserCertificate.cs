using System.Buffers;
using System.Text.RegularExpressions;

namespace CertAuthority.OpenSsh;

/// <summary>What the holder of a user certificate may do in addition to running a command.</summary>
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
/// A user certificate of this CA. Its principals consist of <c>A-Z a-z 0-9 . _ @ : / + ~ -</c> and begin with a letter, a digit or
/// <c>_</c>; one for a group of hosts ends with <c>@=</c> and the token of the group. Other characters are not allowed because servers have
/// split principals at a comma and treat <c>#</c> as the beginning of a comment; a list without principals is not allowed because servers
/// have read it as every login.
/// </summary>
/// <remarks>A certificate with an option that servers do not know cannot be built.</remarks>
public sealed partial class UserCertificate : CertificateContent
{
    private static readonly SearchValues<char> PrincipalCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@:/+~-");

    private static readonly SearchValues<char> OthersNameCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-");

    private static readonly (UserExtensions Extension, string Name)[] ExtensionNames =
    [
        (UserExtensions.PermitX11Forwarding, "permit-X11-forwarding"),
        (UserExtensions.PermitAgentForwarding, "permit-agent-forwarding"),
        (UserExtensions.PermitPortForwarding, "permit-port-forwarding"),
        (UserExtensions.PermitPty, "permit-pty"),
    ];

    /// <summary>
    /// The conditions of use: the values of critical options by their names, each one of <see cref="CriticalOption.All"/>. A flag has an
    /// empty value.
    /// </summary>
    public IReadOnlyDictionary<string, string> CriticalOptions
    {
        get;
        init =>
            field = value.FirstOrDefault(option => CriticalOption.Find(option.Key)?.Takes(option.Value) is not true) is { Key: { } refused }
            ? throw new ArgumentException($"the critical option {refused} is not known, or does not take this value", nameof(value))
            : value;
    } = new Dictionary<string, string>();

    /// <summary>
    /// Extensions that OpenSSH does not define, <c>name@domain</c>, with their values; an empty value is written as a flag.
    /// </summary>
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
    /// Whether the name is one for extensions that OpenSSH does not define: <c>name@domain</c>, at most 64 characters. RFC 4251 section 6
    /// gives such a name to the owner of the domain; the domain openssh.com is excluded, because servers give its names a meaning.
    /// </summary>
    public static bool IsOthersName(string name) =>
        name.Length <= 64 && name.Split('@') is [{ Length: > 0 }, { Length: > 0 } domain] && domain != "openssh.com"
            && !name.AsSpan().ContainsAnyExcept(OthersNameCharacters);

    /// <inheritdoc/>
    public override CertificateType Type => CertificateType.User;

    private protected override bool IsPrincipal(string text) =>
        text.Length > 0
        && (char.IsAsciiLetterOrDigit(text[0]) || text[0] == '_')
        && (Token().Match(text) is { Success: true } token ? text.AsSpan(0, token.Index) : text)
            .IndexOfAnyExcept(PrincipalCharacters) < 0;

    // The token of a group: its name, a dot and 16 hexadecimal digits.
    [GeneratedRegex(@"(?<=.)@=[a-z0-9][a-z0-9.-]{0,62}\.[0-9a-f]{16}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    // A value is written as string(string(value)), a flag as an empty string; names are in ascending order.
    private protected override WireWriter PackedCriticalOptions()
    {
        var packed = new WireWriter();
        foreach (var option in CriticalOption.All)
            if (CriticalOptions.TryGetValue(option.Name, out var value))
                packed.String(option.Name).String(option.IsFlag ? new WireWriter() : new WireWriter().String(value));
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
