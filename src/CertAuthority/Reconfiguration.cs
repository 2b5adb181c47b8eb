using CertAuthority.Configuration;
using CertAuthority.Flow;
using CertAuthority.Notices;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority;

/// <summary>Brings the database in line with the settings in force: at the start, and after each reload.</summary>
/// <param name="ca">The database and the limits.</param>
/// <param name="settings">The receivers of notices and of the audit.</param>
/// <param name="log">Gets a line about what was taken back or dropped.</param>
internal sealed class Reconfiguration(CurrentAuthority ca, CurrentSettings settings, ILogger log) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Apply();

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Applies the settings in force to the stored data.</summary>
    public async Task Apply()
    {
        var taken = settings.Now;
        await SetReceivers(taken.Settings);
        await TakeBack(ca.Under(taken));
    }

    /// <summary>
    /// Drops messages queued for receivers that the configuration no longer names, and logs how many. Other daemons see from now on with
    /// which settings this one leads.
    /// </summary>
    private async Task SetReceivers(Settings settings)
    {
        var receivers = Channels.From(settings.Notify).Select(channel => channel.Receiver).ToList();
        var sinks = AuditSinks.From(settings, ca.Now.Database, ca.Clock).ConvertAll(sink => sink.Name);
        var dropped = await ca.Now.Database.Commit(transaction =>
        {
            var before = transaction.ReceiverStatuses();
            transaction.SetReceivers(receivers);
            transaction.SetAuditSinks(sinks);
            if (ca.Now.Database.IsShared)
                SettingsAgreement.Record(transaction, settings);
            return before.FindAll(receiver => receiver.Waiting > 0 && !receivers.Exists(one => one.Name == receiver.Name));
        }, takesAway: true);
        foreach (var receiver in dropped)
            log.LogWarning(
                "{Count} notifications that waited for {Receiver} were dropped: the configuration does not name it any more",
                receiver.Waiting, receiver.Name);
    }

    /// <summary>Takes back the access that the limits and the groups no longer allow.</summary>
    private async Task TakeBack(Authority ca)
    {
        var withdrawn = await GroupUsers.Reconfigure(ca);
        if (withdrawn.Ended.Length + withdrawn.Shortened.Length + withdrawn.Revoked.Length > 0)
            log.LogWarning(
                "the settings took back what they do not allow: {Revoked} certificates revoked, {Ended} requests ended, {Shortened} requests shortened; tctl audit ls says whose",
                withdrawn.Revoked.Length, withdrawn.Ended.Length, withdrawn.Shortened.Length);
        foreach (var warning in SettingsReview.Warnings(ca.UsersFromGroups, ca.Database.Read(snapshot => snapshot.Policy().Roles)))
            log.LogWarning("{Warning}", Printable.Escape(warning));
    }
}
