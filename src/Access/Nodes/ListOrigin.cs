using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace CertAuthority.Access.Nodes;

/// <summary>Why a revocation list that is already in place must not be replaced by another one.</summary>
public enum ListConflict
{
    /// <summary>Another installation wrote the list.</summary>
    OtherInstallation,

    /// <summary>
    /// A daemon on another copy of the same database wrote the list: one of the two does not know what the other revoked.
    /// </summary>
    OtherCopy,

    /// <summary>The list in place has a higher version than the one offered.</summary>
    Newer,
}

/// <summary>An earlier run of the daemon.</summary>
/// <param name="Run">Its name, or <see cref="ListOrigin.AnyRun"/>.</param>
/// <param name="LastVersion">The version of the last list that it wrote.</param>
public sealed record PastRun(string Run, ulong LastVersion);

/// <summary>
/// Identifies the daemon that wrote a revocation list. Versions alone cannot, because they follow the clock: the list of a forgotten copy
/// has a high version too, and revokes fewer certificates. Therefore each list contains, in its comment, the installation, the run (from
/// one start of the daemon to the next), and the earlier runs with the last version of each. A daemon on a copy of the database does not
/// know what the other copy has written since, so neither replaces the other's lists.
/// </summary>
/// <param name="Installation">Stays the same for the lifetime of the database, through backups and upgrades.</param>
/// <param name="Run">Changes at each start.</param>
/// <param name="Past">The runs before this one, oldest first.</param>
public sealed partial record ListOrigin(string Installation, string Run, ImmutableArray<PastRun> Past)
{
    /// <summary>
    /// Stands for every run of the installation with lists up to a version. A restore supersedes all of them, because it revokes everything
    /// that they issued.
    /// </summary>
    public const string AnyRun = "*";

    /// <summary>Reads the comment of a list.</summary>
    /// <returns>Null if <see cref="ToString"/> did not write this comment.</returns>
    public static ListOrigin? Parse(string comment) => Comment().Match(comment) is { Success: true } read
        ? new ListOrigin(
            read.Groups["installation"].Value,
            read.Groups["run"].Value,
            [
                .. read.Groups["past"].Captures.Zip(
                    read.Groups["last"].Captures,
                    (past, last) => new PastRun(past.Value, ulong.Parse(last.Value, CultureInfo.InvariantCulture)))])
        : null;

    /// <summary>The comment of a list: <c>certauthority INSTALLATION RUN PAST:VERSION PAST:VERSION …</c>.</summary>
    public override string ToString() =>
        string.Join(' ', ["certauthority", Installation, Run, .. Past.Select(past => $"{past.Run}:{past.LastVersion}")]);

    /// <summary>Whether a list with this origin may replace another one.</summary>
    /// <param name="version">The version of the list with this origin.</param>
    /// <param name="present">
    /// The origin of the list in place; null if its comment has none, as in lists from before origins existed.
    /// </param>
    /// <param name="presentVersion">The version of the list in place.</param>
    /// <returns>The reason against it; null if it may.</returns>
    public ListConflict? Replaces(ulong version, ListOrigin? present, ulong presentVersion) =>
        present is not null && present.Installation != Installation ? ListConflict.OtherInstallation
        : present is not null && present.Run != Run
            && !Past.Any(past => (past.Run == AnyRun || past.Run == present.Run) && presentVersion <= past.LastVersion)
            ? ListConflict.OtherCopy
        : presentVersion > version ? ListConflict.Newer
        : null;

    [GeneratedRegex(
        @"\Acertauthority (?<installation>[0-9a-f]{16}) (?<run>[0-9a-f]{8})(?: (?<past>[0-9a-f]{8}|\*):(?<last>[0-9]{1,19}))*\z",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Comment();
}
