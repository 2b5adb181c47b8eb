using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace CertAuthority.Access.Nodes;

/// <summary>Why a revocation list that is already in place must not be replaced by another one.</summary>
public enum ListConflict
{
    /// <summary>Another installation wrote it.</summary>
    OtherInstallation,

    /// <summary>A daemon on another copy of the same database wrote it: one of the two does not know what the other revoked.</summary>
    OtherCopy,

    /// <summary>It has a higher version than the one offered.</summary>
    Newer,
}

/// <summary>A run of the daemon that is over.</summary>
/// <param name="Run">Its name, or <see cref="ListOrigin.AnyRun"/>.</param>
/// <param name="LastVersion">The version of the last list that it wrote.</param>
public sealed record PastRun(string Run, ulong LastVersion);

/// <summary>
/// Which daemon wrote a revocation list. Versions alone cannot tell: they follow the clock, so that the list of a copy that was forgotten
/// somewhere has a high one, too, and names fewer certificates. So each list carries, in its comment, the installation, the run
/// (from one start of the daemon to the next) and the runs before it with the last version of each. A daemon on a copy of the database
/// knows
/// nothing of what the other copy wrote since, and neither replaces the other's lists.
/// </summary>
/// <param name="Installation">The same for as long as the database lives, through backups and upgrades.</param>
/// <param name="Run">Another at each start.</param>
/// <param name="Past">The runs before this one, oldest first.</param>
public sealed partial record ListOrigin(string Installation, string Run, ImmutableArray<PastRun> Past)
{
    /// <summary>
    /// Stands for every run of the installation whose lists do not exceed a version. A restore supersedes them all, for it revokes what
    /// they had issued.
    /// </summary>
    public const string AnyRun = "*";

    /// <summary>Reads the comment of a list.</summary>
    /// <returns>Null when it is not one that <see cref="ToString"/> wrote.</returns>
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
    /// <param name="present">The origin of the list in place; null when its comment names none, as before there were origins.</param>
    /// <param name="presentVersion">The version of the list in place.</param>
    /// <returns>What speaks against it; null when nothing does.</returns>
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
