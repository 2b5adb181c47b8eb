namespace CertAuthority.Store;

/// <summary>A move of a database from a file to a server.</summary>
/// <param name="Id">A random name of the attempt. The copy counts as soon as the file has the same one.</param>
/// <param name="Source">The path of the file.</param>
/// <param name="Destination">The name of the database on the server.</param>
/// <param name="At">When the attempt began.</param>
internal sealed record Moved(string Id, string Source, string Destination, DateTimeOffset At);

/// <summary>The table of the move: in the file that was left, and on the server until the move is finished.</summary>
internal static class MovedTable
{
    /// <summary>Returns the move of this database; null if there is none.</summary>
    public static Moved? Moved(this Snapshot snapshot) => snapshot.QueryFirst(
        "SELECT id, source, destination, at FROM moved",
        row => new Moved(row.String("id"), row.String("source"), row.String("destination"), row.Time("at")));

    /// <summary>Records the move.</summary>
    public static int RecordMove(this Transaction transaction, Moved move) =>
        transaction.Execute(
            """
            INSERT INTO moved (one, id, source, destination, at) VALUES (1, $1, $2, $3, $4)
            ON CONFLICT (one) DO UPDATE SET id = excluded.id, source = excluded.source, destination = excluded.destination, at = excluded.at
            """, move.Id, move.Source, move.Destination, move.At);

    /// <summary>Forgets the move, because it is finished.</summary>
    public static int RemoveMove(this Transaction transaction) => transaction.Execute("DELETE FROM moved");
}
