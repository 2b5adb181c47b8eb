namespace CertAuthority.Store;

/// <summary>The table of policy changes whose withdrawal is not finished.</summary>
internal static class OwedWithdrawalTable
{
    public static void OweWithdrawal(this Transaction transaction, Guid id, DateTimeOffset now) =>
        transaction.Execute("INSERT INTO owed_withdrawals (id, since) VALUES ($1, $2)", id, now);

    /// <summary>Returns their IDs, the oldest first.</summary>
    public static List<Guid> OwedWithdrawals(this Snapshot snapshot) =>
        snapshot.Query("SELECT id FROM owed_withdrawals ORDER BY since", row => row.Id("id"));

    public static bool SettleWithdrawal(this Transaction transaction, Guid id) =>
        transaction.Execute("DELETE FROM owed_withdrawals WHERE id = $1", id) == 1;
}
