using System.CommandLine;
using System.Globalization;

namespace CertAuthority.Terminal;

/// <summary>
/// <c>--since</c>: an instant, or a time span back from now. The daemon interprets it, because the daemon has the clock; here, only an
/// instant without a zone is completed, to UTC.
/// </summary>
public sealed class SinceOption : Option<string?>
{
    /// <summary>Creates the option.</summary>
    public SinceOption(string description)
        : base("--since")
    {
        Description = $"{description}: a time such as 2026-11-22T18:00, or how long ago, such as 24h";
        HelpName = "TIME|DURATION";
        CustomParser = result => TimeOption.Complete(result.Tokens[0].Value) ?? result.Tokens[0].Value;
    }

    /// <summary>Returns the instant that a value means, for a command that has the daemon's clock; null for a malformed one.</summary>
    public static DateTimeOffset? Instant(string value, DateTimeOffset now) =>
        TimeOption.Complete(value) is { } time ? DateTimeOffset.Parse(time, CultureInfo.InvariantCulture)
        : TimeSpanOption.Parse(value) is not { } ago ? null
        : ago < now - DateTimeOffset.MinValue ? now - ago : DateTimeOffset.MinValue;
}
