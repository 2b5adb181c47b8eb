using System.CommandLine;

namespace CertAuthority.Tsh;

/// <summary><c>--wait DURATION</c>: how long to wait for an answer.</summary>
internal sealed class WaitOption : Option<TimeSpan?>
{
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
                result.AddError($"--wait takes a duration such as 90s, 15m or 1h30m, not '{token.Value}'");
            return duration;
        };
    }

    /// <summary>Parses <c>[Nd][Nh][Nm][Ns]</c>; null for any other text. Only tsh waits, so only tsh interprets it.</summary>
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
