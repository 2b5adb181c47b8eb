using System.Collections.Immutable;
using CertAuthority.Access.Notices;
using CertAuthority.Configuration;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Notices;

/// <summary>An event as it is told once.</summary>
/// <param name="Told">The event.</param>
/// <param name="Recipient">Which of the people whom the receiver reaches; null where it reaches none.</param>
/// <param name="Now">When.</param>
internal sealed record Attempt(Notification Told, string? Recipient, DateTimeOffset Now);

/// <summary>How that went.</summary>
/// <param name="Fault">What went wrong; null when it was told.</param>
/// <param name="Said">What the receiver said: words of a stranger.</param>
/// <param name="IsHopeless">Whether it can only go wrong again.</param>
internal sealed record Telling(string? Fault = null, string Said = "", bool IsHopeless = false);

/// <summary>A way to tell somebody.</summary>
/// <param name="Receiver">Who that is to the outbox.</param>
/// <param name="Tell">Tells them, within <see cref="NotifySettings.Timeout"/>. Throws when it is cancelled; whatever else happens is a fault.</param>
internal sealed record Channel(Receiver Receiver, Func<Attempt, CancellationToken, Task<Telling>> Tell)
{
    /// <summary>Those that a configuration names.</summary>
    public static ImmutableArray<Channel> Of(NotifySettings notify)
    {
        var channels = ImmutableArray.CreateBuilder<Channel>();
        if (!notify.Command.IsEmpty)
            channels.Add(new(new Receiver("command", NoticeFilter.Everything), (attempt, stopping) => NotifyCommand.Run(notify, attempt, stopping)));
        foreach (var webhook in notify.Webhooks)
            channels.Add(new(new Receiver($"webhook/{webhook.Name}", webhook.Filter), (attempt, stopping) => Webhook.Post(webhook, attempt, notify.Timeout, stopping)));
        if (notify.Mail is { } mail)
            channels.Add(new(new Receiver("mail", mail.Filter, IsPersonal: true), (attempt, stopping) => Mail.Send(mail, attempt, notify.Timeout, stopping)));
        return channels.ToImmutable();
    }
}
