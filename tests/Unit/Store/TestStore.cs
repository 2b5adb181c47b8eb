using System.Data.Common;
using System.Text.RegularExpressions;
using CertAuthority.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>
/// Opens the databases of all tests, on the engine on which the suite runs: SQLite, or with CERTAUTHORITY_TEST_STORE=postgres a PostgreSQL
/// server, which starts with the first database.
/// </summary>
internal static partial class TestStore
{
    /// <summary>Whether the suite runs on PostgreSQL.</summary>
    public static bool IsPostgres { get; } = Environment.GetEnvironmentVariable("CERTAUTHORITY_TEST_STORE") == "postgres";

    private static readonly Lazy<TestPostgres> Server = new(() => TestPostgres.Start());

    /// <summary>Returns the database that belongs to a path; nothing exists at it before the first call.</summary>
    public static Engine At(string path)
    {
        if (!IsPostgres)
            return new Sqlite(path, NullLogger.Instance);
        Server.Value.Create(path);
        return new Postgres(Server.Value.Options(TestPostgres.Schema(path)), null, null, Path.GetDirectoryName(path)!, NullLogger.Instance);
    }

    /// <summary>Opens the database that belongs to a path once more, for a daemon that follows the one that has it open.</summary>
    public static Database OpenBeside(string path) => Database.Open(
        new PostgresFollower(Server.Value.Options(TestPostgres.Schema(path)), null, null, Path.GetDirectoryName(path)!, NullLogger.Instance),
        NullLogger.Instance);

    /// <summary>Opens the database that belongs to a path.</summary>
    public static Database Open(string path, ILogger? log = null) => Database.Open(At(path), log ?? NullLogger.Instance);

    /// <summary>Opens a connection of somebody else's to the database that belongs to a path.</summary>
    public static DbConnection Outside(string path, string mode = "ReadWrite")
    {
        DbConnection connection = IsPostgres
            ? Server.Value.Connection(path) : new SqliteConnection($"Data Source={path};Mode={mode};Pooling=False");
        connection.Open();
        return connection;
    }

    /// <summary>Returns the name that messages have for the database that belongs to a path.</summary>
    public static string Name(string path)
    {
        using var engine = At(path);
        return engine.Name;
    }

    /// <summary>Returns what somebody outside runs, in the words of the engine.</summary>
    public static string Said(string sql) => !IsPostgres ? sql : HexText().Replace(sql, "'\\x$1'::bytea")
        .Replace("DROP TRIGGER audit_kept;", "DROP TRIGGER audit_kept ON audit;", StringComparison.Ordinal)
        .Replace("zeroblob(length(hashes))", "decode(repeat('00', length(hashes)), 'hex')", StringComparison.Ordinal)
        .Replace(" user = ", " \"user\" = ", StringComparison.Ordinal);

    [GeneratedRegex("x'([0-9A-Fa-f]*)'")]
    private static partial Regex HexText();

    /// <summary>Gives a statement its next value: <c>$1</c>, <c>$2</c>, …</summary>
    public static void Add(this DbCommand command, object? value)
    {
        var parameter = command.CreateParameter();
        if (!IsPostgres)
            parameter.ParameterName = $"${command.Parameters.Count + 1}";
        parameter.Value = value ?? DBNull.Value;
        command.Parameters.Add(parameter);
    }
}
