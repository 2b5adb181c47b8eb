using System.CommandLine;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>--wait DURATION</c>: how long to wait for an answer.</summary>
internal sealed class WaitOption : Option<TimeSpan?>
{
    // Nobody waits for more than 999999 days.
    private const int MostDigits = 6;

    public WaitOption(string description)
        : base("--wait")
    {
        Description = description;
        HelpName = "DURATION";
        CustomParser = result =>
        {
            if (result.Tokens is not [var token])
                return null;
            var duration = Parse(token.Value);
            if (duration is null)
                result.AddError(DurationOption.Fault("--wait", token.Value));
            return duration;
        };
    }

    /// <summary>Parses <c>[Nd][Nh][Nm][Ns]</c>; null for any other text. Only tsh waits, so only tsh interprets it.</summary>
    public static TimeSpan? Parse(string text)
    {
        if (!DurationOption.IsDuration(text))
            return null;
        var (total, start) = (TimeSpan.Zero, 0);
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsAsciiDigit(text[i]))
                continue;
            if (i - start > MostDigits)
                return null;
            total += int.Parse(text.AsSpan(start, i - start)) * text[i] switch
            {
                'd' => TimeSpan.FromDays(1),
                'h' => TimeSpan.FromHours(1),
                'm' => TimeSpan.FromMinutes(1),
                _ => TimeSpan.FromSeconds(1),
            };
            start = i + 1;
        }
        return total;
    }
}
