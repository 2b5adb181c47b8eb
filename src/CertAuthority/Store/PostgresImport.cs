using System.Data.Common;
using Npgsql;
using NpgsqlTypes;

namespace CertAuthority.Store;

/// <content>Filling a table.</content>
internal partial class Postgres
{
    /// <summary>Adds rows to a table in the transaction that is open. The rows pass through, and none is kept in memory.</summary>
    /// <param name="connection">The connection that writes.</param>
    /// <param name="table">The table, with its columns in the order of the values.</param>
    /// <param name="rows">The values: a number, the bytes of a text or of a blob, or null.</param>
    /// <exception cref="DbException">The server refuses a row, or is gone.</exception>
    public static void Import(DbConnection connection, TableShape table, IEnumerable<object?[]> rows)
    {
        using var import = ((NpgsqlConnection)connection).BeginBinaryImport(
            $"COPY {table.Quoted} ({table.QuotedColumns}) FROM STDIN (FORMAT binary)");
        foreach (var row in rows)
        {
            import.StartRow();
            foreach (var (n, value) in row.Index())
                switch (value)
                {
                    case long number:
                        import.Write(number, NpgsqlDbType.Bigint);
                        break;
                    case byte[] bytes:
                        import.Write(bytes, table.Columns[n].IsText ? NpgsqlDbType.Text : NpgsqlDbType.Bytea);
                        break;
                    default:
                        import.WriteNull();
                        break;
                }
        }
        import.Complete();
    }
}
