using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace CertAuthority.Access.Nodes;

/// <summary>
/// What a host that fetches its files says of itself: which list and which keys are in place there, and how much of the audit it witnessed.
/// The host signs it with its own host key. docs/hosts.md describes it line by line.
/// </summary>
/// <param name="Node">The name of the node.</param>
/// <param name="Time">When it was made, by the clock of the host.</param>
/// <param name="KrlVersion">The version of the revocation list in place.</param>
/// <param name="UserCas">The fingerprints of the user CA keys in place.</param>
/// <param name="Checkpoint">The last checkpoint of the audit that it saw, in base64; null for none.</param>
public sealed partial record HostReport(
    string Node, DateTimeOffset Time, ulong KrlVersion, ImmutableArray<string> UserCas, string? Checkpoint = null)
{
    /// <summary>The namespace of the signature.</summary>
    public const string Purpose = "certauthority-report";

    /// <summary>The length of the file with its signature, at most, in bytes.</summary>
    public const int MostBytes = 8192;

    /// <summary>The fault of a host whose sshd does not read the groups in place.</summary>
    public const string UnreadGroups = "unread";

    /// <summary>The fault of a host whose source has no file of groups that it may take.</summary>
    public const string RefusedGroups = "refused";

    /// <summary>
    /// How long a report says what its host accepts. Whoever can write to the directory can hold one back, and bring it when the host has
    /// changed.
    /// </summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromMinutes(10);

    /// <summary>How much later than the daemon's clock a host may date its report.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>The tokens of the groups that its sshd accepts, at most 16.</summary>
    public ImmutableArray<string> Groups { get; init; } = [];

    /// <summary>
    /// What is in the way of its groups: <see cref="UnreadGroups"/> or <see cref="RefusedGroups"/>; null for nothing.
    /// </summary>
    public string? GroupsFault { get; init; }

    /// <summary>Reads the text that is signed.</summary>
    /// <returns>Null if it is malformed, or of a version that this daemon does not know.</returns>
    public static HostReport? Parse(string text) =>
        Form().Match(text) is { Success: true } read
        && ulong.TryParse(read.Groups["version"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
        && DateTimeOffset.TryParse(
            read.Groups["time"].ValueSpan, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var time)
            ? new HostReport(
                read.Groups["node"].Value, time, version, [.. read.Groups["ca"].Captures.Select(line => line.Value)],
                read.Groups["checkpoint"] is { Success: true, Value: var checkpoint } ? checkpoint : null)
            {
                Groups = [.. read.Groups["group"].Captures.Select(line => line.Value)],
                GroupsFault = read.Groups["fault"] is { Success: true, Value: var fault } ? fault : null,
            }
            : null;

    /// <summary>Whether it may replace an earlier one: nobody can bring an old report again, or one from the future.</summary>
    /// <param name="last">The time of the last report; null for none.</param>
    /// <param name="now">The current time.</param>
    public bool IsNext(DateTimeOffset? last, DateTimeOffset now) => Time <= now + Skew && !(Time <= last);

    /// <summary>Returns the tokens by which it confirms that its host accepts them: none if it is too old to say.</summary>
    /// <param name="now">The current time.</param>
    public ImmutableArray<string> Confirms(DateTimeOffset now) => now - Time > Fresh ? [] : Groups;

    [GeneratedRegex(
        """
        \Acertauthority-report\ v1\n
        node\ (?<node>[a-z0-9][a-z0-9.-]{0,62})\n
        time\ (?<time>[0-9TZ:-]{20})\n
        version\ (?<version>[0-9]{1,18})\n
        (user-ca\ (?<ca>SHA256:[A-Za-z0-9+/]{43})\n){1,16}
        (group\ (?<group>[a-z0-9][a-z0-9.-]{0,62}\.[0-9a-f]{16})\n){0,16}
        (groups-fault\ (?<fault>unread|refused)\n)?
        (checkpoint\ (?<checkpoint>[A-Za-z0-9+/]{4,4000}={0,2})\n)?\z
        """,
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Form();
}
