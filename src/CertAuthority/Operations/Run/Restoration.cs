using CertAuthority.Access.Requests;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>What a database was restored from, and what the restore ended.</summary>
/// <param name="From">The source, in words.</param>
/// <param name="Ended">The number of requests that ended.</param>
/// <param name="Revoked">The number of recorded certificates that were revoked.</param>
internal sealed record Restored(string From, int Ended, int Revoked);

/// <summary>
/// Starts on a database that is older than what happened: a backup, a manual copy, or a new database next to an existing key. Grants in it
/// may have been withdrawn since, and it does not know the certificates that were signed since. So none of them stays valid.
/// </summary>
internal static class Restoration
{
    /// <summary>Returns what a start restores from, in words; null if there is nothing to restore.</summary>
    /// <param name="snapshot">The database before any change.</param>
    /// <param name="isNewKey">Whether this start created the user CA key, so that it has signed nothing.</param>
    /// <param name="published">
    /// The revocation list in place. The daemon records a list's version before it writes the list, so a higher version than the recorded
    /// one comes from a later database.
    /// </param>
    public static string? From(Snapshot snapshot, bool isNewKey, Krl? published)
    {
        if (snapshot.IsShortened())
            return "a standby that its server did not wait for";
        if (snapshot.BackupTaken() is { } backup)
            return $"a backup of {Instants.Show(backup)}";
        if (Version(published) > snapshot.LastKrlVersion())
            return "a copy older than the revocation list beside it";
        return !isNewKey && snapshot.LastKrlVersion() == 0 && snapshot.CaKeys(CaPurpose.User) is [] ? "its keys, without a database" : null;
    }

    /// <summary>
    /// Ends everything that was granted, and revokes everything that was signed. After a promotion that lost only the last moments, as the
    /// operator accepts, it revokes what was signed in them.
    /// </summary>
    /// <param name="transaction">The first transaction of a start.</param>
    /// <param name="from">The source, as <see cref="From"/> returned it.</param>
    /// <param name="published">The revocation list in place; everything on it stays revoked.</param>
    /// <param name="time">The current time, with fractions of a second.</param>
    public static Restored Run(Transaction transaction, string from, Krl? published, DateTimeOffset time)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
        transaction.Audit(Caller.Daemon.Did(AuditEvents.DaemonRestored, now) with { Reason = from });
        var (ended, revoked) = transaction.IsShortened() ? (0, 0) : TakeBack(transaction, $"the daemon was restored from {from}", now);

        transaction.EndSessions();
        // Hosts may have joined since, whose files have the tokens of this database.
        transaction.RenewGroups(all: true);
        transaction.ForgetAuditFiles();

        // Uses the longest time that any configuration allows: the lost daemon may have had another setting.
        var until = now + SiteLimits.Default.Certificate;
        var (first, last) = transaction.LeapBeyondLost(time, Version(published));
        transaction.LoseSerials(ca: null, first, last, until);
        foreach (var range in published?.Revoked.Where(range => range.First <= long.MaxValue) ?? [])
            transaction.LoseSerials(
                transaction.CaKey(CaPurpose.User, range.CaKey, now), (long)range.First, (long)Math.Min(range.Last, long.MaxValue), until);
        transaction.RemoveBackupMark();
        return new Restored(from, ended, revoked);
    }

    /// <summary>Ends all requests and revokes all certificates on record: what withdrew some of them may be lost.</summary>
    private static (int Ended, int Revoked) TakeBack(Transaction transaction, string reason, DateTimeOffset now)
    {
        var ended = transaction.PendingRequests(now).Concat(transaction.ApprovedRequests(now))
            .OrderByDescending(request => request.Created).ThenByDescending(request => $"{request.Id}", StringComparer.Ordinal)
            .Select(request => RequestChanges.EndBecause(
                transaction, Caller.Daemon, request,
                request.StoredState == RequestState.Pending ? RequestAction.Cancel : RequestAction.Drop, reason, now))
            .ToList();
        var revoked = Revocations.Revoke(transaction, Caller.Daemon, transaction.LiveCertificates(now), reason, now);
        return (ended.Count, ended.Sum(request => request.Revoked.Length) + revoked.Length);
    }

    private static long Version(Krl? published) => (long)Math.Min(published?.Version ?? 0, long.MaxValue / 2);
}
