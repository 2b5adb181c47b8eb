using System.Data.Common;

namespace CertAuthority.Store;

/// <summary>A statement with its parameters.</summary>
/// <param name="Command">The statement, prepared on its connection.</param>
/// <param name="Values">Which value each parameter takes, by the place of the value.</param>
internal sealed record Statement(DbCommand Command, int[] Values);

/// <summary>Creates a statement with the parameters <c>$1</c>, <c>$2</c>, …</summary>
/// <param name="connection">The connection on which it runs.</param>
/// <param name="sql">The text. It need not contain every parameter.</param>
/// <param name="count">The number of values that it is given.</param>
internal delegate Statement Prepare(DbConnection connection, string sql, int count);

/// <summary>One connection and the statements prepared on it.</summary>
/// <param name="prepare">Creates the statements.</param>
/// <param name="connection">The connection; the session closes it at its end.</param>
/// <param name="policies">The last policy that any connection has read.</param>
/// <param name="leftOut">Called with a sentence about each unreadable row, every time that one is left out.</param>
internal sealed class Session(Prepare prepare, DbConnection connection, PolicyCache policies, Action<string> leftOut) : IDisposable
{
    private readonly Dictionary<string, Statement> prepared = new(StringComparer.Ordinal);

    public DbConnection Connection { get; } = connection;

    public PolicyCache Policies { get; } = policies;

    public Action<string> LeftOut { get; } = leftOut;

    /// <summary>Returns the prepared statement with <c>$1</c>, <c>$2</c>, … set to the values.</summary>
    public DbCommand Bind(string sql, params ReadOnlySpan<object?> values)
    {
        if (!prepared.TryGetValue(sql, out var statement))
            prepared[sql] = statement = prepare(Connection, sql, values.Length);
        for (var i = 0; i < statement.Values.Length; i++)
            statement.Command.Parameters[i].Value = values[statement.Values[i]] switch
            {
                null => DBNull.Value,
                Guid id => id.ToString(),
                DateTimeOffset time => time.ToUnixTimeSeconds(),
                TimeSpan length => (long)length.TotalSeconds,
                // Tables have no other types of numbers.
                bool flag => flag ? 1L : 0L,
                int number => (long)number,
                var plain => plain,
            };
        return statement.Command;
    }

    public void Dispose()
    {
        foreach (var statement in prepared.Values)
            statement.Command.Dispose();
        Connection.Dispose();
    }
}
