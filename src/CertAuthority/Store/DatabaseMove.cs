using System.Data.Common;
using System.Diagnostics;

namespace CertAuthority.Store;

/// <summary>
/// Moves the content of a database file to an empty database on a server. Everything is copied in one transaction, and compared row by row
/// before it ends. Until the file has the mark of the move too, the copy does not count: so whatever happens, one of the two is in use.
/// </summary>
/// <param name="source">The file, which nobody else uses.</param>
/// <param name="target">The database on the server.</param>
/// <param name="move">This attempt.</param>
/// <param name="say">Gets a line about the progress, every few seconds.</param>
internal sealed class DatabaseMove(Sqlite source, Postgres target, Moved move, Action<string> say)
{
    private const string OwnTable = "moved";
    private const int LookEvery = 1000;

    private static readonly TimeSpan TellAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);

    // What the schema of the server puts there.
    private static readonly string[] NeverEmpty = ["policy", "disk", "audit_archive", "installation"];

    private readonly long begun = Stopwatch.GetTimestamp();
    private TimeSpan told = TellAfter - TellEvery;

    /// <summary>Copies and compares everything, and ends the use of the file.</summary>
    /// <param name="check">Checks the copy before it is kept; returns what is wrong, in words, or null.</param>
    /// <param name="mark">Marks the file with the move, so that no daemon starts on it. From then on, the copy counts.</param>
    /// <returns>The number of rows of each table.</returns>
    /// <exception cref="StoreException">
    /// The server cannot be used, is not empty, or does not have what the file has. Nothing of the copy is kept, or it does not count.
    /// </exception>
    public async Task<IReadOnlyDictionary<string, long>> Run(Func<Snapshot, string?> check, Func<Task> mark)
    {
        using var file = source.OpenReader();
        SortedDictionary<string, long> rows;
        try
        {
            Execute(file, "BEGIN");
            var tables = TableShape.Of(file).FindAll(table => table.Name != OwnTable);
            rows = new(
                tables.ToDictionary(table => table.Name, table => Number(file, $"SELECT count(*) FROM {table.Quoted}")),
                StringComparer.Ordinal);
            // Before the daemon's schema is made there, and again when nobody else can write there.
            using (var other = target.OpenReader())
                ExpectEmpty(other, tables);
            InTransaction((server, transaction) =>
            {
                ExpectEmpty(server, tables);
                transaction.RecordMove(move);
            });
            InTransaction((server, transaction) =>
            {
                if (Texts(server, "SELECT id FROM moved") is not [var id] || id != move.Id)
                    throw new StoreException($"another certauthority has worked on {target.Name} since; nothing was moved");
                Copy(file, server, tables, rows.Values.Sum());
                if ((Difference(file, server, tables, rows.Values.Sum()) ?? check(transaction)) is { } fault)
                    throw Wrong(fault);
            });
        }
        catch (Exception e) when (e is DbException or IOException or TimeoutException or TakenOverException or InvalidOperationException)
        {
            throw new StoreException(
                $"{source.Name} cannot be moved to {target.Name}: {e.Message}; nothing was moved, and the file is in use as before", e);
        }
        await mark();
        Finish();
        return rows;
    }

    /// <summary>Finds the first difference between what the tables of two databases contain.</summary>
    /// <returns>The difference, in words; null if there is none.</returns>
    public string? Difference(DbConnection file, DbConnection server, IReadOnlyList<TableShape> tables, long total)
    {
        var compared = 0L;
        foreach (var table in tables)
        {
            using var leftCommand = Command(file, table.Rows);
            using var rightCommand = Command(server, table.Rows);
            using var left = leftCommand.ExecuteReader();
            using var right = rightCommand.ExecuteReader();
            while (true)
            {
                var (mine, its) = (left.Read() ? table.Values(left) : null, right.Read() ? table.Values(right) : null);
                if (mine is null && its is null)
                    break;
                if (mine is null || its is null)
                    return $"the table {table.Name} has a row with the {table.KeyOf((mine ?? its)!)} only {(mine is null ? "there" : "in the file")}";
                for (var n = 0; n < mine.Length; n++)
                    if (!AreSame(mine[n], its[n]))
                        return $"the table {table.Name} differs in the row with the {table.KeyOf(mine)}, column {table.Columns[n].Name}";
                Tell("compared", ++compared, total, table);
            }
        }
        return null;
    }

    private static bool AreSame(object? one, object? other) =>
        (one, other) switch
        {
            (byte[] left, byte[] right) => left.AsSpan().SequenceEqual(right),
            _ => Equals(one, other),
        };

    private StoreException Wrong(string fault) =>
        new($"the copy in {target.Name} is not what {source.Name} has, so nothing was moved: {fault}");

    private void Copy(DbConnection file, DbConnection server, List<TableShape> tables, long total)
    {
        var all = string.Join(", ", tables.Select(table => table.Quoted));
        // What an attempt left that did not come to its end, and what the schema put there.
        Execute(server, $"TRUNCATE {all}");
        // They keep what a change needs to keep, and here nothing changes.
        var guarded = Texts(
            server,
            "SELECT DISTINCT c.relname::text FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid "
                + "WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal");
        guarded.ForEach(table => Execute(server, $"ALTER TABLE \"{table}\" DISABLE TRIGGER USER"));
        var copied = 0L;
        foreach (var table in tables)
            Postgres.Import(server, table, Rows(table));
        // Numbers that were used are not used again, although their rows are gone.
        foreach (var column in Texts(
            server,
            "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'"))
        {
            var (table, name) = (column.Split('.')[0], column.Split('.')[1]);
            if (Number(file, $"SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0)") is > 0 and var last)
                Execute(server, $"SELECT setval(pg_get_serial_sequence('{table}', '{name}'), {last})");
        }
        guarded.ForEach(table => Execute(server, $"ALTER TABLE \"{table}\" ENABLE TRIGGER USER"));
        Execute(server, $"ANALYZE {all}");

        IEnumerable<object?[]> Rows(TableShape table)
        {
            using var command = Command(file, table.Rows);
            using var rows = command.ExecuteReader();
            while (rows.Read())
            {
                var values = table.Values(rows);
                table.ExpectText(values);
                yield return values;
                Tell("copied", ++copied, total, table);
            }
        }
    }

    /// <summary>Checks that the server has no records, except for a copy of this file that does not count.</summary>
    private void ExpectEmpty(DbConnection server, List<TableShape> tables)
    {
        var there = Texts(server, "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()");
        var full = tables.Find(table => there.Contains(table.Name) && !NeverEmpty.Contains(table.Name) && Count(table) > 0);
        if (full is null)
            return;
        if (!there.Contains(OwnTable) || Texts(server, "SELECT source FROM moved") is not [var other])
            throw new StoreException(
                $"{target.Name} is in use: its table {full.Name} has {Count(full)} row{(Count(full) == 1 ? "" : "s")}; name an empty database");
        if (other != move.Source)
            throw new StoreException($"{target.Name} has a copy of {other}, whose move is not finished; finish it, or name an empty database");

        long Count(TableShape table) => Number(server, $"SELECT count(*) FROM {table.Quoted}");
    }

    /// <summary>Commits a change. A connection that was lost before is opened again.</summary>
    private void InTransaction(Action<DbConnection, Transaction> change)
    {
        using var server = new Session(target.Prepare, target.OpenWriter(), new PolicyCache(), _ => { });
        target.BeginWriting(server, ahead: null);
        // Sorting the rows of the file can keep the server waiting, and no other daemon waits for it.
        server.Bind("SET LOCAL idle_in_transaction_session_timeout = '10min'").ExecuteNonQuery();
        try
        {
            change(server.Connection, new Transaction(server));
        }
        catch
        {
            target.RollBack(server);
            throw;
        }
        switch (target.Commit(server, out var error))
        {
            case CommitOutcome.Undone:
                throw new StoreException(
                    $"{source.Name} cannot be moved to {target.Name}: {error!.Message}; nothing was moved, and the file is in use as before", error);
            case CommitOutcome.Unknown:
                throw new StoreException(
                    $"whether {target.Name} kept the copy is not known: {error!.Message}; the copy does not count, and the file is in use as before: move it again", error);
            default:
                break;
        }
    }

    // The file decides that the copy counts; a daemon that starts on the copy does this too.
    private void Finish()
    {
        try
        {
            InTransaction((_, transaction) => transaction.RemoveMove());
        }
        catch (Exception e) when (e is DbException or IOException or TimeoutException or TakenOverException or StoreException)
        {
            say($"the mark of the move is still in {target.Name}, and the next start removes it: {e.Message}");
        }
    }

    private void Tell(string what, long done, long total, TableShape table)
    {
        if (done % LookEvery != 0 || Stopwatch.GetElapsedTime(begun) - told < TellEvery)
            return;
        told = Stopwatch.GetElapsedTime(begun);
        say($"{what} {done} of {total} rows, now those of the table {table.Name}");
    }

    private static DbCommand Command(DbConnection connection, string sql)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }

    private static void Execute(DbConnection connection, string sql)
    {
        using var command = Command(connection, sql);
        command.ExecuteNonQuery();
    }

    private static long Number(DbConnection connection, string sql)
    {
        using var command = Command(connection, sql);
        return (long)command.ExecuteScalar()!;
    }

    private static List<string> Texts(DbConnection connection, string sql)
    {
        using var command = Command(connection, sql);
        using var rows = command.ExecuteReader();
        var found = new List<string>();
        while (rows.Read())
            found.Add(rows.GetString(0));
        return found;
    }
}
