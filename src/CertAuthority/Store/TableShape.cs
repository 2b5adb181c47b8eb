using System.Data.Common;
using System.Text;
using System.Text.Unicode;

namespace CertAuthority.Store;

/// <summary>A column of a table, as the schema of a database file has it.</summary>
/// <param name="Name">The name.</param>
/// <param name="Type">INTEGER, TEXT or BLOB; tables have no others.</param>
/// <param name="IsKey">Whether it is part of the primary key.</param>
internal sealed record ColumnShape(string Name, string Type, bool IsKey)
{
    public bool IsText => Type == "TEXT";

    public bool IsNumber => Type == "INTEGER";
}

/// <summary>A table, as the schema of a database file has it.</summary>
/// <param name="Name">The name.</param>
/// <param name="Columns">The columns, in their order.</param>
/// <param name="Refers">The tables to which its rows refer.</param>
internal sealed record TableShape(string Name, IReadOnlyList<ColumnShape> Columns, IReadOnlyList<string> Refers)
{
    public string Quoted => Quote(Name);

    public string QuotedColumns => string.Join(", ", Columns.Select(column => Quote(column.Name)));

    /// <summary>The statement that reads every row, in the same order on every engine.</summary>
    public string Rows => $"SELECT {QuotedColumns} FROM {Quoted} ORDER BY {string.Join(", ", Key.Select(column => Quote(column.Name)))}";

    // A table without a key has a single row.
    private IEnumerable<ColumnShape> Key => Columns.Any(column => column.IsKey) ? Columns.Where(column => column.IsKey) : Columns;

    /// <summary>
    /// Reads the tables from the schema of a file, so that none of a later version is forgotten. A table comes after those to which it
    /// refers.
    /// </summary>
    public static List<TableShape> Of(DbConnection file)
    {
        var columns = Read(
            file,
            "SELECT m.name, c.name, c.type, c.pk FROM sqlite_schema AS m, pragma_table_info(m.name) AS c "
                + "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.cid",
            row => (Table: row.GetString(0), Column: new ColumnShape(row.GetString(1), row.GetString(2), row.GetInt64(3) > 0)));
        var refers = Read(
            file,
            "SELECT m.name, k.\"table\" FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS k WHERE m.type = 'table'",
            row => (Table: row.GetString(0), To: row.GetString(1))).ToLookup(one => one.Table, one => one.To);
        var left = columns.GroupBy(one => one.Table, one => one.Column)
            .Select(one => new TableShape(one.Key, [.. one], [.. refers[one.Key].Where(to => to != one.Key)])).ToList();
        var ordered = new List<TableShape>();
        while (left.FindAll(table => table.Refers.All(to => ordered.Exists(one => one.Name == to))) is [_, ..] next)
        {
            ordered.AddRange(next);
            left.RemoveAll(next.Contains);
        }
        return left is [] ? ordered : throw new StoreException($"the tables {string.Join(", ", left.Select(table => table.Name))} refer to each other");
    }

    /// <summary>Returns the values of a row that <see cref="Rows"/> reads: numbers, and the bytes of texts and blobs.</summary>
    public object?[] Values(DbDataReader row) =>
    [
        .. Columns.Select((column, n) => row.IsDBNull(n) ? null : column.IsNumber ? (object)row.GetInt64(n) : row.GetFieldValue<byte[]>(n)),
    ];

    /// <summary>Checks that a server can store every text of a row.</summary>
    /// <exception cref="StoreException">One is not UTF-8, or has a NUL.</exception>
    public void ExpectText(object?[] values)
    {
        foreach (var (n, value) in values.Index())
            if (Columns[n].IsText && value is byte[] text && (text.Contains((byte)0) || !Utf8.IsValid(text)))
                throw new StoreException(
                    $"the table {Name} has a row with the {KeyOf(values)} whose {Columns[n].Name} is no text that a server can store: it has a NUL, or is not UTF-8");
    }

    /// <summary>Names a row: <c>id 7</c>.</summary>
    public string KeyOf(object?[] values) => string.Join(
        ", ", Columns.Index().Where(one => Key.Contains(one.Item)).Select(one => $"{one.Item.Name} {values[one.Index] switch
        {
            byte[] bytes when one.Item.IsText => Encoding.UTF8.GetString(bytes),
            byte[] bytes => Convert.ToHexStringLower(bytes),
            var number => number,
        }}"));

    private static string Quote(string name) => $"\"{name}\"";

    private static List<T> Read<T>(DbConnection connection, string sql, Func<DbDataReader, T> read)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var rows = command.ExecuteReader();
        var found = new List<T>();
        while (rows.Read())
            found.Add(read(rows));
        return found;
    }
}
