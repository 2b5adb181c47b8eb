using System.Buffers.Binary;
using System.Data.Common;
using System.Reflection;
using CertAuthority.OpenSsh;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CertAuthority.Store;

/// <summary>The database file cannot be used. The message says why and what to do.</summary>
internal sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Creates the error for a row that cannot be read.</summary>
    /// <param name="table">The name of the table.</param>
    /// <param name="column">The column that identifies the row.</param>
    /// <param name="key">The value of that column.</param>
    /// <param name="why">The fault of the row.</param>
    public static StoreException OfRow(string? table, string? column, object key, Exception why) =>
        new($"the table {table} has a row with the {column} {key} that this certauthority cannot read: {why.Message}", why);
}

/// <summary>Everything that is specific to SQLite. The rest of the store uses System.Data.Common and plain SQL.</summary>
internal static class Sqlite
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

    /// <summary>Opens the only connection that writes, and updates the schema.</summary>
    /// <exception cref="StoreException">The file is damaged, belongs to another program, or comes from a newer version.</exception>
    public static DbConnection OpenWriter(string path)
    {
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

    /// <summary>Opens a connection that only reads.</summary>
    public static DbConnection OpenReader(string path)
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

    /// <summary>
    /// Returns whether the schema is the one of this version. The daemon updates a file of an earlier version when it opens it.
    /// </summary>
    public static bool IsMigrated(DbConnection connection) => Number(connection, "PRAGMA user_version") == Migrations().Count;

    /// <summary>Writes a copy as of one moment to a new file, without waiting for the writer or blocking it.</summary>
    public static void Copy(string path, string copy)
    {
        using var source = OpenReader(path);
        Run(source, $"VACUUM INTO '{copy.Replace("'", "''", StringComparison.Ordinal)}'");
    }

    /// <summary>Opens the file of a <see cref="Copy"/> for writing. It remains a single file without a log next to it.</summary>
    public static DbConnection OpenCopy(string copy)
    {
        var connection = Connection(copy, SqliteOpenMode.ReadWrite);
        connection.Open();
        return connection;
    }

    /// <summary>
    /// Returns whether no transaction is open any more: some errors (SQLITE_FULL, SQLITE_IOERR) roll everything back on their own.
    /// </summary>
    public static bool IsRolledBack(DbConnection connection) => raw.sqlite3_get_autocommit(((SqliteConnection)connection).Handle) != 0;

    /// <summary>Returns whether an error only broke a rule of the schema, so that the transaction around it is still usable.</summary>
    public static bool IsConstraint(DbException error) => error is SqliteException { SqliteErrorCode: raw.SQLITE_CONSTRAINT };

    /// <summary>Returns whether an error at COMMIT certainly left nothing behind: the disk was full, and SQLite has rolled back.</summary>
    public static bool IsHarmlessAtCommit(DbException error, DbConnection connection) =>
        error is SqliteException { SqliteErrorCode: raw.SQLITE_FULL or raw.SQLITE_BUSY } && IsRolledBack(connection);

    /// <summary>Returns whether an error means that pages of the file are damaged or cannot be read.</summary>
    public static bool IsDamage(DbException error) =>
        error is SqliteException { SqliteErrorCode: raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_IOERR };

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

    /// <summary>
    /// Reads the whole of a file that was too large to be read before it was used. A damaged file is marked, so that it is read before the
    /// next start.
    /// </summary>
    /// <exception cref="StoreException">The file is damaged.</exception>
    /// <exception cref="IOException">Something else keeps it from being read now.</exception>
    /// <exception cref="OperationCanceledException">The daemon stops.</exception>
    public static void CheckRest(string path, CancellationToken stopping)
    {
        if (!IsLarge(path))
            return;
        try
        {
            using var connection = OpenReader(path);
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
            .. assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal))
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
