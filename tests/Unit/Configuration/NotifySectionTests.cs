using System.Text;
using CertAuthority.Configuration;

namespace CertAuthority.Tests.Unit.Configuration;

/// <summary>Webhooks and mail in the configuration. KEY, PASSWORD, URL, TOKEN, OPEN, SHORT, EMPTY and NONE stand for the paths of files.</summary>
public sealed class NotifySectionTests : IDisposable
{
    private const string Mail = "server: mail.example.com, from: ca@example.com";

    private readonly TemporaryFolder folder = new();

    public NotifySectionTests()
    {
        Secret("KEY", "0123456789abcdef\n");
        Secret("PASSWORD", "hunter2\n");
        Secret("URL", "https://chat.example.com/hooks/s3cret\n");
        Secret("TOKEN", "xoxb-1234-abcd\n");
        Secret("OPEN", "0123456789abcdef\n", UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Secret("SHORT", "0123456789abcde\n");
        Secret("EMPTY", "\n");
    }

    [Fact]
    public void Webhook_has_an_address_a_key_and_a_filter()
    {
        var webhooks = Read("""
            webhooks:
              - {name: chat, url_file: URL, secret_file: KEY, events: [request.created, access.ending], roles: [dba, 'prod-*', '^db-.*$']}
              - {name: here, url: "http://127.0.0.1:8080/hook?a=b", secret_file: KEY}
            """).Webhooks;
        Assert.Equal(["chat https://chat.example.com/hooks/s3cret", "here http://127.0.0.1:8080/hook?a=b"], webhooks.Select(one => $"{one.Name} {one.Url.AbsoluteUri}"));
        Assert.Equal("0123456789abcdef", Encoding.UTF8.GetString(webhooks[0].Key.AsSpan()));
        Assert.Equal(
            ("request.created access.ending", "dba prod-* ^db-.*$"), (string.Join(' ', webhooks[0].Filter.Events), string.Join(' ', webhooks[0].Filter.Roles.Select(role => role.Text))));
        Assert.True(webhooks[1].Filter is { Events.IsEmpty: true, Roles.IsEmpty: true });
    }

    [Fact]
    public void Slack_channel_has_a_token_and_the_address_of_Slack()
    {
        var notify = Read("webhooks: [{name: team, kind: slack, channel: C0123456789, token_file: TOKEN, roles: [dba]}, {name: here, kind: slack, channel: '#ops', token_file: TOKEN, url: 'http://127.0.0.1:8080/api'}]");
        Assert.Equal(
            ["team https://slack.com/api/ C0123456789 xoxb-1234-abcd dba", "here http://127.0.0.1:8080/api/ #ops xoxb-1234-abcd "],
            notify.Slack.Select(one => $"{one.Name} {one.Api} {one.Channel} {one.Token} {string.Join(' ', one.Filter.Roles.Select(role => role.Text))}"));
        Assert.Empty(notify.Webhooks);
        Assert.DoesNotContain("xoxb", notify.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Webhook_can_receive_host_events() =>
        Assert.Equal(
            ["hosts.stale", "request.created", "hosts.fresh"],
            Read("webhooks: [{name: chat, url_file: URL, secret_file: KEY, events: [hosts.stale, request.created, hosts.fresh]}]").Webhooks[0].Filter.Events.ToArray());

    [Theory]
    [InlineData("", "587 StartTls  ")]
    [InlineData("tls: starttls, port: 25", "25 StartTls  ")]
    [InlineData("tls: implicit, user: ca, password_file: PASSWORD", "465 Implicit ca hunter2")]
    public void Mail_is_sent_over_TLS(string more, string sent)
    {
        var mail = Read($"mail: {{{Mail}, {more}}}".Replace(", }", "}", StringComparison.Ordinal)).Mail!;
        Assert.Equal($"mail.example.com ca@example.com {sent}", $"{mail.Server} {mail.From.Address} {mail.Port} {mail.Tls} {mail.Account?.User} {mail.Account?.Password}");
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1")]
    [InlineData("\"::1\"")]
    public void Mail_to_this_host_can_do_without_TLS(string server) =>
        Assert.Equal((MailTls.None, 25), Read($"mail: {{server: {server}, tls: none, from: CertAuthority <ca@example.com>}}").Mail is { } mail ? (mail.Tls, mail.Port) : default);

    [Fact]
    public void Address_template_names_the_user_before_the_domain() =>
        Assert.Equal("{user}.ssh@example.com", Read($"mail: {{{Mail}, address_template: '{{user}}.ssh@example.com'}}").Mail!.AddressTemplate);

    [Fact]
    public void Empty_section_has_no_receivers() => Assert.True(Read("webhooks: []\n  mail: {}") is { Webhooks.IsEmpty: true, Mail: null });

    [Theory]
    [InlineData("{url: https://a.example, secret_file: KEY}", "3:7: notify.webhooks.name is missing")]
    [InlineData("{name: A b, url: https://a.example, secret_file: KEY}", "3:14: notify.webhooks.name takes a name such as chat: ^[a-z0-9][a-z0-9._-]{0,62}$")]
    [InlineData("{name: a, secret_file: KEY}", "3:7: a webhook has a url or a url_file, and not both")]
    [InlineData("{name: a, url: https://a.example, url_file: URL, secret_file: KEY}", "3:7: a webhook has a url or a url_file, and not both")]
    [InlineData("{name: a, url: http://a.example, secret_file: KEY}", "3:22: notify.webhooks.url takes an https:// address without a user or a fragment; http:// only to this host")]
    [InlineData("{name: a, url: https://u:p@a.example, secret_file: KEY}", "3:22: notify.webhooks.url takes an https:// address without a user or a fragment; http:// only to this host")]
    [InlineData("{name: a, url: file:///etc/passwd, secret_file: KEY}", "3:22: notify.webhooks.url takes an https:// address without a user or a fragment; http:// only to this host")]
    [InlineData("{name: a, url: /hook, secret_file: KEY}", "3:22: notify.webhooks.url takes an https:// address without a user or a fragment; http:// only to this host")]
    [InlineData("{name: a, url_file: PASSWORD, secret_file: KEY}", "3:27: notify.webhooks.url_file takes an https:// address without a user or a fragment; http:// only to this host")]
    [InlineData("{name: a, url: https://a.example}", "3:7: notify.webhooks.secret_file is missing")]
    [InlineData("{name: a, url: https://a.example, secret_file: key}", "3:54: notify.webhooks.secret_file takes an absolute path")]
    [InlineData("{name: a, url: https://a.example, secret_file: SHORT}", "3:54: notify.webhooks.secret_file: the secret has less than 16 bytes; make one with: openssl rand -hex 32")]
    [InlineData("{name: a, url: https://a.example, secret_file: EMPTY}", "3:54: notify.webhooks.secret_file: FOLDER/EMPTY is empty")]
    [InlineData("{name: a, url: https://a.example, secret_file: OPEN}", "3:54: notify.webhooks.secret_file: FOLDER/OPEN has mode 0440, so that others can use it; run: chmod 600 FOLDER/OPEN")]
    [InlineData("{name: a, url: https://a.example, secret_file: NONE}", "3:54: notify.webhooks.secret_file: Could not find file 'FOLDER/NONE'.")]
    [InlineData("{name: a, url: https://a.example, secret_file: KEY, events: [request.made]}", "3:FROM: there is no event \"request.made\"; there are request.created, request.reviewed, request.approved, request.denied, request.cancelled, access.ending, hosts.stale, hosts.fresh, hosts.contested, disk.low, disk.fine")]
    [InlineData("{name: a, url: https://a.example, secret_file: KEY, events: [request.created, hosts.fresh], roles: [dba]}", "3:FROM: hosts.fresh is about no role, so it goes to webhooks without notify.webhooks.roles")]
    [InlineData("{name: a, url: https://a.example, secret_file: KEY, roles: ['^($']}", "3:FROM: notify.webhooks.roles: a group is not closed")]
    [InlineData("{name: a, url: https://a.example, secret_file: KEY, header: b}", "3:FROM: notify.webhooks has no field \"header\"")]
    [InlineData("{name: a, kind: teams, channel: C1, token_file: TOKEN}", "3:FROM: notify.webhooks.kind takes slack; without it, the webhook gets signed JSON")]
    [InlineData("{name: a, kind: slack, token_file: TOKEN}", "3:7: notify.webhooks.channel is missing")]
    [InlineData("{name: a, kind: slack, channel: C1}", "3:7: notify.webhooks.token_file is missing")]
    [InlineData("{name: a, kind: slack, channel: 'C1 C2', token_file: TOKEN}", "3:FROM: notify.webhooks.channel takes the ID of a channel, such as C0123456789")]
    [InlineData("{name: a, kind: slack, channel: C1, token_file: URL}", "3:FROM: notify.webhooks.token_file: the file contains something else than a token such as xoxb-1234-abcd")]
    [InlineData("{name: a, kind: slack, channel: C1, token_file: OPEN}", "3:FROM: notify.webhooks.token_file: FOLDER/OPEN has mode 0440, so that others can use it; run: chmod 600 FOLDER/OPEN")]
    [InlineData("{name: a, kind: slack, channel: C1, token_file: TOKEN, url: http://slack.com/api}", "3:FROM: notify.webhooks.url takes an https:// address without a user or a fragment; http:// only to this host")]
    [InlineData("{name: a, kind: slack, channel: C1, token_file: TOKEN, secret_file: KEY}", "3:FROM: notify.webhooks has no field \"secret_file\"")]
    public void Invalid_webhook_is_rejected_with_its_place(string webhook, string told) => Refused($"webhooks:\n    - {webhook}", told);

    [Fact]
    public void Webhook_names_are_unique() =>
        Refused("webhooks:\n    - {name: a, url: https://a.example, secret_file: KEY}\n    - {name: a, url: https://b.example, secret_file: KEY}", "4:14: there is another webhook with the name \"a\"");

    [Theory]
    [InlineData("{from: ca@example.com}", "2:9: notify.mail.server is missing")]
    [InlineData("{server: mail.example.com}", "2:9: notify.mail.from is missing")]
    [InlineData("{server: 'mail.example.com:25', from: ca@example.com}", "2:18: notify.mail.server takes the name or the address of a host")]
    [InlineData("{server: mail.example.com, from: certauthority}", "2:42: notify.mail.from takes an address such as certauthority@example.com, which may have a name before it: CertAuthority <certauthority@example.com>")]
    [InlineData("{server: mail.example.com, from: ca@example.com, tls: maybe}", "2:63: notify.mail.tls takes starttls, implicit or none")]
    [InlineData("{server: mail.example.com, from: ca@example.com, tls: none}", "2:63: notify.mail.tls may be none only to this host: 127.0.0.1, ::1 or localhost")]
    [InlineData("{server: localhost, from: ca@example.com, tls: none, user: ca, password_file: PASSWORD}", "2:68: notify.mail.user wants TLS: a password is not sent in clear")]
    [InlineData("{server: mail.example.com, from: ca@example.com, user: ca}", "2:9: notify.mail.password_file is missing")]
    [InlineData("{server: mail.example.com, from: ca@example.com, password_file: PASSWORD}", "2:73: notify.mail.password_file is of no use without notify.mail.user")]
    [InlineData("{server: mail.example.com, from: ca@example.com, port: 0}", "2:64: notify.mail.port takes a number from 1 to 65535")]
    [InlineData("{server: mail.example.com, from: ca@example.com, events: created}", "2:66: there is no event \"created\"; there are request.created, request.reviewed, request.approved, request.denied, request.cancelled, access.ending")]
    [InlineData("{server: mail.example.com, from: ca@example.com, events: [hosts.stale]}", "2:67: mail reaches people whom a request concerns; hosts.stale goes to the command and to webhooks")]
    [InlineData("{server: mail.example.com, from: ca@example.com, roles: [dba], events: [access.ending, hosts.fresh]}", "2:96: mail reaches people whom a request concerns; hosts.fresh goes to the command and to webhooks")]
    [InlineData("{server: mail.example.com, from: ca@example.com, to: a@example.com}", "2:58: notify.mail has no field \"to\"")]
    [InlineData("{server: mail.example.com, from: ca@example.com, address_template: ca@example.com}", "2:FROM: notify.mail.address_template takes an address with {user} once before the @: {user}@example.com")]
    [InlineData("{server: mail.example.com, from: ca@example.com, address_template: '{user}'}", "2:FROM: notify.mail.address_template takes an address with {user} once before the @: {user}@example.com")]
    [InlineData("{server: mail.example.com, from: ca@example.com, address_template: 'ca@{user}.example.com'}", "2:FROM: notify.mail.address_template takes an address with {user} once before the @: {user}@example.com")]
    [InlineData("{server: mail.example.com, from: ca@example.com, address_template: '{user}{user}@example.com'}", "2:FROM: notify.mail.address_template takes an address with {user} once before the @: {user}@example.com")]
    [InlineData("{server: mail.example.com, from: ca@example.com, address_template: 'x <{user}@example.com>'}", "2:FROM: notify.mail.address_template takes an address with {user} once before the @: {user}@example.com")]
    public void Invalid_mail_settings_are_rejected_with_their_place(string mail, string told) => Refused($"mail: {mail}", told);

    [Fact]
    public void No_secret_is_shown_with_the_settings()
    {
        var notify = Read($"mail: {{{Mail}, user: ca, password_file: PASSWORD}}");
        Assert.DoesNotContain("hunter2", $"{notify} {notify.Mail}", StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();

    // FROM is the place of what is refused last on the line: paths before it are as long as the folder's.
    private void Refused(string notify, string told)
    {
        var (config, fault) = (folder.File("c.yaml"), Assert.Throws<ConfigurationException>(() => Read(notify)).Faults);
        var expected = told.Replace("FOLDER", Path.GetDirectoryName(config), StringComparison.Ordinal);
        var seen = Assert.Single(fault)[(config.Length + 1)..];
        Assert.Equal(expected.Replace("FROM", seen.Split(':')[1], StringComparison.Ordinal), seen);
    }

    private NotifySettings Read(string notify)
    {
        foreach (var name in (string[])["KEY", "PASSWORD", "URL", "TOKEN", "OPEN", "SHORT", "EMPTY", "NONE"])
            notify = notify.Replace($"_file: {name}", $"_file: {folder.File(name)}", StringComparison.Ordinal);
        File.WriteAllText(folder.File("c.yaml"), $"notify:\n  {notify.ReplaceLineEndings("\n")}\n");
        return ConfigurationFile.Read(folder.File("c.yaml"), Settings.Default()).Notify;
    }

    private void Secret(string name, string content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        File.WriteAllText(folder.File(name), content);
        File.SetUnixFileMode(folder.File(name), mode);
    }
}
