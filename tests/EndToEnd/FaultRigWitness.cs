using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using CertAuthority.OpenSsh;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// Knows what the daemons acknowledged, in the memory of the test, and compares it with the database and with the list of the host. It asks
/// no daemon.
/// </summary>
internal sealed partial class FaultRigWitness
{
    private readonly ConcurrentDictionary<ulong, Issued> issued = [];
    private readonly ConcurrentQueue<ulong> fresh = [];
    private readonly ConcurrentDictionary<string, (int State, long At)> requests = [];
    private readonly ConcurrentDictionary<string, long> locked = [];
    private readonly ConcurrentDictionary<ulong, long> revoked = [];
    private readonly ConcurrentDictionary<string, int> counts = [];
    private readonly ConcurrentQueue<string> violations = [];
    private int edited;
    private ulong listVersion;

    /// <summary>The states of a request, in their order; an acknowledged one can only become a later one, and the last two are the end.</summary>
    private static readonly string[] States = ["PENDING", "APPROVED", "DENIED", "CANCELLED"];

    /// <summary>A line for each promise that was broken.</summary>
    public IReadOnlyCollection<string> Violations => violations;

    /// <summary>What was acknowledged and what was not, by its name.</summary>
    public IReadOnlyDictionary<string, int> Counts => counts;

    public static long Now => Stopwatch.GetTimestamp();

    public void Count(string what) => counts.AddOrUpdate(what, 1, (_, n) => n + 1);

    /// <summary>Adds a line about a broken promise.</summary>
    /// <param name="kind">Which promise: <c>lost</c>, <c>serial twice</c>, <c>after a denial</c>, <c>older list</c> or <c>waiter lost</c>.</param>
    /// <param name="what">What happened.</param>
    public void Violated(string kind, string what)
    {
        Count($"violated: {kind}");
        violations.Enqueue($"{kind}: {what}");
    }

    /// <summary>A certificate arrived.</summary>
    /// <param name="line">The certificate.</param>
    /// <param name="user">Whose it is.</param>
    /// <param name="asked">When it was asked for.</param>
    /// <param name="request">The request in use; null for none.</param>
    /// <returns>Its serial.</returns>
    public ulong Got(string line, string user, long asked, string? request = null)
    {
        var blob = Convert.FromBase64String(line.Split(' ')[1]);
        var serial = Certificate.Parse(blob).Serial;
        if (!issued.TryAdd(serial, new Issued(blob, user, asked)))
            Violated("serial twice", $"{serial} for {user}");
        fresh.Enqueue(serial);
        if (request is not null && requests.TryGetValue(request, out var one) && one.State == 2 && one.At < asked)
            Violated("after a denial", $"{serial} for {user}, by request {request}, which had been denied before it was asked for");
        if (locked.TryGetValue(user, out var since) && since < asked)
            Violated("after a denial", $"{serial} for {user}, who had been locked before it was asked for");
        Count("certificates");
        return serial;
    }

    public void Filed(string request) => Reached(request, 0);

    public void Approved(string request) => Reached(request, 1);

    public void Denied(string request) => Reached(request, 2);

    /// <summary>A lock of a user was acknowledged.</summary>
    public void Locked(string user)
    {
        locked[user] = Now;
        Count("locks");
    }

    /// <summary>A user is about to be unlocked.</summary>
    public void Unlocking(string user) => locked.TryRemove(user, out _);

    public void Revoked(ulong serial)
    {
        revoked[serial] = Now;
        Count("revocations");
    }

    public void Edited(int number)
    {
        edited = number;
        Count("edits");
    }

    private void Reached(string request, int state)
    {
        requests[request] = (state, Now);
        Count(state switch { 0 => "requests", 1 => "approvals", _ => "denials" });
    }

    /// <summary>Looks at the list that the host has now: it never becomes an older one.</summary>
    public Krl Look(FleetHost host)
    {
        // One at a time, so that they read the lists in the order in which they come.
        lock (fresh)
        {
            var list = Krl.Parse(File.ReadAllBytes(host["certauthority/revoked.krl"]));
            if (list.Version < listVersion)
                Violated("older list", $"the host had list {listVersion}, and now has {list.Version} of \"{list.Comment}\"");
            listVersion = list.Version;
            return list;
        }
    }

    /// <summary>Whether the host has everything on its list that was acknowledged as revoked.</summary>
    public bool IsUpToDate(FleetHost host, PublicKey ca)
    {
        var list = Look(host);
        return revoked.Keys.All(serial => list.IsRevoked(ca, serial));
    }

