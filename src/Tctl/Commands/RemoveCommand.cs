using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl rm</c>.</summary>
internal sealed class RemoveCommand : CliCommand
{
    private readonly ListArgument resources = new("KIND/NAME", "role/dba, user/alice, node/db1 or a lock")
    {
        CompletionSources = { AdminCompletions.Resources }
    };
    private readonly HostsWait wait = new();
    private readonly Option<bool> force = new("--force", "-f") { Description = "Also a role that users hold: it is taken from them" };

    public RemoveCommand()
        : base(
            "rm", "Removes roles, users and nodes, and revokes what would not be issued without them; lifts locks",
            "tctl rm node/db1 node/db2", "tctl rm -f role/dba")
    {
        Arguments.Add(resources);
        Options.Add(force);
        Options.Add(wait);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            foreach (var item in (result.GetResult(resources)?.Tokens ?? []).SelectMany(token => ListOption.Split(token.Value)))
                if (ResourceReference.TryParseOne(item) is null)
                    result.AddError($"'{item}' is not KIND/NAME, such as role/dba");
        });
    }

    /// <summary>Removes one resource at a time: a refused one does not stop the rest.</summary>
    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var (exitCode, revokes) = (ExitCode.Done, false);
        var results = new Results<AppliedResources>(parsed);
        foreach (var item in parsed.GetValue(resources)!)
        {
            var (kind, name) = ResourceReference.Parse(item);
            try
            {
                var removed = await ca.Send(Routes.RemoveResource, new RemoveResource(kind, name!, parsed.GetValue(force)), cancellation);
                results.Add(removed, removed.Done);
                parsed.ShowConsequences(removed);
                revokes |= removed.Revoked is not [];
            }
            catch (ProblemException refused)
            {
                parsed.Complain(refused.Problem);
                exitCode = ExitCode.Failed;
            }
        }
        results.End();
        return revokes ? await wait.Run(parsed, ca, exitCode, cancellation) : exitCode;
    }
}
