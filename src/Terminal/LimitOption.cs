using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary><c>--limit N</c>.</summary>
public sealed class LimitOption : Option<int?>
{
    /// <summary>Creates the option.</summary>
    /// <param name="without">The number of items without the option, for the help.</param>
    public LimitOption(string without)
        : base("--limit")
    {
        Description = $"At most so many. Default: {without}";
        HelpName = "N";
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (int.TryParse(text, out var limit) && limit > 0)
                return limit;
            result.AddError($"--limit takes a number from 1 up, not '{text}'");
            return null;
        };
    }
}
