using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access;
using CertAuthority.Resources;

namespace CertAuthority.Store;

/// <summary>
/// All roles, nodes and locks of one generation. A node that cannot be read is left out, so that the others still get their revocation list. A role or a lock
/// that cannot be read may be one that denies, so nothing is decided until it can.
/// </summary>
/// <param name="generation">Unique for ever.</param>
/// <param name="roles">Those that can be read.</param>
/// <param name="nodes">Those that can be read.</param>
/// <param name="locks">Those that can be read.</param>
/// <param name="fault">The first role or lock that cannot be read; null when all can.</param>
internal sealed class Policy(
    string generation, ImmutableSortedDictionary<string, Role> roles, ImmutableSortedDictionary<string, Node> nodes, ImmutableSortedDictionary<string, AccessLock> locks, StoreException? fault)
{
    public string Generation => generation;

    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public ImmutableSortedDictionary<string, Role> Roles => Whole(roles);

    public ImmutableSortedDictionary<string, Node> Nodes => nodes;

    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public ImmutableSortedDictionary<string, AccessLock> Locks => Whole(locks);

    /// <summary>The locks that stand at an instant: the clock ends them, and nothing else has to.</summary>
    /// <exception cref="StoreException">A role or a lock cannot be read.</exception>
    public LocksInForce LocksAt(DateTimeOffset now) => LocksInForce.At(Locks.Values, now);

    private T Whole<T>(T table) => fault is null ? table : throw new StoreException(fault.Message, fault);
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
        StoreException? fault = null;
        var roles = Roles(snapshot, row => fault ??= row).ToImmutableSortedDictionary(role => role.Name, role => role, StringComparer.Ordinal);
        var locks = Locks(snapshot, row => fault ??= row).ToImmutableSortedDictionary(one => one.Name, one => one, StringComparer.Ordinal);
        var leftOut = new List<StoreException>();
        var nodes = Nodes(snapshot, leftOut.Add).ToImmutableSortedDictionary(node => node.Name, node => node, StringComparer.Ordinal);
        leftOut.ForEach(snapshot.LeaveOut);
        var policy = new Policy(generation, roles, nodes, locks, fault);
        // A row that somebody mends by hand gets no new generation.
        if (fault is null && leftOut.Count == 0)
            snapshot.Policies.Latest = policy;
        return policy;
    }

    /// <summary>Reads all three tables, whatever is kept in memory.</summary>
    public static void InspectPolicy(this Inspection inspection)
    {
        Roles(inspection, inspection.LeaveOut);
        Nodes(inspection, inspection.LeaveOut);
        Locks(inspection, inspection.LeaveOut);
    }

    private static List<Role> Roles(Snapshot snapshot, Action<StoreException> unreadable) =>
        snapshot.Query("SELECT id, revision, resource FROM roles", row => StoredResource.Role(row.GetString(2)) with { Id = row.Id(0), Revision = row.GetInt64(1) }, unreadable);

    private static List<Node> Nodes(Snapshot snapshot, Action<StoreException> unreadable) =>
        snapshot.Query("SELECT id, revision, resource FROM nodes", row => StoredResource.Node(row.GetString(2)) with { Id = row.Id(0), Revision = row.GetInt64(1) }, unreadable);

    private static List<AccessLock> Locks(Snapshot snapshot, Action<StoreException> unreadable) =>
        snapshot.Query("SELECT id, revision, resource FROM locks", row => StoredResource.Lock(row.GetString(2)) with { Id = row.Id(0), Revision = row.GetInt64(1) }, unreadable);

    public static void PutRole(this Transaction transaction, Role role) => Put(transaction, "roles", role.Id, role.Name, role.Revision, RoleResource.Write(role));

    /// <summary>Also in the place of a row of that name that cannot be read: making the node again is how an administrator mends it.</summary>
    public static void PutNode(this Transaction transaction, Node node)
    {
        transaction.Execute("DELETE FROM nodes WHERE name = $1 AND id <> $2", node.Name, node.Id);
        Put(transaction, "nodes", node.Id, node.Name, node.Revision, NodeResource.Write(node));
    }

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
