using System.Text;

namespace CertAuthority.Access.Values;

/// <summary>
/// Decides which texts may be a name, a login or a reason. Everything that later appears in a certificate, a log line or a terminal is
/// checked here first.
/// </summary>
public static class Names
{
    /// <summary>The longest reason, in bytes of UTF-8.</summary>
    public const int MaxReasonBytes = 4096;

    /// <summary>
    /// The account that the daemon uses to write to hosts. Anyone with this login can name the keys that sshd trusts, so it is equivalent
    /// to root, and no role grants it.
    /// </summary>
    public const string DaemonsLogin = "certauthority-sync";

    /// <summary>
    /// The account that jump hosts have for connections to the hosts behind them. Who may use it follows from who may enter one of these
    /// hosts, so no role grants it.
    /// </summary>
    public const string JumpLogin = "certauthority-jump";

    /// <summary>The form of role and user names, for messages.</summary>
    public const string Form = "^[a-z0-9][a-z0-9._-]{0,62}$";

    /// <summary>
    /// The form of node names, for messages. A node name becomes the host half of a principal, so it contains no underscore.
    /// </summary>
    public const string NodeForm = "^[a-z0-9][a-z0-9.-]{0,62}$";

    /// <summary>The form of Unix logins, for messages.</summary>
    public const string LoginForm = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9.-]{0,63})?$";

    /// <summary>Whether the text may name a role or a user.</summary>
    public static bool IsName(string text) => Fits(text, 63, first: IsLowerOrDigit, rest: c => IsLowerOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>Whether the text may name a node.</summary>
    public static bool IsNodeName(string text) => Fits(text, 63, first: IsLowerOrDigit, rest: c => IsLowerOrDigit(c) || c is '.' or '-');

    /// <summary>
    /// Whether the text may be a Unix login inside a certificate: <c>adam</c>, or <c>adam@corp.example.com</c> on hosts where a directory
    /// adds its domain to each account. A login of digits alone is refused, because programs take it for a uid. Commas are refused, because
    /// sshd before 10.3 split principals there (CVE-2026-35414).
    /// </summary>
    public static bool IsLogin(string text) =>
        text.IndexOf('@') is var at and >= 0 ? IsAccount(text[..at]) && IsLoginDomain(text[(at + 1)..]) : IsAccount(text);

    /// <summary>
    /// Whether the text may be the domain that a directory appends to its accounts, after the <c>@</c>. It contains no <c>@</c> itself, so
    /// a login contains at most one.
    /// </summary>
    public static bool IsLoginDomain(string text) =>
        Fits(text, 64, first: char.IsAsciiLetterOrDigit, rest: c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-');

    /// <summary>Returns the part of a login after the <c>@</c>; null if there is none.</summary>
    /// <param name="login">A login that <see cref="IsLogin"/> allows.</param>
    public static string? DomainOf(string login) => login.IndexOf('@') is var at and >= 0 ? login[(at + 1)..] : null;

    /// <summary>
    /// Whether a role may grant the login. Our own accounts on hosts, <see cref="DaemonsLogin"/> and <see cref="JumpLogin"/>, are never
    /// granted.
    /// </summary>
    public static bool IsGrantable(string login) => IsLogin(login) && login.Split('@')[0] is not (DaemonsLogin or JumpLogin);

    /// <summary>Returns why a text cannot be granted as a login.</summary>
    public static string LoginFault(string text) => text.Split('@')[0] == DaemonsLogin ? "the daemon's own, which no role grants"
        : text.Split('@')[0] == JumpLogin ? "the account of jump hosts, which no role grants"
        : text.Length > 0 && text.All(char.IsAsciiDigit) ? "a number, which programs take for a uid, and not a login"
        : "not a login";

    private static bool IsAccount(string text) =>
        Fits(
            text, 64, first: c => char.IsAsciiLetterOrDigit(c) || c == '_',
            rest: c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-') && !text.All(char.IsAsciiDigit);

    /// <summary>
    /// Whether free text is plain: people see all of it, exactly as it is. Control and formatting characters could reorder or hide what a
    /// reviewer reads, and so could invisible letters and stacks of combining marks.
    /// </summary>
    public static bool IsPlainText(string text)
    {
        var visible = new VisibleText();
        foreach (var rune in text.EnumerateRunes())
            if (!visible.Shows(rune))
                return false;
        return true;
    }

    /// <summary>Returns why a text cannot be a reason; null if it can.</summary>
    public static Refusal? ReasonFault(string reason)
    {
        var bytes = Encoding.UTF8.GetByteCount(reason);
        if (bytes > MaxReasonBytes)
            return new Refusal($"the reason has {bytes} bytes; at most {MaxReasonBytes} are kept", Kind: RefusalKind.Invalid);
        return IsPlainText(reason)
            ? null
            : new Refusal("the reason has control or invisible characters", "write it as one line of plain text", RefusalKind.Invalid);
    }

    /// <summary>Returns names for a sentence: all if there are few, otherwise the first ones and how many more there are.</summary>
    public static string Few(IReadOnlyCollection<string> names)
    {
        // More names would not make a line clearer.
        const int most = 8;
        return names.Count <= most ? string.Join(", ", names) : $"{string.Join(", ", names.Take(most))} and {names.Count - most} more";
    }

    private static bool IsLowerOrDigit(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);

    private static bool Fits(string text, int longest, Func<char, bool> first, Func<char, bool> rest) =>
        text.Length >= 1 && text.Length <= longest && first(text[0]) && text.Skip(1).All(rest);
}
