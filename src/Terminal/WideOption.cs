using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary><c>--wide</c>: shows a table in full, whatever the width of the terminal.</summary>
public sealed class WideOption : Option<bool>
{
    /// <summary>Creates the option.</summary>
    public WideOption(string description = "Every column in full, with absolute times, even if the lines do not fit the terminal")
        : base("--wide") =>
        Description = description;

    /// <summary>Whether the user wants everything.</summary>
    public static bool IsGiven(ParseResult parsed) =>
        parsed.CommandResult.Command.Options.OfType<WideOption>().Any(wide => parsed.GetValue(wide));
}
