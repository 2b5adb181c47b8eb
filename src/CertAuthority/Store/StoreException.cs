namespace CertAuthority.Store;

/// <summary>The database cannot be used. The message says why and what to do.</summary>
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

/// <summary>
/// Another daemon works on the database now. This one must stop: what it keeps in memory can be older than what the other one wrote.
/// </summary>
internal sealed class TakenOverException(string message) : Exception(message);
