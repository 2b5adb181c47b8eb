using System.Data.Common;
using CertAuthority.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>Everything in a database file arrives on the server, or nothing counts.</summary>
public sealed class DatabaseMoveTests : IAsyncLifetime, IDisposable
{
    // What the schema demands of these columns, in the first row and in the second.
    private static readonly Dictionary<string, string[]> Demanded = new(StringComparer.Ordinal)
    {
        ["policy.one"] = ["1"],
        ["shared_settings.one"] = ["1"],
        ["backup.one"] = ["1"],
        ["audit_tree.one"] = ["1"],
        ["audit_archive.one"] = ["1"],
        ["published_list.one"] = ["1"],
        ["clock.id"] = ["1"],
        ["requests.state"] = ["'PENDING'", "'DENIED'"],
        ["requests.clock"] = ["'creation'", "'approval'"],
        ["reviews.decision"] = ["'APPROVED'", "'DENIED'"],
        ["users.resource"] = ["'{\"roles\":[\"other\"]}'", "'{}'"],
        ["lost_serials.last"] = ["9223372036854775807", "9223372036854775807"],
    };

    private readonly TemporaryFolder folder = new();
    private readonly List<string> said = [];
    private Sqlite file = null!;
    private Database database = null!;

    private string Path => folder.File("records.db");

    private string Target => folder.File("certauthority.db");

