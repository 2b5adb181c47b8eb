using System.Data.Common;
using System.Collections.Concurrent;
using System.Text.Json;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Model;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>The audit only grows, so what is asked of it is found by an index; and one from before is found as well.</summary>
public sealed class AuditTableTests : IAsyncLifetime
{
    private readonly World world = new();

    [SqliteTheory]
    [InlineData(null, null, "SEARCH audit USING INTEGER PRIMARY KEY (rowid<?)")]
    [InlineData("alice", null, "SEARCH audit USING INDEX audit_by_user (user=? AND id<?)")]
    [InlineData(null, "r", "SEARCH audit USING INTEGER PRIMARY KEY (rowid=?)")]
    [InlineData(null, null, "SEARCH audit USING INTEGER PRIMARY KEY (rowid>?)", true)]
    [InlineData("alice", null, "SEARCH audit USING INDEX audit_by_user (user=? AND id>?)", true)]
    [InlineData(null, "r", "SEARCH audit USING INTEGER PRIMARY KEY (rowid=?)", true)]
    public void Query_reads_an_index_and_sorts_nothing(string? user, string? request, string expected, bool oldestFirst = false)
    {
        using var outside = world.Outside("ReadOnly");
        using var command = outside.CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {AuditTable.Sql(new AuditWish(user, request) { OldestFirst = oldestFirst })}";
        for (var n = 1; n <= 6; n++)
            command.Add(1);
        using var rows = command.ExecuteReader();
        var plan = new List<string>();
        while (rows.Read())
            plan.Add(rows.GetString(3));
        Assert.Equal(expected, plan[0]);
        Assert.DoesNotContain(plan, line => line.Contains("ORDER BY", StringComparison.Ordinal));
        Assert.DoesNotContain(plan.Skip(1), line => line.Contains("SCAN audit", StringComparison.Ordinal));
    }

    [SqliteFact]
    public async Task Audit_of_an_older_database_is_migrated_and_found()
    {
        await world.Database.DisposeAsync();
        File.Delete(world.Path);
        using (var before = world.Outside("ReadWriteCreate"))
        {
            ((Microsoft.Data.Sqlite.SqliteConnection)before).CreateFunction("signature_key", (byte[] _) => (byte[]?)null);
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
                var ask = new AuditWish(Since: World.Now.AddSeconds(since), Until: until is { } end ? World.Now.AddSeconds(end) : null);
                var found = new List<long>();
                for (List<long> page = [long.MaxValue]; page.Count > 0; found.AddRange(page))
                    page = world.Database.Read(snapshot => snapshot.NumberedAudit(ask, 900, found.Count > 0 ? found[^1] : null)).ConvertAll(one => one.Number);
                Assert.Equal(
                    Enumerable.Range(1, times.Length).Where(number => times[number - 1] >= ask.Since && !(times[number - 1] >= ask.Until)).Select(number => (long)number).Reverse(),
                    found);
            }
    }

    /// <summary>Changes that are refused after they wrote entries, that break a rule of the schema, and that are only rehearsed, between others.</summary>
    [Fact]
    public async Task Entries_are_numbered_without_gaps_in_commit_order()
    {
        var dice = new Dice(19);
        var committed = new ConcurrentQueue<string>();
        for (var round = 0; round < 40; round++)
        {
            var changes = Enumerable.Range(0, 1 + dice.Throw(11)).Select(n => (Name: $"{round}.{n}", Fate: dice.Throw(4), Entries: 1 + dice.Throw(3))).ToList();
            foreach (var task in await world.InOneBatch([.. changes.Select(change => (Func<Transaction, string>)(transaction =>
            {
                for (var n = 0; n < change.Entries; n++)
                    transaction.Audit(World.Entry($"{change.Name}.{n}") with { Requests = n == 1 ? ["r"] : null });
                if (change.Fate == 1)
                    throw new ProblemException(new Problem(ProblemCode.Denied, "no"));
                if (change.Fate == 2)
                    transaction.Execute(TestStore.Said("INSERT INTO audit (id, time, event, entry) VALUES (1, 0, 'twice', x'00')"));
                return "";
            }))]))
                await task.ContinueWith(_ => { }, TaskScheduler.Default);
            foreach (var change in changes.Where(change => change.Fate is 0 or 3))
                for (var n = 0; n < change.Entries; n++)
                    committed.Enqueue($"{change.Name}.{n}");
            await world.Database.Rehearse(transaction =>
            {
                transaction.Audit(World.Entry("rehearsed"));
                return true;
            });
            if (round % 10 == 9)
                await world.Reopen();
        }
        var stored = world.Database.Read(snapshot => snapshot.ReadAudit(new AuditWish { OldestFirst = true }, 10_000, null)).Entries;
        Assert.Equal(committed, stored.Select(entry => entry.Event));
        Assert.Equal(Enumerable.Range(1, committed.Count).Select(n => (long?)n), stored.Select(entry => entry.Seq));
    }

