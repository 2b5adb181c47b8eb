using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>An option for a login, an account on hosts. Whether any role grants it is for the daemon to say.</summary>
public sealed class LoginOption : Option<string?>
{
    /// <summary>Creates the option.</summary>
    /// <param name="description">What the login is for.</param>
    /// <param name="aliases">Other names of <c>--login</c>.</param>
    public LoginOption(string description, params string[] aliases)
        : base("--login", aliases)
    {
        Description = description;
        HelpName = "LOGIN";
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            // The parser refuses an empty value in its own words.
            if (text.Length > 0 && !PlainNames.IsLogin(text))
                result.AddError($"--login takes a login such as postgres, not '{text}'");
            return text;
        };
    }
}
