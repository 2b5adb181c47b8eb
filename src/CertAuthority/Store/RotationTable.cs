using System.Collections.Immutable;
using System.Data.Common;
using System.Globalization;
using CertAuthority.Access.Rotations;
using CertAuthority.Signing;

namespace CertAuthority.Store;

/// <summary>The tables of CA keys that change, and of the keys that hosts were seen to trust.</summary>
internal static class RotationTable
{
    private const string Columns = "step, since, old, next, abandoned, scheduled";

    /// <summary>Returns the rotation of the key of a purpose; null if none is under way.</summary>
    public static Rotation? Rotation(this Snapshot snapshot, CaPurpose purpose) =>
        snapshot.Query($"SELECT {Columns} FROM ca_rotations WHERE purpose = $1", Row, purpose.Name()) is [var one] ? one : null;

    /// <summary>Records a rotation, or its next step.</summary>
    public static void SetRotation(this Transaction transaction, CaPurpose purpose, Rotation rotation) =>
        transaction.Execute(
            $"""
            INSERT INTO ca_rotations (purpose, {Columns}) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (purpose) DO UPDATE SET step = excluded.step, since = excluded.since, old = excluded.old, next = excluded.next,
                abandoned = excluded.abandoned, scheduled = excluded.scheduled
            """,
            purpose.Name(), rotation.Step.ToString(), rotation.Since, rotation.OldId, rotation.NextId, Rows.Json(rotation.Abandoned),
            rotation.Scheduled);

    /// <summary>Ends a rotation.</summary>
    public static void RemoveRotation(this Transaction transaction, CaPurpose purpose) =>
        transaction.Execute("DELETE FROM ca_rotations WHERE purpose = $1", purpose.Name());

    /// <summary>Records which keys a host was seen to trust. It does nothing for a node that was removed meanwhile.</summary>
    public static void SetTrust(
        this Transaction transaction, Guid node, CaPurpose purpose, IEnumerable<long> keys, DateTimeOffset now) =>
        transaction.Execute(
            """
            INSERT INTO node_trust (node_id, purpose, keys, seen) SELECT id, $2, $3, $4 FROM nodes WHERE id = $1
            ON CONFLICT (node_id, purpose) DO UPDATE SET keys = excluded.keys, seen = excluded.seen
            """, node, purpose.Name(), string.Join(',', keys.Order()), now);

    /// <summary>
    /// Records that hosts trust keys, whatever was seen there before, until they are seen again. A host that was seen with the key that
    /// takes their place has what was seen: that is newer than they are.
    /// </summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="purpose">What the keys sign.</param>
    /// <param name="keys">The IDs of the keys.</param>
    /// <param name="inPlace">The ID of the key that takes their place.</param>
    /// <param name="now">The current time.</param>
    public static void AssumeTrust(
        this Transaction transaction, CaPurpose purpose, IEnumerable<long> keys, long inPlace, DateTimeOffset now) =>
        transaction.Execute(
            """
            INSERT INTO node_trust (node_id, purpose, keys, seen) SELECT id, $1, $2, $3 FROM nodes WHERE true
            ON CONFLICT (node_id, purpose) DO UPDATE SET keys = node_trust.keys || ',' || excluded.keys, seen = excluded.seen
                WHERE ',' || node_trust.keys || ',' NOT LIKE $4
            """, purpose.Name(), string.Join(',', keys.Order()), now, $"%,{inPlace},%");

    /// <summary>Forgets which keys of a purpose a host was seen to trust.</summary>
    public static void ForgetTrust(this Transaction transaction, Guid node, CaPurpose purpose) =>
        transaction.Execute("DELETE FROM node_trust WHERE node_id = $1 AND purpose = $2", node, purpose.Name());

    /// <summary>Returns the keys that each host was seen to trust, by the ID of its node.</summary>
    public static Dictionary<Guid, ImmutableHashSet<long>> Trusts(this Snapshot snapshot, CaPurpose purpose) =>
        snapshot.Query(
            "SELECT node_id, keys FROM node_trust WHERE purpose = $1", row => (Id: row.Id("node_id"), Keys: row.String("keys")),
            purpose.Name()).ToDictionary(
                one => one.Id,
                one => one.Keys.Split(',', StringSplitOptions.RemoveEmptyEntries)
                    .Select(id => long.Parse(id, CultureInfo.InvariantCulture)).ToImmutableHashSet());

    /// <summary>Returns when the last live user certificate of a key ends; null if there is none.</summary>
    public static DateTimeOffset? LastEndOf(this Snapshot snapshot, long caKey, DateTimeOffset now) => LastEnd(
        snapshot.Query(
            "SELECT max(valid_before) AS last_end FROM certificates WHERE valid_before > $1 AND revoked IS NULL AND ca = $2", End, now, caKey));

    /// <summary>Returns when the last live user certificate ends that was issued up to an instant; null if there is none.</summary>
    public static DateTimeOffset? LastEndOfIssued(this Snapshot snapshot, DateTimeOffset before, DateTimeOffset now) => LastEnd(
        snapshot.Query(
            "SELECT max(valid_before) AS last_end FROM certificates WHERE valid_before > $1 AND revoked IS NULL AND issued <= $2", End, now,
            before));

    private static DateTimeOffset? End(DbDataReader row) => row.IsNull("last_end") ? null : row.Time("last_end");

    private static DateTimeOffset? LastEnd(List<DateTimeOffset?> found) => found is [var one] ? one : null;

    private static Rotation Row(DbDataReader row) =>
        new(Enum.Parse<RotationStep>(row.String("step")), row.Time("since"), row.Long("old"), row.Long("next"))
        {
            Abandoned = row.Texts("abandoned"),
            Scheduled = row.IsNull("scheduled") ? null : row.Time("scheduled"),
        };
}
