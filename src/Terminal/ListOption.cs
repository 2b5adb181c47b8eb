using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>
/// An option whose value is a list: <c>--roles=access,dba</c>, or given several times. Empty items are ignored, because scripts build lists
/// with stray commas; a list of only empty items is a usage error (<see cref="Shell.IsUnderstood"/>).
/// </summary>
public sealed class ListOption : Option<string[]>
{
    /// <summary>Creates the option.</summary>
    public ListOption(string name, string description, string item, params string[] aliases)
        : base(name, aliases)
    {
        Description = description;
        HelpName = $"{item}[,{item}…]";
        CustomParser = result =>
        {
            string[] given = [.. result.Tokens.SelectMany(token => Split(token.Value))];
            if (Items is var (fits, what) && Array.Find(given, one => !fits(one)) is { } odd)
                result.AddError($"{name} takes {what}, not '{odd}'");
            return given;
        };
    }

    /// <summary>Whether a text can be an item, and what the items are, for the error; null if the daemon has to say.</summary>
    public (Func<string, bool> Fits, string What)? Items { get; init; }

    /// <summary>What to write instead of an empty list; null if an empty list has no plausible meaning.</summary>
    public string? Instead { get; init; }

    /// <summary>Returns the items, at least one; null if the option is not given.</summary>
    public string[]? Given(ParseResult parsed) => parsed.GetResult(this) is null ? null : parsed.GetValue(this);

    /// <summary>Splits a list at commas and blanks.</summary>
    public static string[] Split(string list) => list.Split([',', ' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);
}
