using Npgsql;

namespace CertAuthority.Store;

/// <summary>Statements that run once, outside of the batches of a <see cref="Session"/>.</summary>
internal static class PostgresStatements
{
    /// <summary>Runs a statement with the values <c>$1</c>, <c>$2</c>, …, and returns how many rows it changed.</summary>
    public static int Run(this NpgsqlConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command.ExecuteNonQuery();
    }

    public static long Number(this NpgsqlConnection connection, string sql) => (long)connection.Scalar(sql);

    public static string Text(this NpgsqlConnection connection, string sql) => (string)connection.Scalar(sql);

    /// <summary>Returns the first value that a statement answers.</summary>
    public static object Scalar(this NpgsqlConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar()!;
    }
}
