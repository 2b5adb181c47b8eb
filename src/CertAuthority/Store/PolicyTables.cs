using System.Collections.Immutable;
using System.Data.Common;
using System.Text.Json.Nodes;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Resources;

namespace CertAuthority.Store;

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

    private static List<Role> Roles(Snapshot snapshot, Action<StoreException> unreadable) => snapshot.Query("SELECT id, revision, resource FROM roles", RoleRow, unreadable);

    private static List<Node> Nodes(Snapshot snapshot, Action<StoreException> unreadable) => snapshot.Query("SELECT id, revision, resource FROM nodes", NodeRow, unreadable);

    private static List<AccessLock> Locks(Snapshot snapshot, Action<StoreException> unreadable) => snapshot.Query("SELECT id, revision, resource FROM locks", LockRow, unreadable);

    private static Role RoleRow(DbDataReader row) => StoredResource.Role(row.GetString(2)) with { Id = row.Id(0), Revision = row.GetInt64(1) };

    private static Node NodeRow(DbDataReader row) => StoredResource.Node(row.GetString(2)) with { Id = row.Id(0), Revision = row.GetInt64(1) };

    private static AccessLock LockRow(DbDataReader row) => StoredResource.Lock(row.GetString(2)) with { Id = row.Id(0), Revision = row.GetInt64(1) };

    public static void PutRole(this Transaction transaction, Role role) => Put(transaction, "role", role, role.Id, role.Name, role.Revision, RoleResource.Write, RoleRow);

    /// <summary>Also in the place of a row of that name that cannot be read: making the node again is how an administrator mends it.</summary>
    public static void PutNode(this Transaction transaction, Node node)
    {
        transaction.Execute("DELETE FROM nodes WHERE name = $1 AND id <> $2", node.Name, node.Id);
        Put(transaction, "node", node, node.Id, node.Name, node.Revision, NodeResource.Write, NodeRow);
    }

    public static void PutLock(this Transaction transaction, AccessLock one) => Put(transaction, "lock", one, one.Id, one.Name, one.Revision, LockResource.Write, LockRow);

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

    private static void Put<T>(Transaction transaction, string kind, T resource, Guid id, string name, long revision, Func<T, JsonObject> write, Func<DbDataReader, T> row) where T : class
    {
        transaction.Execute(
            $"""
            INSERT INTO {kind}s (id, name, revision, resource) VALUES ($1, $2, $3, $4)
            ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, resource = excluded.resource
            """, id, name, revision, write(resource).ToJsonString());
        transaction.Execute("UPDATE policy SET generation = $1", Guid.NewGuid());
        transaction.Expect($"{kind} '{name}'", resource, one => write(one).ToJsonString(), $"SELECT id, revision, resource FROM {kind}s WHERE id = $1", row, id);
    }

    /// <summary>A role, node, lock or user whose row cannot be read, found by its name, which is a column of its own; null where it can, or there is none.</summary>
    /// <param name="snapshot">Where.</param>
    /// <param name="kind">The name of its table in the singular.</param>
    /// <param name="name">Its name.</param>
    public static Unreadable? FindUnreadable(this Snapshot snapshot, string kind, string name)
    {
        try
        {
            _ = kind switch
            {
                "role" => Find(RoleRow),
                "node" => Find(NodeRow),
                "lock" => Find(LockRow),
                "user" => (object?)snapshot.FindUser(name),
                _ => null,
            };
            return null;
        }
        catch (StoreException)
        {
            return snapshot.QueryFirst($"SELECT id, resource FROM {kind}s WHERE name = $1", row => new Unreadable(kind, name, row.GetString(0), row.GetString(1)), name);
        }

        T? Find<T>(Func<DbDataReader, T> row) => snapshot.QueryFirst($"SELECT id, revision, resource FROM {kind}s WHERE name = $1", row, name);
    }

    public static void Remove(this Transaction transaction, Unreadable one)
    {
        if (one.Kind == "node")
            transaction.Execute("DELETE FROM node_syncs WHERE node_id = $1", one.Id);
        transaction.Execute($"DELETE FROM {one.Kind}s WHERE name = $1", one.Name);
        transaction.Execute("UPDATE policy SET generation = $1", Guid.NewGuid());
    }
}

/// <summary>A resource whose row cannot be read.</summary>
/// <param name="Kind"><c>role</c>, <c>node</c>, <c>lock</c> or <c>user</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Id">As it stands there.</param>
/// <param name="Text">The resource as it stands there.</param>
internal sealed record Unreadable(string Kind, string Name, string Id, string Text);
