using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access;
using CertAuthority.Resources;

namespace CertAuthority.Store;

/// <summary>All roles, nodes and locks of one generation.</summary>
internal sealed record Policy(
    string Generation, ImmutableSortedDictionary<string, Role> Roles, ImmutableSortedDictionary<string, Node> Nodes, ImmutableSortedDictionary<string, AccessLock> Locks)
{
    /// <summary>The locks that stand at an instant: the clock ends them, and nothing else has to.</summary>
    public LocksInForce LocksAt(DateTimeOffset now) => LocksInForce.At(Locks.Values, now);
}

/// <summary>The last generation read. A generation is never used twice, so a cached one can be outdated but not wrong.</summary>
internal sealed class PolicyCache
{
    public volatile Policy? Latest;
}

/// <summary>The tables of roles, nodes and locks.</summary>
internal static class PolicyTables
{
    public static Policy Policy(this Snapshot snapshot)
    {
        var generation = snapshot.QueryFirst("SELECT generation FROM policy", row => row.GetString(0))!;
        if (snapshot.Policies.Latest is { } latest && latest.Generation == generation)
            return latest;
        return snapshot.Policies.Latest = new Policy(
            generation,
            snapshot.Query("SELECT id, revision, resource FROM roles", row => StoredResource.Role(row.GetString(2)) with { Id = row.Id(0), Revision = row.GetInt64(1) })
                .ToImmutableSortedDictionary(role => role.Name, role => role, StringComparer.Ordinal),
            snapshot.Query("SELECT id, revision, resource FROM nodes", row => StoredResource.Node(row.GetString(2)) with { Id = row.Id(0), Revision = row.GetInt64(1) })
                .ToImmutableSortedDictionary(node => node.Name, node => node, StringComparer.Ordinal),
            snapshot.Query("SELECT id, revision, resource FROM locks", row => StoredResource.Lock(row.GetString(2)) with { Id = row.Id(0), Revision = row.GetInt64(1) })
                .ToImmutableSortedDictionary(one => one.Name, one => one, StringComparer.Ordinal));
    }

    public static void PutRole(this Transaction transaction, Role role) => Put(transaction, "roles", role.Id, role.Name, role.Revision, RoleResource.Write(role));

    public static void PutNode(this Transaction transaction, Node node) => Put(transaction, "nodes", node.Id, node.Name, node.Revision, NodeResource.Write(node));

    public static void PutLock(this Transaction transaction, AccessLock one) => Put(transaction, "locks", one.Id, one.Name, one.Revision, LockResource.Write(one));

    public static void RemoveRole(this Transaction transaction, Role role) => Remove(transaction, "roles", role.Id);

    public static void RemoveNode(this Transaction transaction, Node node)
    {
        transaction.Execute("DELETE FROM node_syncs WHERE node_id = $1", node.Id);
        Remove(transaction, "nodes", node.Id);
    }

    public static void RemoveLock(this Transaction transaction, AccessLock one) => Remove(transaction, "locks", one.Id);

    private static void Remove(Transaction transaction, string table, Guid id)
    {
        transaction.Execute($"DELETE FROM {table} WHERE id = $1", id);
        transaction.Execute("UPDATE policy SET generation = $1", Guid.NewGuid());
    }

    private static void Put(Transaction transaction, string table, Guid id, string name, long revision, JsonObject resource)
    {
        transaction.Execute(
            $"""
            INSERT INTO {table} (id, name, revision, resource) VALUES ($1, $2, $3, $4)
            ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, resource = excluded.resource
            """, id, name, revision, resource.ToJsonString());
        transaction.Execute("UPDATE policy SET generation = $1", Guid.NewGuid());
    }
}
