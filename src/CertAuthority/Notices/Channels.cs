using System.Collections.Immutable;
using CertAuthority.Access.Notices;
using CertAuthority.Configuration;
using CertAuthority.Store;

namespace CertAuthority.Notices;

/// <summary>A way to deliver notices.</summary>
/// <param name="Receiver">The receiver in the outbox.</param>
/// <param name="Tell">
/// Delivers an event within <see cref="NotifySettings.Timeout"/>. It throws only when it is cancelled; any other problem is a fault in the
/// result.
/// </param>
internal sealed record Channel(Receiver Receiver, Func<Attempt, CancellationToken, Task<DeliveryResult>> Tell);

/// <summary>The channels of a configuration.</summary>
internal static class Channels
{
    /// <summary>Creates the channels that a configuration names.</summary>
    public static ImmutableArray<Channel> From(NotifySettings notify)
    {
        var channels = ImmutableArray.CreateBuilder<Channel>();
        if (!notify.Command.IsEmpty)
            channels.Add(
                new(new Receiver("command", NoticeFilter.Everything), (attempt, stopping) => NotifyCommand.Run(notify, attempt, stopping)));
        foreach (var webhook in notify.Webhooks.Where(webhook => webhook.GetsNotices))
            channels.Add(
                new(
                    new Receiver($"webhook/{webhook.Name}", webhook.Filter),
                    (attempt, stopping) => Webhook.Post(webhook, attempt, notify.Timeout, stopping)));
        foreach (var slack in notify.Slack)
            channels.Add(
                new(
                    new Receiver($"webhook/{slack.Name}", slack.Filter),
                    (attempt, stopping) => Slack.Tell(slack, attempt, notify.Timeout, stopping)));
        if (notify.Mail is { } mail)
            channels.Add(
                new(
                    new Receiver("mail", mail.Filter, IsPersonal: true, mail.AddressTemplate),
                    (attempt, stopping) => Mail.Send(mail, attempt, notify.Timeout, stopping)));
        return channels.ToImmutable();
    }
}
