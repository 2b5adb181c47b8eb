using System.Buffers;
using System.Net;

namespace CertAuthority.Terminal;

/// <summary>
/// Checks names that other people choose and that ssh or a shell will read: only text that cannot be anything but a name is allowed,
/// whatever the daemon has accepted.
/// </summary>
public static class PlainNames
{
    private const string Lower = "abcdefghijklmnopqrstuvwxyz";
    private const string Letters = Lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private const string Digits = "0123456789";
    private static readonly SearchValues<char> Numerals = SearchValues.Create(Digits);
    private static readonly SearchValues<char> NodeStart = SearchValues.Create(Lower + Digits);
    private static readonly SearchValues<char> NodeRest = SearchValues.Create(Lower + Digits + ".-");
    private static readonly SearchValues<char> LoginStart = SearchValues.Create(Letters + Digits + "_");
    private static readonly SearchValues<char> LoginRest = SearchValues.Create(Letters + Digits + "._-");
    private static readonly SearchValues<char> DomainStart = SearchValues.Create(Letters + Digits);
    private static readonly SearchValues<char> DomainRest = SearchValues.Create(Letters + Digits + ".-");

    /// <summary>Checks the name of a node.</summary>
    /// <exception cref="FailureException">It is not the name of a node.</exception>
    public static void CheckNode(string name)
    {
        if (!IsNode(name))
            throw new FailureException($"'{name}' is not the name of a node");
    }

    /// <summary>Whether a text can only be the name of a node.</summary>
    public static bool IsNode(string name) => Fits(name, NodeStart, NodeRest, 63);

    /// <summary>Checks a login.</summary>
    /// <exception cref="FailureException">It is not a login.</exception>
    public static void CheckLogin(string login)
    {
        if (!IsLogin(login))
            throw new FailureException($"'{login}' is not a login");
    }

    /// <summary>
    /// Whether a text can only be a login: <c>adam</c>, or <c>adam@corp.example.com</c> if a directory names its accounts that way.
    /// </summary>
    public static bool IsLogin(string text) =>
        text.Split('@') is [var name, .. var domain] && Fits(name, LoginStart, LoginRest, 64) && name.AsSpan().ContainsAnyExcept(Numerals)
        && domain is [] or [_] && domain.All(one => Fits(one, DomainStart, DomainRest, 64));

    /// <summary>The items of an option for logins.</summary>
    public static (Func<string, bool> Fits, string What) Logins => (IsLogin, "logins such as postgres");

    /// <summary>The items of an option for addresses. What exactly a prefix is, the daemon says.</summary>
    public static (Func<string, bool> Fits, string What) Addresses =>
        (text => IPAddress.TryParse(text.Split('/')[0], out _), "addresses, or prefixes as in 192.0.2.0/24");

    /// <summary>The items of an option for nodes that are requested by name.</summary>
    public static (Func<string, bool> Fits, string What) NodeResources =>
        (text => text.Split('/') is ["node", var name] && IsNode(name), "node/NAME, such as node/db1");

    /// <summary>
    /// Whether a text consists of characters from <paramref name="rest"/>, and begins with one from <paramref name="start"/>.
    /// </summary>
    public static bool Fits(string text, SearchValues<char> start, SearchValues<char> rest, int length) =>
        text.Length > 0 && text.Length <= length && start.Contains(text[0]) && !text.AsSpan().ContainsAnyExcept(rest);
}
