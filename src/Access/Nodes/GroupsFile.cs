using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace CertAuthority.Access.Nodes;

/// <summary>
/// The groups of a host that fetches its files. The daemon signs it, so nobody on the way can add a group or give one host the file of
/// another, and it names the list of the moment in which the host got the tokens: the host takes it only with that list or a later one,
/// which revokes whatever these groups must not open. docs/manifest-format.md describes it line by line.
/// </summary>
/// <param name="Installation">The installation whose list it is, as in <see cref="ListOrigin"/>.</param>
/// <param name="Run">The run of the daemon that made the list, as in <see cref="ListOrigin"/>.</param>
/// <param name="Node">The name of the node.</param>
/// <param name="Version">The version of the list.</param>
/// <param name="Tokens">The tokens of the groups, at most 16; empty for a host that has left all its groups.</param>
public sealed partial record GroupsFile(string Installation, string Run, string Node, ulong Version, ImmutableArray<string> Tokens)
{
    /// <summary>The namespace of the signature.</summary>
    public const string Purpose = "certauthority-groups";

    /// <summary>The name of the directory of these files, each of which has the name of its node.</summary>
    public const string Directory = "groups";

    /// <summary>The length of the file with its signature, at most, in bytes.</summary>
    public const int MostBytes = 2048;

    /// <summary>Reads the text that is signed.</summary>
    /// <returns>Null if it is malformed, or of a version that this daemon does not know.</returns>
    public static GroupsFile? Parse(string text) =>
        Form().Match(text) is { Success: true } read
        && ulong.TryParse(read.Groups["version"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? new GroupsFile(
                read.Groups["of"].Value, read.Groups["run"].Value, read.Groups["node"].Value, version,
                [.. read.Groups["token"].Captures.Select(line => line.Value)])
            : null;

    /// <summary>The text that is signed: five lines, and then exactly those that the host's own file has.</summary>
    public override string ToString() =>
        $"certauthority-groups v1\ninstallation {Installation}\nrun {Run}\nnode {Node}\nversion {Version}\n"
        + Encoding.ASCII.GetString(HostFiles.Groups(Tokens));

    [GeneratedRegex(
        """
        \Acertauthority-groups\ v1\n
        installation\ (?<of>[0-9a-f]{16})\n
        run\ (?<run>[0-9a-f]{8})\n
        node\ (?<node>[a-z0-9][a-z0-9.-]{0,62})\n
        version\ (?<version>[1-9][0-9]{0,17})\n
        ((?<token>[a-z0-9][a-z0-9.-]{0,62}\.[0-9a-f]{16})\n){0,16}
        \.\n\z
        """,
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Form();
}
