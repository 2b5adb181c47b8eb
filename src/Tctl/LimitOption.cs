using System.CommandLine;

namespace CertAuthority.Tctl;

/// <summary><c>--limit N</c>.</summary>
internal sealed class LimitOption : Option<int?>
{
    public LimitOption()
        : base("--limit")
    {
        Description = "At most so many. Default: all";
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
