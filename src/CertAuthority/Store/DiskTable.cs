namespace CertAuthority.Store;

/// <summary>Whether receivers were told that the disk fills up, and not yet that it has room again.</summary>
internal static class DiskTable
{
    public static bool IsToldLow(this Snapshot snapshot) => snapshot.QueryFirst("SELECT told_low FROM disk", row => row.GetBoolean(0));

    public static void SetToldLow(this Transaction transaction, bool isTold) =>
        transaction.Execute("UPDATE disk SET told_low = $1", isTold);
}
