namespace CertAuthority.Store;

/// <summary>Records whether receivers got a notice that the disk is filling up, and none yet that it has room again.</summary>
internal static class DiskTable
{
    public static bool IsToldLow(this Snapshot snapshot) => snapshot.QueryFirst("SELECT told_low FROM disk", row => row.GetInt64(0) != 0);

    public static void SetToldLow(this Transaction transaction, bool isTold) =>
        transaction.Execute("UPDATE disk SET told_low = $1", isTold);
}
