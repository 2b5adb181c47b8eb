using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The options for the times of a request. The daemon interprets them, because it knows the limits.</summary>
internal sealed class LifetimeOptions
{
    private readonly DurationOption sessionTtl = new("--session-ttl", "The longest certificate under the request, such as 30m");
    private readonly DurationOption requestTtl = new("--request-ttl", "How long the request waits for an answer");
    private readonly DurationOption maxDuration = new("--max-duration", "How long the access lasts, where less than the roles allow will do");
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
