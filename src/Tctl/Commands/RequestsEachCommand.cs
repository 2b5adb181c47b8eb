using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// A command that does something to several requests, one by one: one that is refused does not keep the others from being done.
/// </summary>
internal abstract class RequestsEachCommand : CliCommand
{
    private readonly HostsWait wait = new();
    private readonly ListArgument ids = new("ID", "The requests, or the beginnings of their ids");
    private readonly string done;

    /// <param name="name">The command's word.</param>
    /// <param name="done">What has been done to a request when it is through: <c>approved</c>.</param>
    /// <param name="description">One sentence for the help.</param>
    /// <param name="states">The states in which that can be done; without any, all.</param>
    /// <param name="examples">Whole command lines.</param>
    protected RequestsEachCommand(string name, string done, string description, string[] states, params string[] examples)
        : base(name, description, examples)
    {
        this.done = done;
        ids.CompletionSources.Add(AdminCompletions.Requests(states));
        Arguments.Add(ids);
    }

    /// <summary>Adds <c>--wait</c>, to a command that can revoke.</summary>
    protected void CanRevoke() => Options.Add(wait);

    protected abstract Task<RequestResolved> Send(CaClient ca, string id, ParseResult parsed, CancellationToken cancellation);

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var (exitCode, revokes) = (ExitCode.Done, false);
        foreach (var id in parsed.GetValue(ids)!)
        {
            try
            {
                var resolved = await Send(ca, id, parsed, cancellation);
                parsed.Print(RequestText.Done(resolved, done));
                revokes |= resolved.Revoked is not [];
                foreach (var warning in resolved.Warnings)
                    parsed.Warn(warning);
            }
            catch (ProblemException refused)
            {
                parsed.Complain(refused.Problem);
                exitCode = ExitCode.Failed;
            }
        }
        return revokes ? await wait.Run(parsed, ca, exitCode, cancellation) : exitCode;
    }
}