    public Task InitializeAsync()
    {
        file = new Sqlite(Path, NullLogger.Instance);
        database = Database.Open(file, NullLogger.Instance);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    public void Dispose() => folder.Dispose();

    [PostgresFact]
    public async Task Every_table_of_the_schema_arrives_with_every_row()
    {
        Fill();
        var rows = await Move();

        using var left = Left();
        using var right = TestStore.Outside(Target);
        var tables = Texts(left, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'moved' ORDER BY name");
        Assert.True(tables.Count > 40);
        Assert.Equal(tables, rows.Keys);
        foreach (var table in tables)
        {
            var expected = Rows(left, table);
            Assert.True(expected.Count > 0, $"no row was put into {table}");
            Assert.Equal(expected, Rows(right, table));
            Assert.Equal(expected.Count, rows[table]);
        }
        Assert.Empty(Texts(right, "SELECT id FROM moved"));
    }

    [PostgresFact]
    public async Task Triggers_change_nothing_and_work_afterwards()
    {
        Fill();
        await Move();
        using var right = TestStore.Outside(Target);
        Assert.Equal(["O"], Texts(right, "SELECT DISTINCT tgenabled::text FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)"));
        Assert.Equal(["7"], Texts(right, "SELECT accounts::text FROM policy"));
        Assert.Contains("cannot be removed", Assert.ThrowsAny<DbException>(() => Run(right, "DELETE FROM audit")).Message, StringComparison.Ordinal);
        Run(right, "INSERT INTO users (id, name, revision, resource) VALUES ('new', 'new', 1, '{\"roles\":[\"dba\"]}')");
        Assert.Equal(["dba"], Texts(right, "SELECT role FROM user_roles WHERE user_id = 'new'"));
    }

    [PostgresFact]
    public async Task Numbers_of_removed_rows_are_not_used_again()
    {
        Fill();
        using (var left = Left())
            Run(left, "DELETE FROM outbox; UPDATE sqlite_sequence SET seq = 4711 WHERE name = 'outbox'");
        await Move();
        using var right = TestStore.Outside(Target);
        Assert.Equal(["4712"], Texts(right, "INSERT INTO outbox (receiver, event, attempts, next_at) SELECT name, '', 0, 0 FROM receivers LIMIT 1 RETURNING number::text"));
        Assert.Equal(["9"], Texts(right, "INSERT INTO access_reviews (started, started_by, sha256, position) VALUES (1, '', '', 1) RETURNING number::text"));
    }

    /// <summary>The tables come from the schema of the file, so that one of a later version is not forgotten.</summary>
    [PostgresFact]
    public async Task Table_of_a_later_version_is_moved_or_refused()
    {
        using (var left = Left())
            Run(left, "CREATE TABLE later (id INTEGER PRIMARY KEY, what BLOB) STRICT; INSERT INTO later VALUES (1, x'00ff')");
        var refused = await Assert.ThrowsAsync<StoreException>(() => Move());
        Assert.Contains("later", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("nothing was moved, and the file is in use as before", refused.Message, StringComparison.Ordinal);

        using var right = TestStore.Outside(Target);
        Run(right, "CREATE TABLE later (id BIGINT PRIMARY KEY, what BYTEA)");
        Assert.Equal(1, (await Move())["later"]);
        Assert.Equal([@"\x00ff"], Texts(right, "SELECT what::text FROM later"));
    }

    [PostgresTheory]
    [InlineData("UPDATE users SET name = 'z' WHERE name = 'a'", "the table users differs in the row with the id a, column name")]
    [InlineData("UPDATE certificates SET issued = issued + 1 WHERE serial = 8", "the table certificates differs in the row with the serial 8, column issued")]
    [InlineData("UPDATE certificates SET revoked = NULL WHERE serial = 7", "the table certificates differs in the row with the serial 7, column revoked")]
    [InlineData("UPDATE audit SET entry = '\\x00' WHERE id = 7", "the table audit differs in the row with the id 7, column entry")]
    [InlineData("DELETE FROM node_trust WHERE node_id = 'b'", "the table node_trust has a row with the node_id b, purpose b only in the file")]
    [InlineData("INSERT INTO owed_withdrawals VALUES ('c', 1)", "the table owed_withdrawals has a row with the id c only there")]
    [InlineData("UPDATE disk SET told_low = 2", "the table disk differs in the row with the told_low 0, column told_low")]
    public async Task Difference_is_found_and_named(string change, string fault)
    {
        Fill();
        await Move();
        using var left = Left();
        using var right = TestStore.Outside(Target);
        var tables = TableShape.Of(left).FindAll(table => table.Name != "moved");
        using var target = (Postgres)TestStore.At(Target);
        var move = new DatabaseMove(file, target, NewMove(target), said.Add);
        Assert.Null(move.Difference(left, right, tables, 0));
        Run(right, change);
        Assert.Equal(fault, move.Difference(left, right, tables, 0));
    }

    /// <summary>The column of the server changes what it is given.</summary>
    [PostgresFact]
    public async Task Copy_that_is_not_the_same_is_not_kept()
    {
        Fill();
        await using (TestStore.Open(Target))
        {
        }
        using var right = TestStore.Outside(Target);
        Run(right, "ALTER TABLE installation ALTER COLUMN id TYPE char(40)");
        var refused = await Assert.ThrowsAsync<StoreException>(() => Move());
        Assert.EndsWith("so nothing was moved: the table installation differs in the row with the id a, column id", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["0"], Texts(right, "SELECT count(*)::text FROM users"));
        Assert.Null(database.Read(snapshot => snapshot.Moved()));
    }

    [PostgresFact]
    public async Task Copy_that_the_check_refuses_is_not_kept()
    {
        Fill();
        var refused = await Assert.ThrowsAsync<StoreException>(() => Move(check: copy => copy.LastAudit() == 8 ? "the audit is odd" : null));
        Assert.EndsWith("so nothing was moved: the audit is odd", refused.Message, StringComparison.Ordinal);
        using var right = TestStore.Outside(Target);
        Assert.Equal(["0"], Texts(right, "SELECT count(*)::text FROM users"));
        Assert.Null(database.Read(snapshot => snapshot.Moved()));
    }

    [PostgresFact]
    public async Task Move_that_ended_before_the_mark_starts_over()
    {
        Fill();
        await Assert.ThrowsAsync<NotSupportedException>(() => Move(mark: _ => throw new NotSupportedException()));
        using var right = TestStore.Outside(Target);
        Assert.Equal([Path], Texts(right, "SELECT source FROM moved"));
        using (var left = Left())
            Run(left, "UPDATE users SET name = 'changed since' WHERE name = 'a'");
        await Move();
        Assert.Equal(["b", "changed since"], Texts(right, "SELECT name FROM users ORDER BY name"));
        Assert.Empty(Texts(right, "SELECT source FROM moved"));
    }

    [PostgresFact]
    public async Task Copy_of_another_file_is_left_alone()
    {
        Fill();
        await Assert.ThrowsAsync<NotSupportedException>(() => Move(mark: _ => throw new NotSupportedException()));
        using var right = TestStore.Outside(Target);
        Run(right, "UPDATE moved SET source = '/srv/other.db'");
        var refused = await Assert.ThrowsAsync<StoreException>(() => Move());
        Assert.EndsWith(" has a copy of /srv/other.db, whose move is not finished; finish it, or name an empty database", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["2"], Texts(right, "SELECT count(*)::text FROM users"));
    }

    [PostgresFact]
    public async Task Database_in_use_is_left_alone()
    {
        Fill();
        await using (var used = TestStore.Open(Target))
            await used.Commit(transaction =>
            {
                transaction.Audit(World.Entry("a"));
                return true;
            });
        var refused = await Assert.ThrowsAsync<StoreException>(() => Move());
        Assert.EndsWith(" is in use: its table audit has 1 row; name an empty database", refused.Message, StringComparison.Ordinal);
        using var right = TestStore.Outside(Target);
        Assert.Equal(["0"], Texts(right, "SELECT count(*)::text FROM users"));
        Assert.Empty(Texts(right, "SELECT source FROM moved"));
    }

    [PostgresTheory]
    [InlineData("x'610062'")]
    [InlineData("x'ff'")]
    public async Task Text_that_no_server_stores_is_named(string text)
    {
        Fill();
        using (var left = Left())
            Run(left, $"UPDATE requests SET reason = CAST({text} AS TEXT) WHERE id = 'b'");
        var refused = await Assert.ThrowsAsync<StoreException>(() => Move());
        Assert.Equal("the table requests has a row with the id b whose reason is no text that a server can store: it has a NUL, or is not UTF-8", refused.Message);
    }

    [PostgresFact]
    public async Task Server_that_ends_meanwhile_keeps_nothing()
    {
        Fill();
        using var right = TestStore.Outside(Target);
        var refused = await Assert.ThrowsAsync<StoreException>(() => Move(check: _ =>
        {
            Run(right, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = hashtext(current_schema())::oid");
            return null;
        }));
        Assert.EndsWith("the file is in use as before", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["0"], Texts(right, "SELECT count(*)::text FROM users"));
        await Move();
    }

    private async Task<IReadOnlyDictionary<string, long>> Move(Func<Snapshot, string?>? check = null, Func<Moved, Task>? mark = null)
    {
        using var target = (Postgres)TestStore.At(Target);
        var move = NewMove(target);
        return await new DatabaseMove(file, target, move, said.Add).Run(check ?? (_ => null), () => mark is null ? Task.CompletedTask : mark(move));
    }

    private Moved NewMove(Postgres target) => new($"{Guid.NewGuid():N}", Path, target.Name, World.Now);

    /// <summary>Puts one row into each table that takes one, and two into each that takes more.</summary>
    private void Fill()
    {
        using var left = Left();
        Run(left, "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = OFF; DROP TRIGGER audit_archive_kept; DELETE FROM audit_archive; DELETE FROM installation; DELETE FROM policy");
        foreach (var table in Texts(left, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT IN ('moved', 'disk') ORDER BY name = 'user_roles', name"))
        {
            var columns = Texts(left, $"SELECT name || ' ' || type || ' ' || \"notnull\" || ' ' || pk FROM pragma_table_info('{table}') ORDER BY cid").ConvertAll(column => column.Split(' '));
            for (var n = 0; n < (columns.Exists(column => Demanded.GetValueOrDefault($"{table}.{column[0]}")?.Length == 1) || table is "installation" ? 1 : 2); n++)
                Run(left, $"INSERT INTO {table} ({string.Join(", ", columns.Select(column => $"\"{column[0]}\""))}) VALUES ({string.Join(", ", columns.Select(column => Value(table, column, n)))})");
        }
        Run(left, "UPDATE policy SET accounts = 7; DELETE FROM user_roles WHERE role = 'other'");
    }

    private static string Value(string table, string[] column, int n) => Demanded.TryGetValue($"{table}.{column[0]}", out var values)
        ? values[n]
        : column switch
        {
            // The second row has nothing where nothing may be.
            [_, _, "0", "0"] when n == 1 => "NULL",
            [_, "INTEGER", ..] => n == 0 ? "7" : "8",
            [_, "TEXT", ..] => n == 0 ? "'a'" : "'b'",
            _ => n == 0 ? "x'0001ff'" : "x''",
        };

    private SqliteConnection Left()
    {
        var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        return connection;
    }

    private static List<string> Rows(DbConnection connection, string table)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT * FROM \"{table}\"";
        using var rows = command.ExecuteReader();
        var found = new List<string>();
        var names = Enumerable.Range(0, rows.FieldCount).OrderBy(rows.GetName, StringComparer.Ordinal).ToList();
        while (rows.Read())
            found.Add(string.Join(" | ", names.Select(n => $"{rows.GetName(n)} {(rows.GetValue(n) is byte[] bytes ? Convert.ToHexString(bytes) : rows.IsDBNull(n) ? "NULL" : $"{rows.GetValue(n)}")}")));
        found.Sort(StringComparer.Ordinal);
        return found;
    }

    private static List<string> Texts(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var rows = command.ExecuteReader();
        var found = new List<string>();
        while (rows.Read())
            found.Add(rows.GetString(0));
        return found;
    }

    private static void Run(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
