using System.Data.Common;

namespace CertAuthority.Store;

/// <summary>The database as it stood at one moment. What it can read is said in the files of the tables.</summary>
internal class Snapshot(Session session)
{
    protected Session Session { get; } = session;

    public List<T> Query<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        var rows = new List<T>();
        using var reader = Session.Bind(sql, values).ExecuteReader();
        while (reader.Read())
            rows.Add(Read(reader, row));
        return rows;
    }

    public T? QueryFirst<T>(string sql, Func<DbDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        using var reader = Session.Bind(sql, values).ExecuteReader();
        return reader.Read() ? Read(reader, row) : default;
    }

    // What the schema lets in and we never wrote: somebody edited the file.
    private static T Read<T>(DbDataReader reader, Func<DbDataReader, T> row)
    {
        try
        {
            return row(reader);
        }
        catch (Exception e) when (e is not DbException)
        {
            var key = reader.GetColumnSchema()[0];
            throw new StoreException($"the table {key.BaseTableName} has a row with the {key.BaseColumnName} {reader.GetValue(0)} that was not written by certauthority: {e.Message}", e);
        }
    }

    /// <summary>What a policy generation holds; see <see cref="PolicyTables"/>.</summary>
    public PolicyCache Policies => Session.Policies;
}

/// <summary>The open transaction of one change. Other changes may share its commit, none sees it half done.</summary>
internal sealed class Transaction(Session session) : Snapshot(session)
{
    /// <summary>Runs a statement; how many rows it changed.</summary>
    public int Execute(string sql, params ReadOnlySpan<object?> values) => Session.Bind(sql, values).ExecuteNonQuery();
}

/// <summary>One connection and the statements prepared on it.</summary>
internal sealed class Session(DbConnection connection, PolicyCache policies) : IDisposable
{
    private readonly Dictionary<string, DbCommand> prepared = new(StringComparer.Ordinal);

    public DbConnection Connection { get; } = connection;

    public PolicyCache Policies { get; } = policies;

    /// <summary>The prepared statement with <c>$1</c>, <c>$2</c>, … set to the values.</summary>
    public DbCommand Bind(string sql, params ReadOnlySpan<object?> values)
    {
        if (!prepared.TryGetValue(sql, out var command))
        {
            command = Connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 0; i < values.Length; i++)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = $"${i + 1}";
                command.Parameters.Add(parameter);
            }
            prepared[sql] = command;
        }
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i] switch
            {
                null => DBNull.Value,
                Guid id => id.ToString(),
                DateTimeOffset time => time.ToUnixTimeSeconds(),
                TimeSpan length => (long)length.TotalSeconds,
                var plain => plain,
            };
        return command;
    }

    public void Dispose()
    {
        foreach (var command in prepared.Values)
            command.Dispose();
        Connection.Dispose();
    }
}
