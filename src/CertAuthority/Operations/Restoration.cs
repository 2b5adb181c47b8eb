using CertAuthority.Access;
using CertAuthority.OpenSsh;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>What a database was restored from, and what that ended.</summary>
/// <param name="From">In words.</param>
/// <param name="Ended">How many requests.</param>
/// <param name="Revoked">How many certificates on record.</param>
internal sealed record Restored(string From, int Ended, int Revoked);

/// <summary>
/// Starting on a database that is older than what was done: a backup, or a copy by hand. What it says was granted may have
/// been taken back since, and what was signed since it does not know. So nothing of that goes on.
/// </summary>
internal static class Restoration
{
    /// <summary>Runs in the first transaction of each start; null when there is nothing to restore.</summary>
    /// <param name="transaction">Before anything is served.</param>
    /// <param name="userCa">Whose certificates are meant.</param>
    /// <param name="published">The revocation list in place. Its version is recorded before it is written, so a higher one than recorded tells of a later database.</param>
    /// <param name="time">Now, with its fractions.</param>
    public static Restored? Run(Transaction transaction, PublicKey userCa, Krl? published, DateTimeOffset time)
    {
        var publishedVersion = (long)Math.Min(published?.Version ?? 0, long.MaxValue / 2);
        var taken = transaction.BackupTaken();
        if (taken is null && publishedVersion <= transaction.LastKrlVersion())
            return null;

        var now = DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
        var from = taken is { } backup ? $"a backup of {backup:yyyy-MM-ddTHH:mm:ssZ}" : "a copy older than the revocation list beside it";
        var reason = $"the daemon was restored from {from}";
        transaction.Audit(Caller.Daemon.Did("daemon.restored", now) with { Reason = from });
        var ended = transaction.Requests()
            .Where(request => request.StateAt(now) is RequestState.Pending or RequestState.Approved)
            .Select(request => Resolutions.EndBecause(
                transaction, Caller.Daemon, request, request.StoredState == RequestState.Pending ? RequestAction.Cancel : RequestAction.Drop, reason, now))
            .ToList();
        var revoked = Revocations.Revoke(transaction, Caller.Daemon, transaction.LiveCertificates(now), reason, now);

        transaction.EndSessions();

        // The longest that any configuration allows: the lost daemon's may have been another.
        var until = now + SiteLimits.Default.Certificate;
        var (first, last) = transaction.LeapBeyondLost(time, publishedVersion);
        transaction.LoseSerials(first, last, until);
        foreach (var range in published?.Revoked.Where(range => range.CaKey == userCa && range.First <= long.MaxValue) ?? [])
            transaction.LoseSerials((long)range.First, (long)Math.Min(range.Last, long.MaxValue), until);
        transaction.RemoveBackupMark();
        return new Restored(from, ended.Count, ended.Sum(request => request.Revoked.Length) + revoked.Length);
    }
}
