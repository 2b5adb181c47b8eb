using System.Globalization;
using System.Text.Json;
using CertAuthority.Protocol;
using CertAuthority.Store;
using Microsoft.Data.Sqlite;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>The audit only grows, so what is asked of it is found by an index; and one from before is found as well.</summary>
public sealed class AuditTableTests : IAsyncLifetime
{
    private readonly World world = new();

    [Theory]
    [InlineData(null, null, "SEARCH audit USING INTEGER PRIMARY KEY (rowid<?)")]
    [InlineData("alice", null, "SEARCH audit USING INDEX audit_by_user (user=? AND id<?)")]
    [InlineData(null, "r", "SEARCH audit USING INTEGER PRIMARY KEY (rowid=?)")]
    public void Query_reads_an_index_and_sorts_nothing(string? user, string? request, string expected)
    {
        using var outside = world.Outside("ReadOnly");
        using var command = outside.CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {AuditTable.Sql(new ListAudit(20, user, request))}";
        for (var n = 1; n <= 6; n++)
            command.Parameters.AddWithValue($"${n}", 1);
        using var rows = command.ExecuteReader();
        var plan = new List<string>();
        while (rows.Read())
            plan.Add(rows.GetString(3));
        Assert.Equal(expected, plan[0]);
        Assert.DoesNotContain(plan, line => line.Contains("ORDER BY", StringComparison.Ordinal));
        Assert.DoesNotContain(plan.Skip(1), line => line.Contains("SCAN audit", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Audit_of_an_older_database_is_migrated_and_found()
    {
        await world.Database.DisposeAsync();
        File.Delete(world.Path);
        using (var before = world.Outside("ReadWriteCreate"))
        {
            before.CreateFunction("signature_key", (byte[] _) => (byte[]?)null);
            foreach (var migration in World.Migrations().Take(16))
                Run(before, migration);
            Run(before, "INSERT INTO runs (id) VALUES ('0123abcd')");
            Insert(before, World.Entry("request.created") with { User = "alice", Request = "r", State = "PENDING" });
            Insert(before, World.Entry("certificate.issued") with { User = "alice", Requests = ["q", "r"] });
            Run(before, "INSERT INTO audit (time, event, user, entry) VALUES (1, 'damaged', 'bob', CAST('{' AS BLOB))");
            Run(before, $"PRAGMA application_id = {0x43654175}; PRAGMA user_version = 16");
        }

        await world.Reopen();

        Assert.Equal(["certificate.issued", "request.created"], Found(new ListAudit(Request: "r")));
        Assert.Equal(["certificate.issued"], Found(new ListAudit(Request: "q")));
        // Whether a run of before stopped in order is not known, so nothing is said of it.
        Assert.Null(world.Database.Read(snapshot => snapshot.LastServed()));

        IEnumerable<string> Found(ListAudit ask) => world.Database.Read(snapshot => snapshot.AuditEntries(ask)).Select(entry => entry.Event);
    }

    /// <summary>The clock was an hour ahead for the first entries, and then set back.</summary>
    [Fact]
    public async Task Audit_of_a_time_has_every_entry_in_its_pages()
    {
        var times = Enumerable.Range(0, 7000).Select(n => World.Now.AddSeconds(n < 50 ? 3600 + n : n)).ToArray();
        await world.Database.Commit(transaction =>
        {
            foreach (var time in times)
                transaction.Audit(World.Entry("a") with { Time = time });
            return true;
        });
        foreach (var since in (int[])[0, 10, 3610, 6990, 9999])
            foreach (var until in (int?[])[null, 20, 3620, 7000])
            {
                var ask = new ListAudit(Since: World.Now.AddSeconds(since), Until: until is { } end ? World.Now.AddSeconds(end) : null);
                var found = new List<long>();
                for (List<long> page = [long.MaxValue]; page.Count > 0; found.AddRange(page))
                    page = world.Database.Read(snapshot => snapshot.NumberedAudit(ask, 900, found.Count > 0 ? found[^1] : null)).ConvertAll(one => one.Number);
                Assert.Equal(
                    Enumerable.Range(1, times.Length).Where(number => times[number - 1] >= ask.Since && !(times[number - 1] >= ask.Until)).Select(number => (long)number).Reverse(),
                    found);
            }
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private static void Insert(SqliteConnection connection, AuditEntry entry)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO audit (time, event, user, request, entry) VALUES ($1, $2, $3, $4, $5)";
        var values = new object?[] { entry.Time.ToUnixTimeSeconds(), entry.Event, entry.User, entry.Request, JsonSerializer.SerializeToUtf8Bytes(entry, ProtocolJson.Strict.Of<AuditEntry>()) };
        for (var n = 0; n < values.Length; n++)
            command.Parameters.AddWithValue($"${(n + 1).ToString(CultureInfo.InvariantCulture)}", values[n] ?? DBNull.Value);
        command.ExecuteNonQuery();
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
