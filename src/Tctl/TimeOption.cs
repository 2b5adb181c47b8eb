using System.CommandLine;
using System.Globalization;

namespace CertAuthority.Tctl;

/// <summary>An option for an instant. Without a zone it is UTC, like all times in the output.</summary>
internal sealed class TimeOption : Option<DateTimeOffset?>
{
    public TimeOption(string name, string description)
        : base(name)
    {
        Description = $"{description}, such as 2026-11-22 or 2026-11-22T18:00";
        HelpName = "TIME";
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
                return time;
            result.AddError($"{name} takes a time such as 2026-11-22T18:00, not '{text}'");
            return null;
        };
    }
}
