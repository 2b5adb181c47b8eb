using Microsoft.Net.Http.Headers;

namespace CertAuthority.Ui.Serving;

/// <summary>Decides which calls reach a page. Everything that it reads of a call may be forged by somebody else on this host.</summary>
/// <param name="authority">The only value of the header Host: <c>127.0.0.1:PORT</c>.</param>
/// <param name="entry">The token and the session.</param>
internal sealed class Door(string authority, Entry entry)
{
    private const string FormType = "application/x-www-form-urlencoded";

    /// <summary>The name of the cookie. Cookies belong to a host and not to a port, so each page has a name of its own.</summary>
    public string Cookie { get; } = $"certauthority-{authority[(authority.IndexOf(':') + 1)..]}";

    /// <summary>Why a call is refused whatever it asks for, with the status; null if it is not.</summary>
    /// <param name="call">The call.</param>
    public (int Status, string Why)? Refusal(Call call) => call switch
    {
        { IsOurs: false } => (403, "this page belongs to another account of this host"),
        // Another name that leads here (DNS rebinding) would make a foreign page one of our origin.
        { Host: var host } when host != authority => (421, $"this page is http://{authority} and nothing else"),
        { Method: "GET" } => null,
        { Method: not "POST" } => (405, "only GET and POST are served"),
        { Origin: var origin } when origin != $"http://{authority}" => (403, "this form was not sent by this page"),
        { ContentType: var type } when !MediaTypeHeaderValue.TryParse(type, out var media) || media.MediaType != FormType =>
            (415, "only forms are accepted"),
        _ => null,
    };

    /// <summary>Whether a call comes from the browser that presented the token.</summary>
    /// <param name="cookie">The value of its cookie.</param>
    public bool Admits(string? cookie) => entry.Admits(cookie);
}

/// <summary>What the door looks at.</summary>
/// <param name="IsOurs">Whether the socket at the other end is one of the account that started the page.</param>
/// <param name="Method">The method.</param>
/// <param name="Host">The header Host.</param>
/// <param name="Origin">The header Origin; null if there is none.</param>
/// <param name="ContentType">The header Content-Type.</param>
internal sealed record Call(bool IsOurs, string Method, string Host, string? Origin = null, string? ContentType = null);