    [Theory]
    [InlineData("DELETE FROM audit WHERE id = 2", "an entry of the audit cannot be removed")]
    [InlineData("DELETE FROM audit", "an entry of the audit cannot be removed")]
    [InlineData("UPDATE audit SET id = 3 WHERE id = 2", "an entry of the audit keeps its number")]
    public async Task Schema_refuses_to_remove_or_renumber_an_entry(string statement, string fault)
    {
        await Filled(2, n => World.Entry($"e{n}"));
        using var outside = world.Outside();
        Assert.Contains(fault, Assert.ThrowsAny<DbException>(() => Run(outside, statement)).Message, StringComparison.Ordinal);
        Assert.Equal(["e0", "e1"], world.Committed());
    }

    /// <summary>The pages of every wish, in both orders, against a plain look at all entries.</summary>
    [Fact]
    public async Task Pages_of_any_filter_miss_and_repeat_nothing()
    {
        var dice = new Dice(7);
        var all = new List<AuditEntry>();
        await Filled(6500, n =>
        {
            all.Add(World.Entry(dice.Throw(60) == 0 ? "rare.one" : dice.Throw(2) == 0 ? "certificate.issued" : "role.updated") with
            {
                Seq = n + 1,
                Time = World.Now.AddSeconds(n == 3000 ? -5000 : n),
                User = dice.Throw(3) == 0 ? "alice" : null,
                Account = dice.Throw(2) == 0 ? "bob" : "root",
                Request = dice.Throw(50) == 0 ? "r" : null,
            });
            return all[^1] with { Seq = null };
        });
        NamePattern[] rare = [NamePattern.TryParse("rare.*", out _)!];
        foreach (var oldestFirst in (bool[])[true, false])
            foreach (var (user, request) in ((string?, string?)[])[(null, null), ("alice", null), (null, "r"), ("alice", "r"), ("nobody", null)])
                foreach (var (since, until) in ((int?, int?)[])[(null, null), (6000, null), (null, 700), (100, 200), (9000, null)])
                    foreach (var (events, account) in ((NamePattern[], string?)[])[([], null), (rare, null), ([], "bob"), (rare, "nobody")])
                    {
                        var wish = new AuditWish(user, request, since is { } s ? World.Now.AddSeconds(s) : null, until is { } u ? World.Now.AddSeconds(u) : null)
                        {
                            Events = [.. events],
                            Account = account,
                            OldestFirst = oldestFirst,
                        };
                        var expected = all.Where(entry => (user is null || entry.User == user) && (request is null || entry.Request == request) && wish.Lets(entry)
                            && !(wish.Since > entry.Time)).Select(entry => entry.Seq);
                        var found = new List<long?>();
                        long? after = null;
                        for (var more = true; more;)
                        {
                            var piece = world.Database.Read(snapshot => snapshot.ReadAudit(wish, 700, after));
                            Assert.InRange(piece.Entries.Count, 0, 700);
                            found.AddRange(piece.Entries.Select(entry => entry.Seq));
                            (more, after) = (piece.HasMore, piece.Position);
                        }
                        Assert.Equal(oldestFirst ? expected : expected.Reverse(), found);
                        // Whoever goes on from there later gets what was not there yet, and nothing again.
                        if (oldestFirst)
                            Assert.Equal(all.Count, after);
                    }
    }

    [Fact]
    public async Task Filter_without_an_index_skips_a_bounded_number()
    {
        await Filled(12_000, n => World.Entry("a"));
        var wish = new AuditWish { Account = "nobody", OldestFirst = true };
        Assert.Equal([(0, 5000, true), (0, 10_000, true), (0, 12_000, false)], from after in (long?[])[null, 5000, 10_000] select Piece(after));

        (int, long, bool) Piece(long? after) => world.Database.Read(snapshot => snapshot.ReadAudit(wish, 100, after)) is var piece ? (piece.Entries.Count, piece.Position, piece.HasMore) : default;
    }

    public Task InitializeAsync() => Task.CompletedTask;

    private Task<bool> Filled(int count, Func<int, AuditEntry> entry) => world.Database.Commit(transaction =>
    {
        for (var n = 0; n < count; n++)
            transaction.Audit(entry(n));
        return true;
    });

    public async Task DisposeAsync() => await world.DisposeAsync();

    private static void Insert(DbConnection connection, AuditEntry entry)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO audit (time, event, user, request, entry) VALUES ($1, $2, $3, $4, $5)";
        var values = new object?[] { entry.Time.ToUnixTimeSeconds(), entry.Event, entry.User, entry.Request, JsonSerializer.SerializeToUtf8Bytes(entry, ProtocolJson.Strict.Of<AuditEntry>()) };
        for (var n = 0; n < values.Length; n++)
            command.Add(values[n]);
        command.ExecuteNonQuery();
    }

    private static void Run(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
