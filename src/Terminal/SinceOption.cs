using System.CommandLine;

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
}
