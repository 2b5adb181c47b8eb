using CertAuthority.Access.Requests;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>What a database was restored from, and what that ended.</summary>
/// <param name="From">In words.</param>
/// <param name="Ended">How many requests.</param>
/// <param name="Revoked">How many certificates on record.</param>
internal sealed record Restored(string From, int Ended, int Revoked);

/// <summary>
/// Starting on a database that is older than what was done: a backup, a copy by hand, or none beside a key that was there before. What it
/// says was granted may have been taken back since, and what was signed since it does not know. So nothing of that goes on.
/// </summary>
internal static class Restoration
{
    /// <summary>What a start restores from, in words; null when there is nothing to restore.</summary>
    /// <param name="snapshot">Before anything is changed.</param>
    /// <param name="isNewKey">Whether the user CA key was made by this start, so that it has signed nothing.</param>
    /// <param name="published">
    /// The revocation list in place. Its version is recorded before it is written, so a higher one than recorded tells of a later database.
    /// </param>
    public static string? From(Snapshot snapshot, bool isNewKey, Krl? published)
    {
        if (snapshot.BackupTaken() is { } backup)
            return $"a backup of {backup:yyyy-MM-ddTHH:mm:ssZ}";
        if (Version(published) > snapshot.LastKrlVersion())
            return "a copy older than the revocation list beside it";
        return !isNewKey && snapshot.LastKrlVersion() == 0 && snapshot.UserCaKeys() is [] ? "its keys, without a database" : null;
    }

    /// <summary>Ends all that was granted, and revokes all that was signed.</summary>
    /// <param name="transaction">The first of a start.</param>
    /// <param name="from">As <see cref="From"/> has it.</param>
    /// <param name="published">The revocation list in place; what it names stays revoked.</param>
    /// <param name="time">Now, with its fractions.</param>
    public static Restored Run(Transaction transaction, string from, Krl? published, DateTimeOffset time)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
        var reason = $"the daemon was restored from {from}";
        transaction.Audit(Caller.Daemon.Did("daemon.restored", now) with { Reason = from });
        var ended = transaction.Requests()
            .Where(request => request.StateAt(now) is RequestState.Pending or RequestState.Approved)
            .Select(request => RequestChanges.EndBecause(
                transaction, Caller.Daemon, request,
                request.StoredState == RequestState.Pending ? RequestAction.Cancel : RequestAction.Drop, reason, now))
            .ToList();
        var revoked = Revocations.Revoke(transaction, Caller.Daemon, transaction.LiveCertificates(now), reason, now);

        transaction.EndSessions();

        // The longest that any configuration allows: the lost daemon's may have been another.
        var until = now + SiteLimits.Default.Certificate;
        var (first, last) = transaction.LeapBeyondLost(time, Version(published));
        transaction.LoseSerials(ca: null, first, last, until);
        foreach (var range in published?.Revoked.Where(range => range.First <= long.MaxValue) ?? [])
            transaction.LoseSerials(
                transaction.UserCaKey(range.CaKey, now), (long)range.First, (long)Math.Min(range.Last, long.MaxValue), until);
        transaction.RemoveBackupMark();
        return new Restored(from, ended.Count, ended.Sum(request => request.Revoked.Length) + revoked.Length);
    }

    private static long Version(Krl? published) => (long)Math.Min(published?.Version ?? 0, long.MaxValue / 2);
}
