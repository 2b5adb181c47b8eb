using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>A command that processes several requests, one at a time: a refused one does not stop the rest.</summary>
internal abstract class RequestsEachCommand : CliCommand
{
    private readonly HostsWait wait = new();
    private readonly ListArgument ids = new("ID", "The requests, or the beginnings of their ids");
    private readonly string done;

    /// <param name="name">The name of the command.</param>
    /// <param name="done">The word for what has been done to a request: <c>approved</c>.</param>
    /// <param name="description">One sentence for the help.</param>
    /// <param name="states">The states in which a request can be processed; without any, all.</param>
    /// <param name="examples">Complete command lines.</param>
    protected RequestsEachCommand(string name, string done, string description, string[] states, params string[] examples)
        : base(name, description, examples)
    {
        this.done = done;
        ids.CompletionSources.Add(AdminCompletions.Requests(states));
        Arguments.Add(ids);
        Options.Add(new FormatOption());
    }

    /// <summary>Adds <c>--wait</c> to a command that can revoke.</summary>
    protected void CanRevoke() => Options.Add(wait);

    /// <summary>Processes one request. The reply contains the warnings that were not shown yet.</summary>
    /// <param name="ca">The daemon.</param>
    /// <param name="id">The request.</param>
    /// <param name="about">What each warning begins with.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="cancellation">Cancels the calls.</param>
    protected abstract Task<RequestResolved> Send(
        CaClient ca, string id, string about, ParseResult parsed, CancellationToken cancellation);

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var revokes = false;
        var results = new Results<RequestResolved>(parsed);
        var exitCode = await results.Each(parsed.GetValue(ids)!, async id =>
        {
            var resolved = await Send(ca, id, results.About, parsed, cancellation);
            results.Add(resolved, RequestText.Done(resolved, done));
            revokes |= resolved.Revoked is not [];
            foreach (var warning in resolved.Warnings)
                parsed.Warn(results.About + warning);
        });
        return revokes ? await wait.Run(parsed, ca, exitCode, cancellation) : exitCode;
    }
}
