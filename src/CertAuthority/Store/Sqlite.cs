using System.Buffers.Binary;
using System.Data.Common;
using System.Reflection;
using CertAuthority.OpenSsh;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace CertAuthority.Store;

/// <summary>The database file cannot be used. The message says why and what to do.</summary>
internal sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Everything that is particular to SQLite. The rest of the store speaks System.Data.Common and plain SQL.</summary>
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

    // "CeAu": tells our files from other people's.
    private const int ApplicationId = 0x43654175;

    /// <summary>Opens the one connection that writes, and brings the schema up to date.</summary>
    /// <exception cref="StoreException">The file is damaged, somebody else's, or from a newer version.</exception>
    public static DbConnection OpenWriter(string path)
    {
        var connection = Connection(path, SqliteOpenMode.ReadWriteCreate);
        try
        {
            ExpectOurs(path);
            connection.Open();
            // FULL: in WAL mode NORMAL loses acknowledged commits when the power goes.
            // MEMORY: what savepoints may have to undo does not depend on room in another directory.
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
    /// Whether the tables are those of this version. A file of an earlier version becomes one of this version when the daemon opens it.
    /// </summary>
    public static bool IsMigrated(DbConnection connection) => Number(connection, "PRAGMA user_version") == Migrations().Count;

    /// <summary>Writes a copy as of one moment into a new file, without waiting for the writer or holding it up.</summary>
    public static void Copy(string path, string copy)
    {
        using var source = OpenReader(path);
        Run(source, $"VACUUM INTO '{copy.Replace("'", "''", StringComparison.Ordinal)}'");
    }

    /// <summary>
    /// Opens the file of a <see cref="Copy"/> to write to it. It stays one file: nothing of it goes into a log beside it.
    /// </summary>
    public static DbConnection OpenCopy(string copy)
    {
        var connection = Connection(copy, SqliteOpenMode.ReadWrite);
        connection.Open();
        return connection;
    }

    /// <summary>
    /// Whether no transaction is open any more: some errors (SQLITE_FULL, SQLITE_IOERR) roll everything back on their own.
    /// </summary>
    public static bool IsRolledBack(DbConnection connection) => raw.sqlite3_get_autocommit(((SqliteConnection)connection).Handle) != 0;

    /// <summary>Whether an error broke a rule of the schema only, and the transaction around it is sound.</summary>
    public static bool IsConstraint(DbException error) => error is SqliteException { SqliteErrorCode: raw.SQLITE_CONSTRAINT };

    /// <summary>Whether an error at COMMIT certainly left nothing behind: the disk was full, and SQLite has rolled back.</summary>
    public static bool IsHarmlessAtCommit(DbException error, DbConnection connection) =>
        error is SqliteException { SqliteErrorCode: raw.SQLITE_FULL or raw.SQLITE_BUSY } && IsRolledBack(connection);

    private static SqliteConnection Connection(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 5 }.ToString());
        // Migration 14 asks for it.
        connection.CreateFunction("signature_key", (byte[] toBeSigned) => SignatureKeyOf(toBeSigned), isDeterministic: true);
        // And this one by migration 18.
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
            return Certificate.SignatureKeyOf(toBeSigned).ToBlob();
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    /// <summary>
    /// Looks without leaving a trace: opened in the usual way, somebody else's file would become one with a log beside it.
    /// </summary>
    private static void ExpectOurs(string path)
    {
        if (!File.Exists(path) || IsUnfinished(path))
            return;
        // What a log beside the file has is not seen, so one of ours that was killed at its first start looks empty, as a new one does.
        var file = $"file:{Uri.EscapeDataString(Path.GetFullPath(path)).Replace("%2F", "/", StringComparison.Ordinal)}?immutable=1";
        using var untouched = Connection(file, SqliteOpenMode.ReadOnly);
        untouched.Open();
        ExpectOurs(untouched, path);
    }

    /// <summary>
    /// Whether the file is ours by its header and has a log beside it. Then it may be the half of a database whose other half is in the
    /// log, as a full disk
    /// or a kill leaves it, and looks damaged to whoever looks at it alone.
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

    private static void ExpectSound(DbConnection connection, string path)
    {
        // Reads every page once; a broken index could hide what is revoked.
        if (Text(connection, "PRAGMA integrity_check(1)") is not "ok" and var damage)
            throw new StoreException($"{path} is damaged: {damage.ReplaceLineEndings(" ")}; restore a backup");
        if (Text(connection, Schema) != OurSchema.Value)
            throw new StoreException($"{path} is damaged: its tables are not those that certauthority makes; restore a backup");
    }

    // 0001.sql, 0002.sql, …: the number is the schema version that it leads to.
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
