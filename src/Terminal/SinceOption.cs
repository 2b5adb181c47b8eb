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
        CustomParser = result => result.Tokens[0].Value is var text && text.Contains('-', StringComparison.Ordinal)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
                ? time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)
                : text;
    }
}
