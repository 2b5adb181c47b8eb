using System.Text.RegularExpressions;
using CertAuthority.Access.Notices;
using CertAuthority.Configuration;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>docs/notices.md has every event, every member of what is posted, and configurations that are taken.</summary>
public class NoticesDocumentTests
{
    private static readonly Document Notices = Document.Read("docs/notices.md");

    [Fact]
    public void The_first_table_has_every_event() =>
        Assert.Equal(NoticeEvents.All.ToArray(), Notices.Rows.SkipWhile(row => row is not ["event", "when"]).Skip(1).TakeWhile(row => row is not ["member", ..]).Select(row => row[0]));

    [Fact]
    public void Documented_members_are_the_posted_ones() =>
        Assert.Equal(
            ProtocolJson.Strict.Of<Notification>().Properties.Select(member => member.Name).Order(StringComparer.Ordinal),
            Notices.Rows.SkipWhile(row => row is not ["member", ..]).Skip(1).TakeWhile(row => row is not ["event", "who gets mail"]).Select(row => row[0]).Order(StringComparer.Ordinal));

    [Fact]
    public void Every_sample_configuration_is_accepted()
    {
        using var folder = new Unit.Store.TemporaryFolder();
        var configurations = Notices.Blocks.Where(block => block.Info == "yaml" && block.Content.StartsWith("notify:", StringComparison.Ordinal)).Select(block => block.Content).ToList();
        Assert.Equal(4, configurations.Count);
        foreach (var secret in (string[])["chat.url", "chat.key", "mail.password", "slack.token"])
        {
            File.WriteAllText(folder.File(secret), secret == "slack.token" ? "xoxb-1234-abcd\n" : "https://hooks.example.com/T000\n");
            File.SetUnixFileMode(folder.File(secret), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        foreach (var text in configurations)
        {
            File.WriteAllText(folder.File("c.yaml"), text.Replace("/etc/certauthority/", $"{folder.Path}/", StringComparison.Ordinal));
            ConfigurationFile.Read(folder.File("c.yaml"), Settings.Default());
        }
    }

    [Fact]
    public void The_sample_has_every_key_of_webhooks_and_mail()
    {
        var sample = File.ReadAllText(Path.Combine(Document.Root, "config", "certauthority.yaml"));
        var keys = Regex.Matches(sample[sample.IndexOf("notify:", StringComparison.Ordinal)..], "^  #   (?<key>[a-z_]+): ", RegexOptions.Multiline).Select(key => key.Groups["key"].Value);
        Assert.Equal(
            ["name", "url", "url_file", "secret_file", "events", "roles", "audit", "kind", "channel", "token_file", "server", "port", "tls", "user", "password_file", "from", "address_template", "events", "roles"], keys);
    }
}
