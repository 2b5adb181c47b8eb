using System.Buffers;
using System.CommandLine;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// <c>--profile NAME</c>, after any subcommand: selects one login among several, each with its own server, user, key and certificate.
/// </summary>
internal sealed class ProfileOption : Option<string?>
{
    public const string Variable = "TSH_PROFILE";

    private static readonly SearchValues<char> Characters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-");

    public ProfileOption()
        : base("--profile")
    {
        Description = $"Which of your logins, where you have several. Default: ${Variable}, else the one without a name";
        HelpName = "NAME";
        Recursive = true;
        CustomParser = result =>
        {
            var name = result.Tokens[0].Value;
            if (!IsName(name))
                result.AddError($"--profile takes a name of lower-case letters, digits, '.', '_' and '-', not '{name}'");
            return name;
        };
    }

    /// <summary>Returns the chosen name; null for the login without one.</summary>
    public static string? Chosen(ParseResult parsed) =>
        parsed.GetValue<string?>("--profile") ?? (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } name ? null
            : IsName(name) ? name
            : throw new FailureException($"{Variable} is '{name}', which is not the name of a profile"));

    /// <summary>Returns whether a directory with this name belongs to a profile.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= 63 && char.IsAsciiLetterOrDigit(name[0]) && !name.AsSpan().ContainsAnyExcept(Characters);
}
