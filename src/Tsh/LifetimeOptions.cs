using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The options for the times of a request. The daemon interprets them, because it knows the limits.</summary>
internal sealed class LifetimeOptions
{
    private readonly Option<string?> sessionTtl = new("--session-ttl")
    {
        HelpName = "DURATION",
        Description = "The longest certificate under the request, such as 30m"
    };
    private readonly Option<string?> requestTtl = new("--request-ttl")
    {
        HelpName = "DURATION",
        Description = "How long the request waits for an answer"
    };
    private readonly Option<string?> maxDuration = new("--max-duration")
    {
        HelpName = "DURATION",
        Description = "How long the access lasts, where less than the roles allow will do"
    };
    private readonly TimeOption assumeStartTime = new("--assume-start-time", "When the access begins");

    public IReadOnlyList<Option> All => [sessionTtl, requestTtl, maxDuration, assumeStartTime];

    /// <summary>Adds the options to the request.</summary>
    public CreateRequest Of(ParseResult parsed, CreateRequest request) => request with
    {
        SessionTtl = parsed.GetValue(sessionTtl),
        RequestTtl = parsed.GetValue(requestTtl),
        MaxDuration = parsed.GetValue(maxDuration),
        AssumeStartTime = parsed.GetValue(assumeStartTime),
    };
}
