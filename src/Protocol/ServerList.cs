using System.Collections.Immutable;

namespace CertAuthority.Protocol;

/// <summary>
/// The addresses of the daemons of one installation, in order of preference. Most installations have one.
/// </summary>
/// <param name="All">The addresses; at least one, and none twice.</param>
public sealed record ServerList(ImmutableArray<ServerAddress> All)
{
    /// <summary>Makes a list of one.</summary>
    public static implicit operator ServerList(ServerAddress one) => new([one]);

    /// <summary>Returns whether a server is in both lists.</summary>
    public bool SharesOneWith(ServerList other) => All.Intersect(other.All).Any();

    /// <summary>Returns whether ssh reaches a server of the list by this name.</summary>
    public bool HasHost(string host) => All.Any(one => (one as ServerAddress.Ssh)?.Host == host);

    /// <inheritdoc/>
    public bool Equals(ServerList? other) => other is not null && All.SequenceEqual(other.All);

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => string.Join(',', All);

    /// <summary>Reads addresses that are separated by commas; null if <see cref="FaultIn"/> has a fault.</summary>
    public static ServerList? TryParse(string text) =>
        FaultIn(text) is null ? new([.. Split(text).Select(one => ServerAddress.TryParse(one)!)]) : null;

    /// <summary>Returns what is wrong with a text, to follow the name of its option; null if nothing is.</summary>
    public static string? FaultIn(string text)
    {
        var parts = Split(text);
        foreach (var part in parts)
            if (ServerAddress.TryParse(part) is null)
                return ServerAddress.PathFaultIn(part) is { } fault ? $": {fault}" : $" takes {ServerAddress.Forms}, not '{part}'";
        return parts.GroupBy(part => part, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice
            ? $" names {twice.Key} twice"
            : null;
    }

    // The path of a socket can contain commas.
    private static List<string> Split(string text)
    {
        var parts = new List<string>();
        foreach (var part in text.Split(','))
            if (parts is [.., var last] && last.StartsWith("unix:", StringComparison.Ordinal)
                && !part.StartsWith("unix:", StringComparison.Ordinal) && !part.StartsWith("ssh://", StringComparison.Ordinal))
                parts[^1] = $"{last},{part}";
            else
                parts.Add(part);
        return parts;
    }
}
