using System.CommandLine;

namespace CertAuthority.Tsh;

/// <summary><c>--user NAME</c>, after any subcommand.</summary>
internal sealed class UserOption : Option<string?>
{
    public UserOption()
        : base("--user")
    {
        Description = "As which of your users. Default: the one who is logged in, else the only one that is yours";
        HelpName = "NAME";
        Recursive = true;
    }

    /// <summary>Returns the user to name to the daemon; null leaves the choice to the daemon.</summary>
    public static string? Chosen(ParseResult parsed, Home home) =>
        parsed.GetValue<string?>("--user") ?? Held.In(home).User ?? home.Memory.User;
}
