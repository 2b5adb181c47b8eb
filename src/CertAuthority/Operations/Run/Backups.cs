using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Copies of the database. The keys are files of their own, and no part of it.</summary>
internal static class Backups
{
    /// <summary>The copy itself is the answer: the daemon writes nowhere that a caller names.</summary>
    public static async Task<Stream> Take(Authority ca, Administrator by, TakeBackup ask)
    {
        var now = ca.Now();
        // Recorded first, so that the copy tells of itself.
        await ca.Database.Commit(transaction =>
        {
            transaction.Audit(by.Caller.Did("backup.taken", now));
            return true;
        });
        return await Task.Run(() => ca.Database.BackUp(now));
    }
}
