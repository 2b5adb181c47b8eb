using System.Collections.Immutable;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Linux;
using CertAuthority.Signing;

namespace CertAuthority.Revocation;

/// <summary>
/// The files with the groups of hosts that fetch, each under the name of its node. A file is written only when the groups of its host
/// change, so a change costs what the group has members, however many hosts there are.
/// </summary>
internal sealed class GroupsDirectory
{
    private readonly string path;
    private readonly AuditKey key;
    private readonly ListOrigin origin;

    // What is in each file; null for one that is damaged.
    private readonly Dictionary<string, ImmutableArray<string>?> present = new(StringComparer.Ordinal);

    /// <summary>Reads what is there: an earlier process wrote it.</summary>
    /// <param name="path">The absolute path of the directory.</param>
    /// <param name="key">The audit key, which signs the files.</param>
    /// <param name="origin">Marks the lists of this run.</param>
    /// <exception cref="IOException">The disk failed.</exception>
    public GroupsDirectory(string path, AuditKey key, ListOrigin origin)
    {
        (this.path, this.key, this.origin) = (path, key, origin);
        if (!Directory.Exists(path))
            return;
        foreach (var name in Directory.EnumerateFiles(path).Select(file => Path.GetFileName(file)).Where(Names.IsNodeName))
            present[name] = Read(name);
    }

    /// <summary>Returns the files that differ from what they must be.</summary>
    /// <param name="nodes">Every node, by name.</param>
    /// <param name="tokens">The tokens that each host may get, by the ID of its node.</param>
    /// <returns>By the name of the node, the tokens of its file; null for a file that nobody fetches any more.</returns>
    public Dictionary<string, ImmutableArray<string>?> Changes(
        IReadOnlyDictionary<string, Node> nodes, IReadOnlyDictionary<Guid, ImmutableArray<string>> tokens)
    {
        var changes = new Dictionary<string, ImmutableArray<string>?>(StringComparer.Ordinal);
        foreach (var node in nodes.Values.Where(node => !node.Push))
        {
            var wanted = tokens.GetValueOrDefault(node.Id, []);
            // A host that never was in a group has no file. One that left all of them learns that from one without tokens.
            if (present.TryGetValue(node.Name, out var there) ? there?.SequenceEqual(wanted) != true : !wanted.IsEmpty)
                changes[node.Name] = wanted;
        }
        foreach (var name in present.Keys.Where(name => nodes.GetValueOrDefault(name) is not { Push: false }))
            changes[name] = null;
        return changes;
    }

    /// <summary>
    /// Writes the file of a host. It is not flushed: a host refuses half a file, and the next process finds it and writes it again.
    /// </summary>
    /// <param name="node">The name of the node.</param>
    /// <param name="tokens">The tokens; null to remove the file.</param>
    /// <param name="version">The version of the list that was read together with them, and is published by now.</param>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void Put(string node, ImmutableArray<string>? tokens, ulong version)
    {
        if (tokens is not { } wanted)
        {
            File.Delete(At(node));
            present.Remove(node);
            return;
        }
        if (present.Count == 0)
            OwnFile.PublicDirectory(path);
        var content = key.SignedFile(
            GroupsFile.Purpose, new GroupsFile(origin.Installation, origin.Run, node, version, wanted).ToString());
        present[node] = null;
        AtomicFile.ReplaceUnflushed(At(node), content, AtomicFile.ReadableByAll);
        present[node] = wanted;
    }

    private ImmutableArray<string>? Read(string name) =>
        OrdinaryFile.Read(At(name), GroupsFile.MostBytes) is { } file && key.TextOf(GroupsFile.Purpose, file) is { } text
        && GroupsFile.Parse(text) is { } groups && groups.Node == name && groups.Installation == origin.Installation ? groups.Tokens : null;

    private string At(string name) => Path.Combine(path, name);
}
