using System.Buffers.Binary;
using System.Data.Common;
using System.Reflection;
using CertAuthority.Access.Users;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CertAuthority.Store;

/// <summary>A database in a file, which SQLite reads and writes in this process.</summary>
/// <param name="path">The file; it is created if it does not exist.</param>
/// <param name="log">Gets a line when the room that is reserved on the disk runs out.</param>
internal sealed class Sqlite(string path, ILogger log) : Engine
{
    private const string Schema =
        "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name)";

    private static readonly Lazy<string> OurSchema = new(() =>
    {
        using var ours = Connection(":memory:", SqliteOpenMode.Memory);
        ours.Open();
        Migrations().ForEach(migration => Run(ours, migration));
        return Text(ours, Schema);
    });

    // A file of at most this size is read whole before it is used, which takes less than half a second.
    private const long CheckedAtOnce = 32 << 20;

    // The tables that grow for as long as the daemon is used. The others are read before the file is used, however large it is.
    private static readonly string[] History =
    [
        "certificates", "certificate_requests", "requests", "request_roles", "request_nodes", "reviews", "audit", "audit_requests", "host_certificates",
        "sync_certificates",
    ];

    // "CeAu": distinguishes our files from those of other programs.
    private const int ApplicationId = 0x43654175;

    private Reserve? reserve;

    public override string Name => path;

    public override string Setting => $"sqlite:{path}";

    // A lock beside the file keeps other daemons away.
    public override TimeSpan? Heartbeat => null;

    public override string Folder => Path.GetDirectoryName(path)!;

    // Each has its own view of the file, and descriptors are the only bound.
    public override int MostReaders => int.MaxValue;

    public override string BeginReading => "BEGIN";

    public override string Mend(UnreadableResourceException row) =>
        $"sqlite3 {path} \"UPDATE {row.Kind}s SET resource = replace(resource, 'WRONG', 'RIGHT') WHERE name = '{row.Name}'\"";

    public override bool HasRoom => reserve!.IsWhole;

    public override bool KeepRoom() => reserve!.TopUp();

    public override Problem? NoCopy => null;

    public override bool IsShared => false;

    public override Realm Realm => Realm.First;

    public override bool HasRealm(Session reader, string name) => false;

    public override string? Leader(Session reader) => null;

    public override (DaemonOnRecord[] Daemons, ReplicationStatus Replication)? Daemons(Session reader) => null;

    public override bool IsFollowed(Session reader) => false;

    public override string? RecordsList => null;

    public override bool TryTakeTurn() => true;

    public override Task TakeTurn(Func<string?> obstacle, Action<string> waiting, CancellationToken stopping) => Task.CompletedTask;

