using System.Collections.Immutable;
using System.Net;
using System.Text;
using CertAuthority.Access.Notices;
using CertAuthority.Access.Values;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using MimeKit;

namespace CertAuthority.Configuration;

/// <summary>
/// Reads the part of <c>certauthority.yaml</c> that configures notifications. It reads the secrets too, so an unusable secret is a fault of
/// the configuration.
/// </summary>
internal static class NotifySection
{
    // Half of the strength of SHA-256. A shorter key can be guessed from one message.
    private const int ShortestKey = 16;

    /// <param name="notify">The part of the configuration.</param>
    /// <param name="defaults">The values of settings that the part does not contain.</param>
    /// <param name="account">The uid that the daemon runs as, when root checks its files; null for the uid of this process.</param>
    public static NotifySettings Read(FieldReader notify, NotifySettings defaults, uint? account)
    {
        var command = notify.Texts("command");
        if (command is [var program, ..] && !Path.IsPathFullyQualified(program.Text))
            notify.Fault(program.At, "notify.command starts with the absolute path of a program");
        else if (command is [var run, ..] && !run.Text.Contains('\0', StringComparison.Ordinal)
            && TrustedPath.Fault(run.Text, account) is { } exposed)
            notify.Fault(run.At, $"notify.command: {exposed}");
        foreach (var (text, at) in command)
            if (text.Contains('\0', StringComparison.Ordinal))
                notify.Fault(at, "notify.command takes words without NUL characters");
        var (webhooks, slack) = Webhooks(notify, account);
        var read = defaults with
        {
            Command = [.. command.Select(word => word.Text)],
            BeforeEnd = notify.Duration("before_end", TimeSpan.FromSeconds(1), TimeSpan.FromDays(7)) ?? defaults.BeforeEnd,
            Timeout = notify.Duration("timeout", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)) ?? defaults.Timeout,
            Tries = notify.Number("tries", 1, 100) ?? defaults.Tries,
            Webhooks = webhooks,
            Slack = slack,
            Mail = Mail(notify.Map("mail"), account),
        };
        notify.Done();
        return read;
    }

    private static (ImmutableArray<WebhookSettings>, ImmutableArray<SlackSettings>) Webhooks(FieldReader notify, uint? account)
    {
        var (webhooks, slack) = (ImmutableArray.CreateBuilder<WebhookSettings>(), ImmutableArray.CreateBuilder<SlackSettings>());
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var each in notify.Maps("webhooks"))
        {
            var name = each.Required("name");
            if (name.Length > 0 && !Names.IsName(name))
                each.Fault("name", $"{each.Full("name")} takes a name such as chat: {Names.Form}");
            if (name.Length > 0 && !names.Add(name))
                each.Fault("name", $"there is another webhook with the name \"{name}\"");
            if (each.Text("kind") is { } kind)
            {
                if (kind != "slack")
                    each.Fault("kind", $"{each.Full("kind")} takes slack; without it, the webhook gets signed JSON");
                if (SlackChannel(each, name, account) is { } channel)
                    slack.Add(channel);
                continue;
            }
            var url = Url(each, account);
            var key = Secret(each, "secret_file", account, required: true);
            if (key?.Length < ShortestKey)
                each.Fault(
                    "secret_file",
                    $"{each.Full("secret_file")}: the secret has less than {ShortestKey} bytes; make one with: openssl rand -hex 32");
            var filter = Filter(each, NoticeEvents.All);
            var audit = Audit(each);
            each.Done();
            if (url is not null && key is not null)
                webhooks.Add(new WebhookSettings(name, url, [.. key], filter)
                {
                    Audit = audit,
                    GetsNotices = audit.IsEmpty || !filter.Events.IsEmpty || !filter.Roles.IsEmpty,
                });
        }
        return (webhooks.ToImmutable(), slack.ToImmutable());
    }

    /// <summary>Reads which entries of the audit a webhook gets: <c>true</c> for all of them, or names and globs.</summary>
    private static ImmutableArray<NamePattern> Audit(FieldReader webhook)
    {
        var wanted = webhook.TextsUnlessEmpty("audit", "nothing of the audit");
        if (wanted is [var (word, _)] && (FieldReader.IsYes(word) || FieldReader.IsNo(word)))
            return FieldReader.IsYes(word) ? [NamePattern.TryParse("*", out _)!] : [];
        var patterns = ImmutableArray.CreateBuilder<NamePattern>();
        foreach (var (text, at) in wanted)
            if (NamePattern.TryParse(text, out var fault) is not { } pattern)
                webhook.Fault(at, $"{webhook.Full("audit")}: {fault}");
            else if (!AuditEvents.All.Any(one => pattern.Matches(one.Name)))
                webhook.Fault(at, $"{webhook.Full("audit")} takes true, or events of the audit such as certificate.*; none is called \"{text}\"");
            else
                patterns.Add(pattern);
        return patterns.ToImmutable();
    }

    private static SlackSettings? SlackChannel(FieldReader each, string name, uint? account)
    {
        var channel = each.Required("channel");
        if (channel.Length > 0 && !channel.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '#'))
            each.Fault("channel", $"{each.Full("channel")} takes the ID of a channel, such as C0123456789");
        var secret = Secret(each, "token_file", account, required: true);
        var token = secret is null ? null : Encoding.UTF8.GetString(secret);
        if (token?.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') == false)
            each.Fault("token_file", $"{each.Full("token_file")}: the file contains something else than a token such as xoxb-1234-abcd");
        var text = each.Text("url");
        var api = text is null ? SlackSettings.Official : Address(text.EndsWith('/') ? text : text + "/");
        if (api is null)
            each.Fault("url", $"{each.Full("url")} takes an https:// address without a user or a fragment; http:// only to this host");
        var filter = Filter(each, NoticeEvents.All);
        each.Done();
        return api is null || token is null ? null : new SlackSettings(name, api, channel, token, filter);
    }

    // The URLs of chats are secrets, so they may be in a file of their own.
    private static Uri? Url(FieldReader webhook, uint? account)
    {
        var plain = webhook.Text("url");
        var secret = Secret(webhook, "url_file", account, required: false);
        var field = webhook.Entries.Any(entry => entry.Key.Text == "url_file") ? "url_file" : "url";
        if (plain is null == (field == "url"))
        {
            webhook.Fault("a webhook has a url or a url_file, and not both");
            return null;
        }
        if (plain is null && secret is null)
            return null;
        var text = plain ?? Encoding.UTF8.GetString(secret!);
        if (Address(text) is { } url)
            return url;
        webhook.Fault(field, $"{webhook.Full(field)} takes an https:// address without a user or a fragment; http:// only to this host");
        return null;
    }

    private static Uri? Address(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url)
            && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))
            && url.UserInfo.Length == 0 && url.Fragment.Length == 0 ? url : null;

    private static MailSettings? Mail(FieldReader mail, uint? account)
    {
        if (mail.Entries.Count == 0)
            return null;
        var server = mail.Required("server");
        if (server.Length > 0 && Uri.CheckHostName(server) == UriHostNameType.Unknown)
            mail.Fault("server", $"{mail.Full("server")} takes the name or the address of a host");
        var tls = Tls(mail);
        if (tls == MailTls.None && !IsThisHost(server))
            mail.Fault("tls", $"{mail.Full("tls")} may be none only to this host: 127.0.0.1, ::1 or localhost");
        var port = mail.Number("port", 1, 65_535) ?? tls switch { MailTls.StartTls => 587, MailTls.Implicit => 465, _ => 25 };
        var from = mail.Required("from");
        var sender = MailSettings.ParseSender(from);
        if (sender is null && from.Length > 0)
            mail.Fault(
                "from",
                $"{mail.Full("from")} takes an address such as certauthority@example.com, which may have a name before it: CertAuthority <certauthority@example.com>");
        var login = Account(mail, tls, account);
        var template = AddressTemplate(mail);
        var filter = Filter(mail, NoticeEvents.OfRequests);
        mail.Done();
        return new MailSettings(server, port, tls, login, sender ?? new MailboxAddress("", ""), filter) { AddressTemplate = template };
    }

    // The name must be in the local part: the site chooses the domain that gets its mail.
    private static string? AddressTemplate(FieldReader mail)
    {
        const string Name = Recipients.NameInTemplate;
        if (mail.Text("address_template") is not { } text)
            return null;
        if (text.Split(Name) is not [_, var rest] || rest.Split('@').Length != 2
            || MailSettings.ParseAddress(text.Replace(Name, "user", StringComparison.Ordinal)) is null)
            mail.Fault("address_template", $"{mail.Full("address_template")} takes an address with {Name} once before the @: {Name}@example.com");
        return text;
    }

    private static MailAccount? Account(FieldReader mail, MailTls tls, uint? account)
    {
        var user = mail.Text("user");
        if (user is null)
        {
            if (Secret(mail, "password_file", account, required: false) is not null)
                mail.Fault("password_file", $"{mail.Full("password_file")} is of no use without {mail.Full("user")}");
            return null;
        }
        if (user.Length == 0 || !Names.IsPlainText(user))
            mail.Fault("user", $"{mail.Full("user")} takes plain text without control characters");
        if (tls == MailTls.None)
            mail.Fault("user", $"{mail.Full("user")} wants TLS: a password is not sent in clear");
        return new MailAccount(user, Encoding.UTF8.GetString(Secret(mail, "password_file", account, required: true) ?? []));
    }

    private static MailTls Tls(FieldReader mail)
    {
        switch (mail.Text("tls"))
        {
            case null or "starttls": return MailTls.StartTls;
            case "implicit": return MailTls.Implicit;
            case "none": return MailTls.None;
            default:
                mail.Fault("tls", $"{mail.Full("tls")} takes starttls, implicit or none");
                return MailTls.StartTls;
        }
    }

    private static NoticeFilter Filter(FieldReader receiver, ImmutableArray<string> possible)
    {
        var (events, wanted) = (receiver.TextsUnlessEmpty("events", "all events"), receiver.TextsUnlessEmpty("roles", "all roles"));
        foreach (var (text, at) in events)
            if (!NoticeEvents.All.Contains(text))
                receiver.Fault(at, $"there is no event \"{text}\"; there are {string.Join(", ", possible)}");
            else if (!possible.Contains(text))
                receiver.Fault(at, $"mail reaches people whom a request concerns; {text} goes to the command and to webhooks");
            else if (NoticeEvents.OfSite.Contains(text) && !wanted.IsEmpty)
                receiver.Fault(at, $"{text} is about no role, so it goes to webhooks without {receiver.Full("roles")}");
        var roles = ImmutableArray.CreateBuilder<NamePattern>();
        foreach (var (text, at) in wanted)
            if (NamePattern.TryParse(text, out var fault) is { } pattern)
                roles.Add(pattern);
            else
                receiver.Fault(at, $"{receiver.Full("roles")}: {fault}");
        return new NoticeFilter([.. events.Select(one => one.Text)], roles.ToImmutable());
    }

    /// <summary>
    /// Returns the content of a file that the configuration names; null, with a fault, if it cannot be used; null if none is named.
    /// </summary>
    private static byte[]? Secret(FieldReader receiver, string field, uint? account, bool required)
    {
        var path = required ? receiver.Required(field) : receiver.Text(field);
        if (path is null or "")
            return null;
        try
        {
            if (!Path.IsPathFullyQualified(path))
                receiver.Fault(field, $"{receiver.Full(field)} takes an absolute path");
            else if (OwnFile.ReadSecret(path, account) is { Length: > 0 } secret)
                return secret;
            else
                receiver.Fault(field, $"{receiver.Full(field)}: {path} is empty");
        }
        catch (Exception e) when (e is ExposedException or IOException or UnauthorizedAccessException)
        {
            // Whatever keeps the file from being read is a fault of this line.
            receiver.Fault(field, $"{receiver.Full(field)}: {e.Message}");
        }
        return null;
    }

    private static bool IsThisHost(string server) =>
        server == "localhost" || (IPAddress.TryParse(server, out var address) && IPAddress.IsLoopback(address));
}
