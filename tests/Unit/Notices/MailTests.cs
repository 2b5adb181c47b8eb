using System.Text;
using CertAuthority.Configuration;
using CertAuthority.Notices;
using CertAuthority.Protocol;
using MimeKit;

namespace CertAuthority.Tests.Unit.Notices;

public class MailTests
{
    [Fact]
    public void Message_has_one_recipient_and_is_marked_as_automatic()
    {
        using var message = Written(Told.Of("request.created", "tonight é"));
        Assert.Equal(
            ("\"CertAuthority\" <ca@example.com>", "bob@example.com", "alice asks for dba, web", "auto-generated", Told.Id),
            (message.From.ToString(), message.To.ToString(), message.Subject, message.Headers[HeaderId.AutoSubmitted], message.Headers["X-CertAuthority-Event-Id"]));
        Assert.Equal(Told.Now, message.Date);
        Assert.Equal("text/plain", message.Body!.ContentType.MimeType);
        Assert.Contains("reason: tonight é\n", message.TextBody!.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Message_ID_is_unique_to_its_event_and_address()
    {
        using var first = Written(Told.Of("request.created"));
        using var again = Written(Told.Of("request.created") with { Attempt = 7 });
        using var other = Written(Told.Of("request.created"), "carol@example.com");
        Assert.Matches("^b48cc9ff-d730-4f59-a5fd-e60383ff6ce2\\.[0-9a-f]{16}@example\\.com$", first.MessageId);
        Assert.Equal(first.MessageId, again.MessageId);
        Assert.NotEqual(first.MessageId, other.MessageId);
    }

    [Fact]
    public void Messages_of_one_request_are_a_thread_for_each_address()
    {
        using var first = Written(Told.Of("request.created"));
        foreach (var what in (string[])["request.reviewed", "request.approved", "access.ending"])
        {
            using var next = Written(Told.Of(what));
            Assert.Matches($"^{Told.Id}\\.[0-9a-f]{{16}}@example\\.com$", next.MessageId);
            Assert.Equal((first.MessageId, first.MessageId), (next.InReplyTo, Assert.Single(next.References)));
        }
        using var other = Written(Told.Of("request.approved"), "carol@example.com");
        Assert.NotEqual(first.MessageId, other.InReplyTo);
        Assert.Null(first.InReplyTo);
        Assert.Empty(first.References);
    }

    [Theory]
    [InlineData("a reason", "\r\nBcc: eve@example.com\r\n\r\nhello", "root")]
    [InlineData("an account", "", "root\r\nBcc: eve@example.com\r\n\r\nhello")]
    [InlineData("an account with a bare line end", "", "root\nBcc: eve@example.com\n\nhello")]
    public void User_text_cannot_add_a_header_or_end_the_headers(string what, string answer, string by)
    {
        using var message = Written(Told.Of("request.denied", answer, answer, by));
        Assert.True(message.Bcc.Count == 0 && message.To.Count == 1 && message.Headers.Count(header => header.Id == HeaderId.Subject) == 1, what);
        Assert.StartsWith("alice's request for dba, web was denied by root", message.Subject, StringComparison.Ordinal);
        Assert.StartsWith("alice's request", message.TextBody, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bob@example.com", true)]
    [InlineData("b.o+b@mail.example.com", true)]
    [InlineData("Bob <bob@example.com>", false)]
    [InlineData("<bob@example.com>", false)]
    [InlineData("bob@example.com, eve@example.com", false)]
    [InlineData("bob@example.com\r\nRCPT TO:<eve@example.com>", false)]
    [InlineData("bob@example.com>\nBcc: eve@example.com", false)]
    [InlineData("<@relay.example.com:bob@example.com>", false)]
    [InlineData("team: bob@example.com;", false)]
    [InlineData("bob@example.com (home)", false)]
    [InlineData("bob @example.com", false)]
    [InlineData("bob", false)]
    [InlineData("@example.com", false)]
    [InlineData("-oQ/tmp@", false)]
    [InlineData("", false)]
    public void Only_a_bare_address_is_accepted(string text, bool isAddress) => Assert.Equal(isAddress, MailSettings.ParseAddress(text) is not null);

    [Fact]
    public async Task Invalid_address_gets_no_mail_and_no_retry()
    {
        var telling = await Mail.Send(Told.Mail(), new Attempt(Told.Of("request.created"), "bob@", Told.Now), TimeSpan.FromSeconds(1), CancellationToken.None);
        Assert.Equal(new DeliveryResult("\"bob@\" is no mail address", IsHopeless: true), telling);
    }

    /// <summary>As it is read at the other end.</summary>
    private static MimeMessage Written(Notification told, string to = "bob@example.com")
    {
        using var message = Mail.Message(Told.Mail(), told, MailSettings.ParseAddress(to)!);
        using var bytes = new MemoryStream();
        message.WriteTo(bytes);
        Assert.DoesNotContain("\nBcc:", Encoding.UTF8.GetString(bytes.ToArray()), StringComparison.OrdinalIgnoreCase);
        return MimeMessage.Load(new MemoryStream(bytes.ToArray()));
    }
}