    public override DbConnection OpenWriter()
    {
        // A process that was killed while it made a backup leaves such a file.
        foreach (var unfinished in Directory.EnumerateFiles(Folder, $"{Path.GetFileName(path)}.backup-*"))
            File.Delete(unfinished);
        var connection = Connection(path, SqliteOpenMode.ReadWriteCreate);
        try
        {
            ExpectOurs(path);
            connection.Open();
            // FULL, because in WAL mode NORMAL loses acknowledged commits when the power fails. MEMORY, so that undoing a savepoint does
            // not depend on room in another directory.
            Run(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY");
            Migrate(connection, path);
            ExpectSound(connection, path);
            reserve = new Reserve(path, log);
            return connection;
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw new StoreException(
                $"{path} cannot be opened as a database: {e.Message}; restore a backup, or move it away to start anew", e);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public override DbConnection OpenReader()
    {
        var connection = Connection(path, SqliteOpenMode.ReadOnly);
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public override bool IsLost(DbConnection connection) => false;

    public override Statement Prepare(DbConnection connection, string sql, int count)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < count; i++)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = $"${i + 1}";
            command.Parameters.Add(parameter);
        }
        return new Statement(command, [.. Enumerable.Range(0, count)]);
    }

    public override bool IsMigrated(DbConnection connection) => Number(connection, "PRAGMA user_version") == Migrations().Count;

    public override Engine Copy(string copy, Action<DbConnection> finish)
    {
        using (var source = OpenReader())
            Run(source, $"VACUUM INTO '{copy.Replace("'", "''", StringComparison.Ordinal)}'");
        // Opened in this way, it remains a single file without a log next to it.
        using var made = Connection(copy, SqliteOpenMode.ReadWrite);
        made.Open();
        finish(made);
        return new Sqlite(copy, log);
    }

    public override void BeginWriting(Session writer, IReadOnlyCollection<Question>? ahead) =>
        writer.Bind("BEGIN IMMEDIATE").ExecuteNonQuery();

    public override Problem? Obstacle { get; protected set; }

    public override CommitOutcome Commit(Session writer, out Exception? error)
    {
        try
        {
            writer.Bind("COMMIT").ExecuteNonQuery();
            error = null;
            return CommitOutcome.Kept;
        }
        catch (DbException e)
        {
            error = e;
            // The disk was full, and SQLite has rolled back.
            return e is SqliteException { SqliteErrorCode: raw.SQLITE_FULL or raw.SQLITE_BUSY } && IsRolledBack(writer.Connection)
                ? CommitOutcome.Undone : CommitOutcome.Unknown;
        }
    }

    public override void RollBack(Session writer)
    {
        if (!IsRolledBack(writer.Connection))
            writer.Bind("ROLLBACK").ExecuteNonQuery();
    }

    // Some errors (SQLITE_FULL, SQLITE_IOERR) roll everything back on their own.
    public override bool IsRolledBack(DbConnection connection) =>
        raw.sqlite3_get_autocommit(((SqliteConnection)connection).Handle) != 0;

    public override bool IsConstraint(DbException error) => error is SqliteException { SqliteErrorCode: raw.SQLITE_CONSTRAINT };

    public override bool IsDamage(DbException error) =>
        error is SqliteException { SqliteErrorCode: raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_IOERR };

    public override long Length(Session reader) =>
        new[] { path, $"{path}-wal" }.Select(file => new FileInfo(file)).Where(file => file.Exists).Sum(file => file.Length);

    public override void Dispose() => reserve?.Dispose();

    private static SqliteConnection Connection(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 5 }.ToString());
        // Migration 14 calls this function.
        connection.CreateFunction("signature_key", (byte[] toBeSigned) => SignatureKeyOf(toBeSigned), isDeterministic: true);
        // Migration 18 calls this function.
        connection.CreateFunction(
            "resource_row",
            (string kind, string name, string text, string? fromGroups) => ResourceText17.Row(kind, name, text, fromGroups),
            isDeterministic: true);
        return connection;
    }

