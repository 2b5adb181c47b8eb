using System.Collections.Immutable;
using CertAuthority.Access.Notices;
using CertAuthority.Access.Values;
using MimeKit;

namespace CertAuthority.Configuration;

/// <summary>Who is told of what happens.</summary>
/// <param name="Command">A program, by absolute path, and its arguments; empty for none.</param>
/// <param name="BeforeEnd">How long before an access ends this is told.</param>
/// <param name="Timeout">How long one telling may take.</param>
/// <param name="Tries">How often one event is told at most, when that fails.</param>
internal sealed record NotifySettings(ImmutableArray<string> Command, TimeSpan BeforeEnd, TimeSpan Timeout, int Tries)
{
    /// <summary>Nobody is told.</summary>
    public static readonly NotifySettings Nobody = new([], TimeSpan.FromMinutes(15), TimeSpan.FromSeconds(10), 20);

    /// <summary>Web servers that are told.</summary>
    public ImmutableArray<WebhookSettings> Webhooks { get; init; } = [];

    /// <summary>How people are told by mail; null when they are not.</summary>
    public MailSettings? Mail { get; init; }
}

/// <summary>A web server that is told.</summary>
/// <param name="Name">Unique among them.</param>
/// <param name="Url">Where it is told. It may hold a secret, so it is shown nowhere.</param>
/// <param name="Key">What signs, as the file has it without its line end.</param>
/// <param name="Filter">Of what it is told.</param>
internal sealed record WebhookSettings(string Name, Uri Url, ImmutableArray<byte> Key, NoticeFilter Filter);

/// <summary>How mail is kept from being read on its way to the server.</summary>
internal enum MailTls
{
    StartTls,
    Implicit,
    None,
}

/// <summary>The mail server that takes our mail.</summary>
/// <param name="Server">Its name, which its certificate must have.</param>
/// <param name="Port">Its port.</param>
/// <param name="Tls">Without it nothing is sent.</param>
/// <param name="Account">User name and password there; null to send without.</param>
/// <param name="From">The sender.</param>
/// <param name="Filter">Of what people are told.</param>
internal sealed record MailSettings(string Server, int Port, MailTls Tls, MailAccount? Account, MailboxAddress From, NoticeFilter Filter)
{
    /// <summary>An address and nothing beside it, with a domain; null when the text is something else.</summary>
    public static MailboxAddress? ParseAddress(string text) => ParseSender(text) is { } mailbox && mailbox.Address == text ? mailbox : null;

    /// <summary>An address, which may have a name before it; null when the text is something else.</summary>
    public static MailboxAddress? ParseSender(string text) =>
        Names.IsPlainText(text) && MailboxAddress.TryParse(Strict, text, out var mailbox) && mailbox.Domain.Length > 0
            && mailbox.Route.Count == 0 ? mailbox : null;

    private static readonly ParserOptions Strict = new()
    {
        AddressParserComplianceMode = RfcComplianceMode.Strict,
        AllowAddressesWithoutDomain = false,
        AllowUnquotedCommasInAddresses = false,
    };
}

/// <summary>Who the daemon is to a mail server.</summary>
internal sealed record MailAccount(string User, string Password)
{
    // Not what a record says by itself.
    public override string ToString() => User;
}
