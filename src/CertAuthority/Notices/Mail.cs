using System.Net.Security;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.Access.Notices;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using MimeKit.Text;

namespace CertAuthority.Notices;

/// <summary>Sends notices by mail: one message to one address, so that nobody sees the other recipients.</summary>
internal static class Mail
{
    public static async Task<DeliveryResult> Send(MailSettings mail, Attempt attempt, TimeSpan within, CancellationToken stopping)
    {
        var recipient = attempt.Recipient!;
        if (MailSettings.ParseAddress(recipient) is not { } address)
            return new DeliveryResult($"\"{recipient}\" is no mail address", IsHopeless: true);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(within);
        try
        {
            // Does not look up revocations: the server's CA may be unreachable. Everything else about the certificate must be valid.
            using var client = new SmtpClient
            {
                CheckCertificateRevocation = false,
                ServerCertificateValidationCallback = (_, _, _, errors) => errors == SslPolicyErrors.None
            };
            await client.ConnectAsync(mail.Server, mail.Port, Security(mail.Tls), limit.Token);
            if (mail.Account is { } account)
                await client.AuthenticateAsync(Encoding.UTF8, account.User, account.Password, limit.Token);
            using var message = Message(mail, attempt.Told, address);
            // Sends no QUIT: once the server has accepted the message, nothing may cause it to be sent again.
            await client.SendAsync(message, limit.Token);
            return new DeliveryResult();
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return new DeliveryResult($"the mail server did not take the message to {recipient} within {within.TotalSeconds} s");
        }
        catch (SslHandshakeException e)
        {
            return new DeliveryResult($"no TLS with the mail server: {e.InnerException?.Message ?? e.Message}");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever error a server can cause in the library, only this message was not accepted; no other one is affected.
            return new DeliveryResult($"the mail server did not take the message to {recipient}{UnitNetwork.Remedy(e.Message)}", e.Message);
        }
    }

    /// <summary>
    /// Creates the message. A repeated message has the same Message-ID, so that it can be recognized. The messages of one request are a
    /// thread, whose first one has an ID made from the request; a person who did not get that one has a thread of the others.
    /// </summary>
    public static MimeMessage Message(MailSettings mail, Notification told, MailboxAddress to)
    {
        var receiver = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(to.Address)))[..16];
        var first = $"{told.Request!.Metadata.Name}.{receiver}@{mail.From.Domain}";
        var message = new MimeMessage(
            [mail.From], [to], NoticeText.Headline(told), new TextPart(TextFormat.Plain) { Text = NoticeText.Letter(told) })
        {
            MessageId = told.Event == NoticeEvents.Created ? first : $"{told.Id}.{receiver}@{mail.From.Domain}",
            Date = told.Time,
            Headers = { { HeaderId.AutoSubmitted, "auto-generated" }, { Webhook.IdHeader, told.Id } },
        };
        if (told.Event != NoticeEvents.Created)
        {
            message.InReplyTo = first;
            message.References.Add(first);
        }
        return message;
    }

    private static SecureSocketOptions Security(MailTls tls) => tls switch
    {
        // Not StartTlsWhenAvailable: an attacker on the network could make it unavailable.
        MailTls.StartTls => SecureSocketOptions.StartTls,
        MailTls.Implicit => SecureSocketOptions.SslOnConnect,
        _ => SecureSocketOptions.None,
    };
}
