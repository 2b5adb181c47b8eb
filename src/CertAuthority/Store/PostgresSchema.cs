using System.Data.Common;
using System.Globalization;
using System.Reflection;
using Npgsql;

namespace CertAuthority.Store;

/// <summary>One step of the schema of a PostgreSQL database.</summary>
/// <param name="Number">The version of the schema after it.</param>
/// <param name="Text">The statements.</param>
internal sealed record PostgresMigration(int Number, string Text)
{
    /// <summary>
    /// Whether it only adds, so that daemons of the version before go on to work while and after it runs. Its first line says so; whatever
    /// does not say it needs them to stop.
    /// </summary>
    public bool Expands => Text.StartsWith("-- Expands: ", StringComparison.Ordinal);
}

/// <summary>
/// The schema of a PostgreSQL database. Its version is the number of the last migration; the first file is the schema of the day on which
/// it was written. The database also knows the oldest version whose daemons can work with it.
/// </summary>
internal static class PostgresSchema
{
    // Since then, daemons say which version they know, and the database which one it expects at least.
    private const int Shared = 40;

    private static readonly Lazy<PostgresMigration[]> All = new(() =>
    {
        const string prefix = "postgres.";
        var assembly = Assembly.GetExecutingAssembly();
        return
        [
            .. assembly.GetManifestResourceNames().Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal).Select(name =>
                {
                    using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                    return new PostgresMigration(int.Parse(name.AsSpan(prefix.Length, 4), CultureInfo.InvariantCulture), reader.ReadToEnd());
                }),
        ];
    });

    /// <summary>The migrations that this version knows, in order.</summary>
    public static IReadOnlyList<PostgresMigration> Known => All.Value;

    /// <summary>The version of the schema that this version of the daemon makes.</summary>
    public static int Latest => All.Value[^1].Number;

    /// <summary>Returns the version of the database's schema; 0 for a database without tables.</summary>
    public static long Version(DbConnection connection) =>
        ((NpgsqlConnection)connection).Scalar("SELECT to_regclass('schema_version')::text") is DBNull
            ? 0 : ((NpgsqlConnection)connection).Number("SELECT version FROM schema_version");

    /// <summary>Returns whether this version of the daemon can work with the schema: a later one may only have added to it.</summary>
    public static bool IsUsable(DbConnection connection) =>
        Version(connection) is var version
        && (version == Latest
            || (version > Latest && ((NpgsqlConnection)connection).Number("SELECT oldest FROM schema_version") <= Latest));

    /// <summary>Updates the schema. Where that only adds to it, other daemons go on to work meanwhile.</summary>
    /// <param name="connection">The connection of this daemon that writes.</param>
    /// <param name="name">The name of the database.</param>
    /// <param name="known">The migrations that this version knows, in order.</param>
    /// <exception cref="StoreException">
    /// The schema is newer or of another program, or daemons that could not work with the new one work on the database.
    /// </exception>
    public static void Update(NpgsqlConnection connection, string name, IReadOnlyList<PostgresMigration> known)
    {
        var (version, latest) = (Version(connection), known[^1].Number);
        if (version == 0 && connection.Number("SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'") > 0)
            throw new StoreException($"{name} has tables that are not those of certauthority; name another database");
        foreach (var (number, text) in known)
            if (number > version && number <= Shared)
                connection.Run($"BEGIN; {text.TrimEnd().TrimEnd(';')}; UPDATE schema_version SET version = {number}; COMMIT");
        connection.Run("BEGIN");
        try
        {
            // No batch of any daemon is under way from here on, and no other daemon updates the schema.
            connection.Scalar("SELECT begin_batch()");
            version = Version(connection);
            if (version > latest)
                throw new StoreException(
                    $"{name} was written by a newer certauthority (schema {version}, this one knows {latest}); install that version or a later one");
            var pending = known.Where(one => one.Number > version).ToList();
            var oldest = pending.LastOrDefault(one => !one.Expands)?.Number ?? 0;
            if (connection.Text(Older(oldest)) is { Length: > 0 } hosts)
                throw new StoreException(
                    $"{name} is in use by daemons of an earlier version, which cannot work with the tables of this one: on {hosts}; stop them first");
            foreach (var one in pending)
                connection.Run(one.Text);
            connection.Run($"UPDATE schema_version SET version = {latest}, oldest = greatest(oldest, {oldest}); COMMIT");
        }
        catch
        {
            if (connection.State == System.Data.ConnectionState.Open)
                connection.Run("ROLLBACK");
            throw;
        }
    }

    // The daemons that work now and know no later schema than the one before.
    private static string Older(int needed) =>
        $"""
        SELECT coalesce(string_agg(host, ', ' ORDER BY host), '') FROM (
            SELECT host FROM followers WHERE schema < {needed} AND {PostgresLock.Following("holder").IsHeldElsewhere}
            UNION SELECT host FROM writer WHERE schema < {needed} AND {PostgresLock.Leading.IsHeldElsewhere}) AS daemons
        """;
}
