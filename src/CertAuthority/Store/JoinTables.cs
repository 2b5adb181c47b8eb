using System.Collections.Immutable;
using System.Data.Common;
using System.Text.Json;
using CertAuthority.Access.Nodes;

namespace CertAuthority.Store;

/// <summary>The tables of hosts that join by themselves, and of what lets them.</summary>
internal static class JoinTables
{
    private const string Tokens = "SELECT id, name, secret, host_key, uses, ends, labels, addresses, admits FROM join_tokens";

    private const string Columns = "name, key, address, labels, token, asked, request, state, note, decided, node_id";

    /// <summary>Returns what changes with every file for a single host that fetches.</summary>
    public static HostFilesMark HostFiles(this Snapshot snapshot)
    {
        var last = snapshot.QueryFirst("SELECT coalesce(max(serial), 0) FROM host_certificates", row => row.GetInt64(0));
        var (joins, asked, decided, admitted) = snapshot.QueryFirst(
            "SELECT count(*), coalesce(max(asked), 0), coalesce(max(decided), 0), count(node_id) FROM joins",
            row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3)));
        return new HostFilesMark(snapshot.Generation(), last, joins, asked, decided, admitted);
    }

    /// <summary>Returns all tokens, also those that have ended.</summary>
    public static List<JoinToken> JoinTokens(this Snapshot snapshot) => snapshot.Query($"{Tokens} ORDER BY id", Token);

    /// <summary>Finds a token by its ID; null if there is none.</summary>
    public static JoinToken? JoinToken(this Snapshot snapshot, string id) => snapshot.QueryFirst($"{Tokens} WHERE id = $1", Token, id);

    public static void InsertJoinToken(this Transaction transaction, JoinToken token) =>
        transaction.Execute(
            """
            INSERT INTO join_tokens (id, name, secret, host_key, uses, ends, labels, addresses, admits)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """, token.Id, token.Name, token.Secret, token.HostKey, (long)token.Uses, token.Ends, Rows.Json(Lines(token.Labels)),
            Rows.Json(token.Addresses), token.Admits);

    /// <summary>Counts one more host that joined by the token.</summary>
    public static void UseJoinToken(this Transaction transaction, string id) =>
        transaction.Execute("UPDATE join_tokens SET uses = uses - 1 WHERE id = $1", id);

    public static void RemoveJoinToken(this Transaction transaction, string id) =>
        transaction.Execute("DELETE FROM join_tokens WHERE id = $1", id);

    /// <summary>Removes the tokens that have ended.</summary>
    public static void RemoveEndedJoinTokens(this Transaction transaction, DateTimeOffset now) =>
        transaction.Execute("DELETE FROM join_tokens WHERE ends <= $1", now);

    /// <summary>Returns whether some token has ended.</summary>
    public static bool HasEndedJoinTokens(this Snapshot snapshot, DateTimeOffset now) =>
        snapshot.QueryFirst("SELECT 1 FROM join_tokens WHERE ends <= $1 LIMIT 1", row => true, now);

    /// <summary>Returns the joins of hosts that were admitted and may not have their certificates yet.</summary>
    public static List<Join> AdmittedJoins(this Snapshot snapshot) => snapshot.QueryReadable(
        $"SELECT {Columns} FROM joins WHERE over = 0 AND state = 'Admitted' ORDER BY name", Row);

    /// <summary>Notes that the daemon has nothing more to do for a join.</summary>
    public static void CloseJoin(this Transaction transaction, Join join) =>
        transaction.Execute("UPDATE joins SET over = 1 WHERE name = $1 AND request = $2", join.Name, join.Request);

    /// <summary>Returns whether there are joins that <see cref="RemoveForgettableJoins"/> would remove.</summary>
    public static bool HasForgettableJoins(this Snapshot snapshot, DateTimeOffset before) =>
        snapshot.QueryFirst($"SELECT 1 FROM joins WHERE {Forgettable} LIMIT 1", row => true, before);

    /// <summary>
    /// Removes the joins that were over before a time. That of a host that was never seen since stays: it is when the host was seen.
    /// </summary>
    public static void RemoveForgettableJoins(this Transaction transaction, DateTimeOffset before) =>
        transaction.Execute($"DELETE FROM joins WHERE {Forgettable}", before);

    /// <summary>Returns the last join under each name.</summary>
    public static List<Join> Joins(this Snapshot snapshot) => snapshot.QueryReadable($"SELECT {Columns} FROM joins ORDER BY name", Row);

    /// <summary>Returns the last join under a name; null for none.</summary>
    public static Join? Join(this Snapshot snapshot, string name) =>
        snapshot.QueryFirst($"SELECT {Columns} FROM joins WHERE name = $1", Row, name);

    public static void SetJoin(this Transaction transaction, Join join) =>
        transaction.Execute(
            $"""
            INSERT INTO joins ({Columns}, over) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (name) DO UPDATE SET key = excluded.key, address = excluded.address, labels = excluded.labels,
                token = excluded.token, asked = excluded.asked, request = excluded.request, state = excluded.state,
                note = excluded.note, decided = excluded.decided, node_id = excluded.node_id, over = excluded.over
            """,
            join.Name, join.Key, join.Address, Rows.Json(Lines(join.Labels)), join.Token, join.Asked, join.Request, join.State.ToString(),
            join.Note, join.Decided, join.Node, join.State == JoinState.Refused);

    private const string Forgettable =
        """
        over = 1 AND decided < $1 AND (node_id IS NULL OR NOT EXISTS (SELECT 1 FROM nodes WHERE id = joins.node_id)
            OR EXISTS (SELECT 1 FROM node_reports WHERE node_id = joins.node_id)
            OR EXISTS (SELECT 1 FROM node_syncs WHERE node_id = joins.node_id AND synced IS NOT NULL))
        """;

    private static JoinToken Token(DbDataReader row) => new(
        row.String("id"), row.String("name"), row.Text("secret"), row.Text("host_key"), (int)row.Long("uses"), row.Time("ends"),
        Labels(row), row.Texts("addresses"), row.Flag("admits"));

    private static Join Row(DbDataReader row) => new(
        row.String("name"), row.String("key"), row.String("address"), Labels(row), row.String("token"), row.Time("asked"),
        row.String("request"), Enum.Parse<JoinState>(row.String("state")), row.Text("note"),
        row.IsNull("decided") ? null : row.Time("decided"), row.IsNull("node_id") ? null : row.Id("node_id"));

    private static IEnumerable<string> Lines(ImmutableSortedDictionary<string, string> labels) =>
        labels.Select(label => $"{label.Key}={label.Value}");

    private static ImmutableSortedDictionary<string, string> Labels(DbDataReader row) =>
        row.Texts("labels").Select(line => line.Split('=', 2))
            .ToImmutableSortedDictionary(
                label => label[0], label => label.Length > 1 ? label[1] : throw new JsonException(), StringComparer.Ordinal);
}

/// <summary>The state of the files for single hosts that fetch; it differs whenever one of them does.</summary>
internal sealed record HostFilesMark(
    string Generation, long LastCertificate, long Joins, long LastAsked, long LastDecided, long Admitted);
