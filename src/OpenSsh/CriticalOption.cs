using System.Buffers;
using System.Net;
using System.Text;

namespace CertAuthority.OpenSsh;

/// <summary>
/// A critical option that certificates of this CA can have: a restriction that makes a server reject the certificate if it does not know
/// the option. The writer, the last check of the bytes, and the reader iterate over <see cref="All"/>.
/// </summary>
/// <remarks>
/// Each row states its limits twice, once for the text that is written and once for the bytes that will be signed, so that a mistake in the
/// first is not repeated in the second.
/// </remarks>
public sealed class CriticalOption
{
    private static readonly SearchValues<char> AddressCharacters = SearchValues.Create("0123456789abcdef.:/");

    /// <summary>All of them, in ascending order of name, as in certificates.</summary>
    public static readonly IReadOnlyList<CriticalOption> All =
    [
        new()
        {
            Name = "force-command",
            InWords = command => $"runs only {command}",
            Takes = command => command.Length > 0 && command.EnumerateRunes().All(rune => rune.Value >= ' ' && rune.Value != 0x7f),
            // A newline or a NUL would end the command early.
            Fault = command => command.IsEmpty || command.ContainsAnyInRange((byte)0, (byte)0x1f) || command.Contains((byte)0x7f)
                ? "is empty or has a control character"
                : null,
        },
        new()
        {
            Name = "source-address",
            InWords = addresses => $"only from {addresses.Replace(",", ", ", StringComparison.Ordinal)}",
            Takes = addresses => addresses.Split(',')
                .All(address => address.Length > 0 && !address.AsSpan().ContainsAnyExcept(AddressCharacters)),
            // One bad entry locks the holder out, and nobody notices before the login.
            Fault = addresses => Encoding.ASCII.GetString(addresses).Split(',').All(IsAddressOrPrefix)
                ? null
                : "has an entry that servers refuse",
        },
        new()
        {
            Name = "verify-required",
            InWords = _ => "only with a verified security key",
            IsFlag = true,
            IsForSecurityKeys = true,
        },
    ];

    private CriticalOption()
    {
    }

    /// <summary>
    /// The name, such as <c>force-command</c>; options that OpenSSH does not define have names of the form <c>name@domain</c>.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>Returns the option in words, for a value.</summary>
    public required Func<string, string> InWords { get; init; }

    /// <summary>
    /// Whether it has no value, in which case its data is an empty string. The data of every other option is a string in a string.
    /// </summary>
    public bool IsFlag { get; init; }

    /// <summary>Whether servers ignore it for keys that are not in an authenticator.</summary>
    public bool IsForSecurityKeys { get; init; }

    /// <summary>Whether the writer accepts a value.</summary>
    internal Func<string, bool> Takes { get; private init; } = value => value.Length == 0;

    /// <summary>Returns what is wrong with the bytes of a value, in words that follow the name; null if nothing is.</summary>
    internal Func<ReadOnlySpan<byte>, string?> Fault { get; private init; } = _ => null;

    /// <summary>Finds the option with this name; null for an option that certificates of this CA do not have.</summary>
    public static CriticalOption? Find(string name) => All.FirstOrDefault(option => option.Name == name);

    /// <summary>
    /// Returns the options of a certificate for people, such as <c>runs only /usr/bin/restore</c>; an unknown one appears by its name. Null
    /// if there are none.
    /// </summary>
    /// <param name="options">The values, by name.</param>
    public static string? Describe(IReadOnlyDictionary<string, string>? options) => options is not { Count: > 0 }
        ? null
        : string.Join(
            ", ",
            options.OrderBy(option => option.Key, StringComparer.Ordinal)
                .Select(option => Find(option.Key)?.InWords(option.Value) ?? $"{option.Key} {option.Value}".TrimEnd()));

    private static bool IsAddressOrPrefix(string text) =>
        !text.AsSpan().ContainsAnyExcept(AddressCharacters)
        && IPAddress.TryParse(text.Split('/')[0], out var address)
        && (!text.Contains('/') || (IPNetwork.TryParse(text, out var network) && network.BaseAddress.Equals(address)))
        && (text.Contains(':') || text.Count(c => c == '.') == 3);
}
