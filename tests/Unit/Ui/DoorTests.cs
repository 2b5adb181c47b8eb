using CertAuthority.Ui.Serving;

namespace CertAuthority.Tests.Unit.Ui;

/// <summary>Which calls reach the page.</summary>
public class DoorTests
{
    private const string Authority = "127.0.0.1:8022";
    private const string Form = "application/x-www-form-urlencoded";

    private static readonly Entry Entry = new();
    private static readonly Door Door = new(Authority, Entry);

    [Theory]
    [InlineData(true, "GET", Authority, null, null, null)]
    [InlineData(true, "GET", Authority, "http://evil.example", null, null)]
    [InlineData(true, "POST", Authority, "http://127.0.0.1:8022", Form, null)]
    [InlineData(true, "POST", Authority, "http://127.0.0.1:8022", Form + "; charset=utf-8", null)]
    [InlineData(false, "GET", Authority, null, null, 403)]
    [InlineData(true, "GET", "localhost:8022", null, null, 421)]
    [InlineData(true, "GET", "127.0.0.1", null, null, 421)]
    [InlineData(true, "GET", "", null, null, 421)]
    [InlineData(true, "HEAD", Authority, null, null, 405)]
    [InlineData(true, "get", Authority, null, null, 405)]
    [InlineData(true, "POST", Authority, null, Form, 403)]
    [InlineData(true, "POST", Authority, "", Form, 403)]
    [InlineData(true, "POST", Authority, "null", Form, 403)]
    [InlineData(true, "POST", Authority, "HTTP://127.0.0.1:8022", Form, 403)]
    [InlineData(true, "POST", Authority, "http://127.0.0.1:8022/", Form, 403)]
    [InlineData(true, "POST", Authority, "http://127.0.0.1:80221", Form, 403)]
    [InlineData(true, "POST", Authority, "http://127.0.0.1:8022", "text/plain", 415)]
    [InlineData(true, "POST", Authority, "http://127.0.0.1:8022", "application/json", 415)]
    [InlineData(true, "POST", Authority, "http://127.0.0.1:8022", null, 415)]
    public void Only_forms_of_the_page_itself_change_something(bool isOurs, string method, string host, string? origin, string? type, int? status) =>
        Assert.Equal(status, Door.Refusal(new Call(isOurs, method, host, origin, type))?.Status);

    [Fact]
    public void Token_is_exchanged_once_and_only_then_the_cookie_admits()
    {
        var entry = new Entry();
        Assert.Equal(43, entry.Token.Length);
        Assert.False(entry.Admits(""));
        foreach (var wrong in (string[])["", "x", entry.Token[..^1], entry.Token + "A", entry.Token.ToLowerInvariant() + "\u0130"])
            Assert.Null(entry.Exchange(wrong));
        Assert.False(entry.IsUsed);
        var session = entry.Exchange(entry.Token);
        Assert.NotNull(session);
        Assert.NotEqual(entry.Token, session);
        Assert.Null(entry.Exchange(entry.Token));
        Assert.True(entry.Admits(session));
        foreach (var wrong in (string?[])[null, "", entry.Token, session[..^1], session + "A"])
            Assert.False(entry.Admits(wrong));
    }

    [Fact]
    public void Cookies_of_two_pages_have_two_names() => Assert.NotEqual(Door.Cookie, new Door("127.0.0.1:8023", Entry).Cookie);

    [Theory]
    [InlineData("request", "a b&c=d", "/request?id=a%20b%26c%3Dd")]
    [InlineData("request", null, "/")]
    [InlineData("//evil.example", "x", "/")]
    [InlineData("mine", null, "/mine")]
    public void Form_leads_only_to_pages_of_ours(string back, string? id, string path) => Assert.Equal(path, Places.Back(back, id));
}
