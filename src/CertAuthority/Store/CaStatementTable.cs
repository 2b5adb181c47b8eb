namespace CertAuthority.Store;

/// <summary>
/// The table of statements by which each host CA key names the one that takes over. Clients that were away follow them from a key that they
/// know to the one that signs now.
/// </summary>
internal static class CaStatementTable
{
    /// <summary>Returns all statements, those of the oldest keys first.</summary>
    public static List<string> CaStatements(this Snapshot snapshot) =>
        snapshot.Query("SELECT statement FROM ca_statements ORDER BY old, next", row => row.String("statement"));

    /// <summary>Returns whether a key has made a statement about another.</summary>
    public static bool HasCaStatement(this Snapshot snapshot, long old, long next) =>
        snapshot.Query("SELECT 1 FROM ca_statements WHERE old = $1 AND next = $2", _ => true, old, next) is [_, ..];

    /// <summary>Records a statement.</summary>
    public static void PutCaStatement(this Transaction transaction, long old, long next, string statement) =>
        transaction.Execute(
            """
            INSERT INTO ca_statements (old, next, statement) VALUES ($1, $2, $3)
            ON CONFLICT (old, next) DO UPDATE SET statement = excluded.statement
            """, old, next, statement);

    /// <summary>Removes every statement by a key and about it: its word is worth nothing, or it never took over.</summary>
    public static void RemoveCaStatements(this Transaction transaction, long key) =>
        transaction.Execute("DELETE FROM ca_statements WHERE old = $1 OR next = $1", key);
}
