using System.Data.Common;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>The schema on PostgreSQL has what the one of SQLite has.</summary>
public sealed class SchemaTests : IAsyncLifetime
{
    // Those that only a server needs.
    private static readonly string[] OfServer = ["followers", "realms", "schema_version", "timelines", "writer"];

    private readonly World world = new();

    [PostgresFact]
    public void Tables_have_the_same_columns_on_both_engines()
    {
        using var ours = new Microsoft.Data.Sqlite.SqliteConnection("Data Source=:memory:");
        ours.Open();
        ours.CreateFunction<byte[], byte[]?>("signature_key", _ => null);
        ours.CreateFunction<string, string, string, string?, string>("resource_row", (_, _, text, _) => text);
        foreach (var migration in World.Migrations())
            Read(ours, migration);
        using var outside = world.Outside();
        Assert.Equal(
            Read(ours, "SELECT m.name || '.' || c.name || ' ' || replace(replace(c.type, 'INTEGER', 'bigint'), 'BLOB', 'bytea') || (CASE WHEN c.\"notnull\" OR c.pk THEN '' ELSE ' null' END) "
                + "FROM sqlite_schema AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'")
                .Select(line => line.Replace("TEXT", "text", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            Read(outside, "SELECT table_name || '.' || column_name || ' ' || data_type || (CASE WHEN is_nullable = 'NO' THEN '' ELSE ' null' END) "
                + "FROM information_schema.columns WHERE table_schema = current_schema()")
                .Where(line => !OfServer.Contains(line.Split('.')[0])).Order(StringComparer.Ordinal));
        Assert.Equal(
            Read(ours, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").Order(StringComparer.Ordinal),
            Read(outside, "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname NOT LIKE '%\\_pkey' AND indexname NOT LIKE '%\\_key'")
                .Order(StringComparer.Ordinal));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private static List<string> Read(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var rows = command.ExecuteReader();
        var found = new List<string>();
        while (rows.Read())
            found.Add(rows.GetString(0));
        return found;
    }
}
