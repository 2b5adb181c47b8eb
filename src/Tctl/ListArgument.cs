using System.CommandLine;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>At least one item, separated by commas or blanks, in one word or several.</summary>
internal sealed class ListArgument : Argument<string[]>
{
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
