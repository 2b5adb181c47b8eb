using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Revocation;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Publishes the certificates of hosts, and the answers to those that join, in the directory for hosts of a daemon that follows, when they
/// have changed. A directory that another daemon writes to as well is left to that one.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="krl">The lists: they come first, and show whose directory it is.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class FollowedHosts(CurrentAuthority ca, FollowedKrl krl, ILogger log) : Periodic(TimeSpan.FromSeconds(5), ca.Clock)
{
    private HostFilesMark? published;
    private bool isSettled;

    protected override bool StartsAtOnce => true;

    protected internal override Task Once(CancellationToken stopping)
    {
        var authority = ca.Now;
        if (krl.ForHosts is not { Latest: not null })
            return Task.CompletedTask;
        // Read first: what changes meanwhile is published the next time.
        var now = authority.Database.Read(snapshot => snapshot.HostFiles());
        if (now == published && isSettled)
            return Task.CompletedTask;
        Operations.Nodes.PublishCertificates(authority);
        // Once more after each change: a certificate is recorded a moment before it is signed.
        (published, isSettled) = (now, now == published);
        return Task.CompletedTask;
    }

    protected override void Failed(Exception error) =>
        log.LogWarning("the certificates of hosts that fetch could not be published: {Why}", Printable.Escape(error.Message));
}
