using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>An option for a duration that the command line itself uses. Only the form of every other duration is checked here.</summary>
public sealed class TimeSpanOption : Option<TimeSpan?>
{
    /// <summary>Creates the option.</summary>
    /// <param name="name">The name of the option.</param>
    /// <param name="description">What lasts so long.</param>
    /// <param name="most">The longest duration, which also excludes zero; null for any duration.</param>
    public TimeSpanOption(string name, string description, TimeSpan? most = null)
        : base(name)
    {
        Description = description;
        HelpName = "DURATION";
        CustomParser = result =>
        {
            if (result.Tokens is not [var token])
                return null;
            var duration = Parse(token.Value);
            if (duration is not null && (most is null || (duration > TimeSpan.Zero && duration <= most)))
                return duration;
            result.AddError(DurationOption.Fault(name, token.Value, most));
            return null;
        };
    }

    /// <summary>Parses <c>[Nd][Nh][Nm][Ns]</c>; null for any other text.</summary>
    public static TimeSpan? Parse(string text)
    {
        var total = TimeSpan.Zero;
        var rest = text.AsSpan();
        foreach (var (unit, length) in (ReadOnlySpan<(char, TimeSpan)>)
            [('d', TimeSpan.FromDays(1)), ('h', TimeSpan.FromHours(1)), ('m', TimeSpan.FromMinutes(1)), ('s', TimeSpan.FromSeconds(1))])
        {
            var digits = rest.IndexOf(unit);
            if (digits < 0)
                continue;
            if (digits is 0 or > 6 || rest[..digits].ContainsAnyExceptInRange('0', '9'))
                return null;
            total += int.Parse(rest[..digits]) * length;
            rest = rest[(digits + 1)..];
        }
        return text.Length > 0 && rest.IsEmpty ? total : null;
    }
}
