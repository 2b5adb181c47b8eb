using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace CertAuthority.Access.Nodes;

/// <summary>
/// Names the files that hosts go by, each with its hash, and says until when they are fresh. The daemon signs it, so nobody on the way can
/// replace one of the files, hold a new list back unseen, or bring an old one. docs/manifest-format.md describes it line by line.
/// </summary>
/// <param name="Installation">The installation whose list it is, as in <see cref="ListOrigin"/>.</param>
/// <param name="Version">The version of the revocation list.</param>
/// <param name="Made">When the list was made, in whole seconds.</param>
/// <param name="FreshUntil">Until when a host may expect no newer one, in whole seconds.</param>
/// <param name="Krl">The SHA-256 of <c>revoked.krl</c>, in lower-case hexadecimal digits like the others.</param>
/// <param name="UserCa">The SHA-256 of <c>user_ca.pub</c>.</param>
/// <param name="HostCa">The SHA-256 of <c>host_ca.pub</c>.</param>
public sealed partial record Manifest(
    string Installation, ulong Version, DateTimeOffset Made, DateTimeOffset FreshUntil, string Krl, string UserCa, string HostCa)
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "manifest";

    /// <summary>The length of the file with its signature, at most, in bytes.</summary>
    public const int MostBytes = 1024;

    /// <summary>
    /// How long a manifest is fresh. The daemon makes one with each list, every ten minutes at least, so a host misses two before it
    /// complains.
    /// </summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromMinutes(30);

    /// <summary>
    /// Further lines, of later versions. Readers ignore a line only if its name begins with <c>optional-</c>, and refuse a manifest with
    /// any other line that they do not know.
    /// </summary>
    public ImmutableArray<string> Optional { get; init; } = [];

    /// <summary>Reads the text that is signed.</summary>
    /// <returns>Null if it is malformed, or of a version that this daemon does not know.</returns>
    public static Manifest? Parse(string text)
    {
        if (Form().Match(text) is not { Success: true } read
            || !ulong.TryParse(read.Groups["version"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            || Instant("made") is not { } made || Instant("fresh") is not { } fresh)
            return null;
        var manifest = new Manifest(read.Groups["of"].Value, version, made, fresh, Hash("krl"), Hash("user"), Hash("host"))
        {
            Optional = [.. read.Groups["optional"].Captures.Select(line => line.Value)],
        };
        return fresh >= made && manifest.ToString() == text ? manifest : null;

        string Hash(string name) => read.Groups[name].Value;

        DateTimeOffset? Instant(string name) => DateTimeOffset.TryParse(
            read.Groups[name].ValueSpan, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var instant) ? instant : null;
    }

    /// <summary>The text that is signed: one line for each value, in this order.</summary>
    public override string ToString() => string.Concat(
        ((string[])
        [
            "certauthority-manifest v1", $"installation {Installation}", $"version {Version}", $"made {UtcText.Of(Made)}",
            $"fresh-until {UtcText.Of(FreshUntil)}", $"revoked.krl {Krl}", $"user_ca.pub {UserCa}", $"host_ca.pub {HostCa}", .. Optional,
        ]).Select(line => $"{line}\n"));

    [GeneratedRegex(
        """
        \Acertauthority-manifest\ v1\n
        installation\ (?<of>[0-9a-f]{16})\n
        version\ (?<version>[1-9][0-9]{0,17})\n
        made\ (?<made>[0-9TZ:-]{20})\n
        fresh-until\ (?<fresh>[0-9TZ:-]{20})\n
        revoked\.krl\ (?<krl>[0-9a-f]{64})\n
        user_ca\.pub\ (?<user>[0-9a-f]{64})\n
        host_ca\.pub\ (?<host>[0-9a-f]{64})\n
        ((?<optional>optional-[a-z0-9.-]+\ [!-~]+(\ [!-~]+)*)\n)*\z
        """,
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Form();
}
