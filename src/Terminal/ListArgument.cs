using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>An argument of at least one item; commas or blanks separate them, in one word or several.</summary>
public sealed class ListArgument : Argument<string[]>
{
    /// <summary>Creates the argument.</summary>
    public ListArgument(string item, string description)
        : base($"{item}…")
    {
        Description = description;
        Arity = ArgumentArity.OneOrMore;
        CustomParser = result =>
        {
            string[] items = [.. result.Tokens.SelectMany(token => ListOption.Split(token.Value))];
            if (items is [])
                result.AddError($"no {item} is given");
            return items;
        };
    }
}
