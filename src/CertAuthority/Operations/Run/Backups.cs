using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Makes copies of the database. The keys are separate files, and not part of it.</summary>
internal static class Backups
{
    /// <summary>Returns a copy of the database in the reply: the daemon never writes to a path that a caller names.</summary>
    public static async Task<Stream> Take(Authority ca, Administrator by, TakeBackup ask)
    {
        ca.Database.ExpectCopies();
        var now = ca.Now();
        // Recorded first, so that the copy contains the record of itself.
        await ca.Database.Commit(transaction =>
        {
            transaction.Audit(by.Caller.Did(AuditEvents.BackupTaken, now));
            return true;
        });
        var copy = await Task.Run(() => ca.Database.BackUp(now));
        await ca.Database.Commit(transaction =>
        {
            transaction.RecordBackup(now);
            return true;
        });
        return copy;
    }
}
