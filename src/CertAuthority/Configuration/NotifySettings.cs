using System.Collections.Immutable;
using CertAuthority.Access.Notices;
using CertAuthority.Access.Values;
using MimeKit;

namespace CertAuthority.Configuration;

/// <summary>The settings of notices.</summary>
/// <param name="Command">A program, by absolute path, and its arguments; empty for none.</param>
/// <param name="BeforeEnd">How long before an access ends its notice is sent.</param>
/// <param name="Timeout">How long one delivery may take.</param>
/// <param name="Tries">How many times the daemon tries to deliver one event before it gives up.</param>
internal sealed record NotifySettings(ImmutableArray<string> Command, TimeSpan BeforeEnd, TimeSpan Timeout, int Tries)
{
    /// <summary>Sends no notices.</summary>
    public static readonly NotifySettings Nobody = new([], TimeSpan.FromMinutes(15), TimeSpan.FromSeconds(10), 20);

    /// <summary>The web servers that receive notices.</summary>
    public ImmutableArray<WebhookSettings> Webhooks { get; init; } = [];

    /// <summary>The channels of Slack that show notices.</summary>
    public ImmutableArray<SlackSettings> Slack { get; init; } = [];

    /// <summary>The settings of mail to people; null for no mail.</summary>
    public MailSettings? Mail { get; init; }
}

/// <summary>A web server that receives notices, the audit, or both.</summary>
/// <param name="Name">The name, unique among webhooks.</param>
/// <param name="Url">The address to which notices are posted. It may contain a secret, so it is shown nowhere.</param>
/// <param name="Key">The key that signs notices, as in its file without the line end.</param>
/// <param name="Filter">The notices that it receives.</param>
internal sealed record WebhookSettings(string Name, Uri Url, ImmutableArray<byte> Key, NoticeFilter Filter)
{
    /// <summary>The events of the audit that it receives; empty for none.</summary>
    public ImmutableArray<NamePattern> Audit { get; init; } = [];

    /// <summary>Whether it receives notices. One for the audit does so only if it says which.</summary>
    public bool GetsNotices { get; init; } = true;
}

/// <summary>A channel of Slack that shows notices.</summary>
/// <param name="Name">The name, unique among webhooks.</param>
/// <param name="Api">The address of the Web API, with a slash at its end.</param>
/// <param name="Channel">The ID or the name of the channel.</param>
/// <param name="Token">The token of the bot; shown nowhere.</param>
/// <param name="Filter">The notices that it shows.</param>
internal sealed record SlackSettings(string Name, Uri Api, string Channel, string Token, NoticeFilter Filter)
{
    /// <summary>Where Slack itself is.</summary>
    public static readonly Uri Official = new("https://slack.com/api/");

    // Replaces the record's own text, which would contain the token.
    public override string ToString() => Name;
}

/// <summary>How mail is encrypted on its way to the server.</summary>
internal enum MailTls
{
    StartTls,
    Implicit,
    None,
}

/// <summary>The mail server that accepts the daemon's mail.</summary>
/// <param name="Server">The server's name, which its certificate must contain.</param>
/// <param name="Port">The port of the server.</param>
/// <param name="Tls">The encryption; without it, nothing is sent.</param>
/// <param name="Account">The user name and password for the server; null to send without.</param>
/// <param name="From">The address of the sender.</param>
/// <param name="Filter">The notices that people receive.</param>
internal sealed record MailSettings(string Server, int Port, MailTls Tls, MailAccount? Account, MailboxAddress From, NoticeFilter Filter)
{
    /// <summary>The address of a user whom groups define, with <c>{user}</c> for their name; null if they get no mail.</summary>
    public string? AddressTemplate { get; init; }

    /// <summary>Parses an address without a name, with a domain; null if the text is anything else.</summary>
    public static MailboxAddress? ParseAddress(string text) => ParseSender(text) is { } mailbox && mailbox.Address == text ? mailbox : null;

    /// <summary>Parses an address, with or without a name before it; null if the text is anything else.</summary>
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

/// <summary>The daemon's account on a mail server.</summary>
internal sealed record MailAccount(string User, string Password)
{
    // Replaces the record's own text, which would contain the password.
    public override string ToString() => User;
}