    /// <summary>
    /// Compares what was acknowledged with the database. Nobody may call meanwhile; what was done and not acknowledged may be there.
    /// </summary>
    /// <param name="server">The server.</param>
    /// <param name="path">The path to which the schema belongs.</param>
    /// <param name="everything">Whether certificates are looked for that were there before, too.</param>
    public void Check(TestPostgres server, string path, bool everything)
    {
        using var connection = server.Connection(path);
        connection.Open();
        var wanted = everything ? [.. issued.Keys.Select(one => (long)one)] : new List<long>();
        while (fresh.TryDequeue(out var serial))
            if (!everything)
                wanted.Add((long)serial);
        var found = Query("SELECT serial, to_be_signed, revoked FROM certificates WHERE serial = ANY($1)", wanted.ToArray())
            .ToDictionary(row => (ulong)(long)row[0], row => (Signed: (byte[])row[1], IsRevoked: row[2] is not DBNull));
        foreach (var serial in wanted.Select(one => (ulong)one))
            if (!found.TryGetValue(serial, out var there))
                Violated("lost", $"certificate {serial} of {issued[serial].User}");
            else if (!issued[serial].Blob.AsSpan().StartsWith(there.Signed))
                Violated("serial twice", $"{serial} of {issued[serial].User} is another certificate in the database");
            else if (there.IsRevoked && issued[serial].User.StartsWith("load", StringComparison.Ordinal))
                Violated("lost", $"{serial} of {issued[serial].User} is revoked, and nobody revoked it");

        var gone = Query("SELECT serial FROM certificates WHERE revoked IS NOT NULL AND serial = ANY($1)", revoked.Keys.Select(one => (long)one).ToArray())
            .Select(row => (ulong)(long)row[0]).ToHashSet();
        foreach (var serial in revoked.Keys.Where(one => !gone.Contains(one)))
            Violated("lost", $"the revocation of {serial}");

        var states = Query("SELECT id, state FROM requests WHERE id = ANY($1)", (object)requests.Keys.ToArray()).ToDictionary(row => (string)row[0], row => (string)row[1]);
        foreach (var (id, (state, _)) in requests)
            if (!states.TryGetValue(id, out var there))
                Violated("lost", $"request {id}");
            else if (Array.IndexOf(States, there) < state)
                Violated("lost", $"request {id} is {there}, and was acknowledged as {States[state]}");

        var denied = requests.Where(one => one.Value.State == 2).Select(one => one.Key).ToArray();
        foreach (var row in Query(
            "SELECT DISTINCT c.serial, r.request_id FROM certificates c JOIN certificate_requests r ON r.serial = c.serial WHERE r.request_id = ANY($1) AND c.revoked IS NULL", (object)denied))
            Violated("after a denial", $"certificate {row[0]} by request {row[1]}, which is denied, is not revoked");
        foreach (var user in locked.Keys)
        {
            if (Query("SELECT name FROM locks WHERE resource LIKE $1", $"%{user}%").Count == 0)
                Violated("lost", $"the lock of {user}");
            foreach (var row in Query(
                "SELECT serial FROM certificates WHERE user_name = $1 AND revoked IS NULL AND valid_before > extract(epoch FROM now())", user))
                Violated("after a denial", $"certificate {row[0]} of {user}, who is locked, is not revoked");
        }
        if (edited > 0)
        {
            var role = (string)Query("SELECT resource FROM roles WHERE name = 'edited'").Single()[0];
            if (NumberIn(role) < edited)
                Violated("lost", $"edit {edited} of a role, which is {role}");
            foreach (var row in Query("SELECT serial, principals FROM certificates WHERE user_name = 'editor' AND revoked IS NULL AND valid_before > extract(epoch FROM now())")
                .Where(row => NumberIn((string)row[1]) < edited))
                Violated("after a denial", $"certificate {row[0]} of a role before its edit {edited} has {row[1]}, and is not revoked");
        }
        foreach (var row in Query("SELECT id + 1 FROM audit a WHERE NOT EXISTS (SELECT 1 FROM audit b WHERE b.id = a.id + 1) AND id < (SELECT max(id) FROM audit)"))
            Violated("lost", $"audit entry {row[0]}");

        static int NumberIn(string resource) => int.Parse(Edit().Match(resource).Groups[1].Value);

        List<object[]> Query(string sql, params object[] values)
        {
            using var command = new Npgsql.NpgsqlCommand(sql, connection);
            foreach (var value in values)
                command.Parameters.Add(new Npgsql.NpgsqlParameter { Value = value });
            using var rows = command.ExecuteReader();
            var all = new List<object[]>();
            while (rows.Read())
            {
                var row = new object[rows.FieldCount];
                rows.GetValues(row);
                all.Add(row);
            }
            return all;
        }
    }

    [GeneratedRegex("u([0-9]+)u")]
    private static partial Regex Edit();

    private sealed record Issued(byte[] Blob, string User, long Asked);
}