    private static byte[]? SignatureKeyOf(byte[] toBeSigned)
    {
        try
        {
            return CertificateBody.Parse(toBeSigned).SignatureKey.ToBlob();
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    /// <summary>Checks the file without changing it: opening it the usual way would add a log to another program's file.</summary>
    private static void ExpectOurs(string path)
    {
        if (!File.Exists(path) || IsUnfinished(path))
            return;
        // This ignores the log next to the file, so our own file, killed at its first start, looks empty like a new one.
        var file = $"file:{Uri.EscapeDataString(Path.GetFullPath(path)).Replace("%2F", "/", StringComparison.Ordinal)}?immutable=1";
        using var untouched = Connection(file, SqliteOpenMode.ReadOnly);
        untouched.Open();
        ExpectOurs(untouched, path);
    }

    /// <summary>
    /// Returns whether the file's header is ours and it has a log next to it. After a full disk or a kill, the file may then be only half
    /// of a database whose other half is in the log, and looks damaged on its own.
    /// </summary>
    private static bool IsUnfinished(string path)
    {
        const int applicationIdAt = 68;
        Span<byte> header = stackalloc byte[applicationIdAt + sizeof(int)];
        if (!File.Exists($"{path}-wal") || new FileInfo($"{path}-wal").Length == 0)
            return false;
        using var file = File.OpenRead(path);
        return file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length
            && BinaryPrimitives.ReadInt32BigEndian(header[applicationIdAt..]) == ApplicationId;
    }

    private static void ExpectOurs(DbConnection connection, string path)
    {
        var application = Number(connection, "PRAGMA application_id");
        if (application != ApplicationId
            && (application != 0 || Number(connection, "PRAGMA user_version") != 0
                || Number(connection, "SELECT count(*) FROM sqlite_schema") != 0))
            throw new StoreException($"{path} is a database, but not one of certauthority; move it away or name another data directory");
    }

    private static void Migrate(DbConnection connection, string path)
    {
        ExpectOurs(connection, path);
        var version = Number(connection, "PRAGMA user_version");
        var migrations = Migrations();
        if (version > migrations.Count)
            throw new StoreException(
                $"{path} was written by a newer certauthority (schema {version}, this one knows {migrations.Count}); install that version or a later one");
        for (var next = (int)version; next < migrations.Count; next++)
            Run(
                connection,
                $"BEGIN IMMEDIATE; {migrations[next]}; PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {next + 1}; COMMIT");
    }

    public override void CheckRest(CancellationToken stopping)
    {
        if (!IsLarge(path))
            return;
        try
        {
            using var connection = OpenReader();
            using var interrupt = stopping.Register(() => raw.sqlite3_interrupt(((SqliteConnection)connection).Handle));
            // One table after the other: the log cannot shrink while a snapshot is read.
            foreach (var table in Tables(connection))
                ExpectSound(connection, path, $"'{table}'");
        }
        catch (Exception e) when (stopping.IsCancellationRequested)
        {
            throw new OperationCanceledException("the check was interrupted", e, stopping);
        }
        catch (Exception e) when (e is StoreException or SqliteException { SqliteErrorCode: raw.SQLITE_CORRUPT or raw.SQLITE_IOERR })
        {
            File.WriteAllText(MarkOfDamage(path), "");
            throw e as StoreException ?? Damaged(path, e.Message);
        }
        catch (SqliteException e)
        {
            throw new IOException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static void ExpectSound(DbConnection connection, string path)
    {
        if (Text(connection, Schema) != OurSchema.Value)
            throw Damaged(path, "its tables are not those that certauthority makes");
        var mark = MarkOfDamage(path);
        if (!IsLarge(path) || File.Exists(mark))
        {
            // Reads every page once; a broken index could hide revoked certificates.
            ExpectSound(connection, path, "1");
            File.Delete(mark);
        }
        else
            foreach (var table in Tables(connection).Except(History, StringComparer.Ordinal))
                ExpectSound(connection, path, $"'{table}'");
    }

    /// <param name="connection">The connection to use.</param>
    /// <param name="path">The path of the file, for the message.</param>
    /// <param name="what">The name of a table in quotes, or 1 for the whole file.</param>
    private static void ExpectSound(DbConnection connection, string path, string what)
    {
        if (Text(connection, $"PRAGMA integrity_check({what})") is not "ok" and var damage)
            throw Damaged(path, damage.ReplaceLineEndings(" "));
    }

    private static StoreException Damaged(string path, string how) => new($"{path} is damaged: {how}; restore a backup");

    private static string MarkOfDamage(string path) => $"{path}.damaged";

    private static bool IsLarge(string path) => new FileInfo(path) is { Exists: true, Length: > CheckedAtOnce };

    private static List<string> Tables(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
        using var rows = command.ExecuteReader();
        var tables = new List<string>();
        while (rows.Read())
            tables.Add(rows.GetString(0));
        return tables;
    }

    // 0001.sql, 0002.sql, …: the number is the schema version that the migration produces.
    private static List<string> Migrations()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return [
            .. assembly.GetManifestResourceNames()
                .Where(name => char.IsAsciiDigit(name[0]) && name.EndsWith(".sql", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal).Select(name =>
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return reader.ReadToEnd();
        })];
    }

    private static void Run(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static long Number(DbConnection connection, string sql) => (long)Scalar(connection, sql);

    private static string Text(DbConnection connection, string sql) => (string)Scalar(connection, sql);

    private static object Scalar(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar()!;
    }
}
