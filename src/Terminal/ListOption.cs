using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>
/// An option whose value is a list: <c>--roles=access,dba</c>, or given several times. Empty items are ignored, for scripts build lists
/// with stray commas;
/// a list of nothing else is a usage error (<see cref="Shell.IsUnderstood"/>).
/// </summary>
public sealed class ListOption : Option<string[]>
{
    /// <summary>The option.</summary>
    public ListOption(string name, string description, string item, params string[] aliases)
        : base(name, aliases)
    {
        Description = description;
        HelpName = $"{item}[,{item}…]";
        CustomParser = result => [.. result.Tokens.SelectMany(token => Split(token.Value))];
    }

    /// <summary>What to write where somebody may have meant an empty list; null where nobody can.</summary>
    public string? Instead { get; init; }

    /// <summary>The items, at least one, or null where the option is not given.</summary>
    public string[]? Given(ParseResult parsed) => parsed.GetResult(this) is null ? null : parsed.GetValue(this);

    /// <summary>The items of a list whose separators are commas and blanks.</summary>
    public static string[] Split(string list) => list.Split([',', ' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);
}
