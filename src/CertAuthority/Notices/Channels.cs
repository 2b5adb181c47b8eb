using System.Collections.Immutable;
using CertAuthority.Access.Notices;
using CertAuthority.Configuration;
using CertAuthority.Store;

namespace CertAuthority.Notices;

/// <summary>A way to tell somebody.</summary>
/// <param name="Receiver">Who that is to the outbox.</param>
/// <param name="Tell">
/// Tells them, within <see cref="NotifySettings.Timeout"/>. Throws when it is cancelled; whatever else happens is a fault.
/// </param>
internal sealed record Channel(Receiver Receiver, Func<Attempt, CancellationToken, Task<DeliveryResult>> Tell);

/// <summary>The ways to tell somebody that a configuration names.</summary>
internal static class Channels
{
    /// <summary>Those that a configuration names.</summary>
    public static ImmutableArray<Channel> From(NotifySettings notify)
    {
        var channels = ImmutableArray.CreateBuilder<Channel>();
        if (!notify.Command.IsEmpty)
            channels.Add(
                new(new Receiver("command", NoticeFilter.Everything), (attempt, stopping) => NotifyCommand.Run(notify, attempt, stopping)));
        foreach (var webhook in notify.Webhooks)
            channels.Add(
                new(
                    new Receiver($"webhook/{webhook.Name}", webhook.Filter),
                    (attempt, stopping) => Webhook.Post(webhook, attempt, notify.Timeout, stopping)));
        if (notify.Mail is { } mail)
            channels.Add(
                new(
                    new Receiver("mail", mail.Filter, IsPersonal: true),
                    (attempt, stopping) => Mail.Send(mail, attempt, notify.Timeout, stopping)));
        return channels.ToImmutable();
    }
}
