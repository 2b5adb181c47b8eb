using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Roles;

/// <summary>
/// Selects nodes by their labels: all keys must match, and for each key any of its values may match. Without entries it selects no node;
/// the sole entry <c>'*': '*'</c> selects all hosts, including those not yet enrolled.
/// </summary>
public sealed class LabelSelector
{
    /// <summary>Selects no node: the default, since nothing is granted by omission.</summary>
    public static readonly LabelSelector None = new(ImmutableSortedDictionary<string, ImmutableArray<NamePattern>>.Empty);

    /// <summary>Selects every node.</summary>
    public static readonly LabelSelector All = new(
        ImmutableSortedDictionary<string, ImmutableArray<NamePattern>>.Empty.Add("*", [NamePattern.TryParse("*", out _)!]));

    /// <summary>
    /// Creates a selector from these entries. The key <c>*</c> must have the sole value <c>*</c>; the resource reader checks this.
    /// </summary>
    public LabelSelector(ImmutableSortedDictionary<string, ImmutableArray<NamePattern>> entries) => Entries = entries;

    /// <summary>The entries, ordered by key.</summary>
    public ImmutableSortedDictionary<string, ImmutableArray<NamePattern>> Entries { get; }

    /// <summary>Whether it selects nothing.</summary>
    public bool IsNone => Entries.IsEmpty;

    /// <summary>Whether it selects every host that trusts the CA, including hosts whose labels the daemon does not know.</summary>
    public bool IsAll => Entries.Count == 1 && Entries.ContainsKey("*");

    /// <summary>Whether a node with these labels is selected.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var (key, patterns) in Entries)
            if (!Matches(key, patterns, labels))
                return false;
        return !IsNone;
    }

    /// <summary>Whether another selector has the same keys with the same patterns, in any order.</summary>
    public bool IsLike(LabelSelector other) =>
        Entries.Count == other.Entries.Count
        && Entries.All(
            entry => other.Entries.TryGetValue(entry.Key, out var patterns)
                // Nearly all have one value, and a login compares them with each group.
                && (entry.Value.Length == 1 && patterns.Length == 1
                    ? entry.Value[0].Text == patterns[0].Text
                    : entry.Value.Select(pattern => pattern.Text).ToHashSet(StringComparer.Ordinal)
                        .SetEquals(patterns.Select(pattern => pattern.Text))));

    /// <summary>Returns each key, and whether these labels match its entry.</summary>
    internal IEnumerable<(string Key, bool Matches)> EachKey(IReadOnlyDictionary<string, string> labels) =>
        Entries.Select(entry => (entry.Key, Matches(entry.Key, entry.Value, labels)));

    private static bool Matches(string key, ImmutableArray<NamePattern> patterns, IReadOnlyDictionary<string, string> labels)
    {
        if (key == "*")
            return true;
        if (labels.TryGetValue(key, out var value))
            foreach (var pattern in patterns)
                if (pattern.Matches(value))
                    return true;
        return false;
    }
}
