using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl nodes sync</c>.</summary>
internal sealed class NodesSyncCommand : CliCommand
{
    // The daemon has its own limit; this one keeps a thousand calls from waiting there.
    private const int AtOnce = 32;

    private readonly Argument<string[]> names = new("NODE")
    {
        Description = "Which hosts",
        Arity = ArgumentArity.ZeroOrMore,
        CompletionSources = { AdminCompletions.Nodes }
    };
    private readonly Option<bool> takeOver = new("--take-over")
    {
        Description = "Also where another daemon's revocation list is. It goes on writing there, too, unless somebody stops it"
    };
    private readonly Option<bool> all = new("--all") { Description = "All that the daemon writes to" };

    public NodesSyncCommand()
        : base(
            "sync",
            "Writes the revocation list, the CA keys and their own certificates to hosts now; the daemon does so by itself whenever the list changes",
            "tctl nodes sync db1 db2",
            "tctl nodes sync --all",
            "tctl nodes sync db1 --take-over")
    {
        Arguments.Add(names);
        Options.Add(all);
        Options.Add(takeOver);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            if (result.GetValue(all) && result.GetValue(takeOver))
                result.AddError("--take-over takes the names of nodes, not --all");
            if (result.GetValue(all) == (result.GetValue(names) is [_, ..]))
                result.AddError("name nodes, or say --all");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        string[] chosen = parsed.GetValue(all)
            ? [
                .. (await ca.Send(Routes.ListNodes, new ListNodes(), cancellation)).Nodes.Where(node => node.Sync is not null)
                    .Select(node => node.Name)]
            : [.. parsed.GetValue(names)!.Distinct(StringComparer.Ordinal)];
        if (chosen.Length == 0)
            parsed.Hint("the daemon writes to no host: tctl nodes enroll lets it");
        var results = new Results<NodeStatus>(parsed);
        var (waiting, running, failed) = (new Queue<string>(chosen), new HashSet<Task<Outcome>>(), 0);
        while (waiting.Count + running.Count > 0)
        {
            while (running.Count < AtOnce && waiting.TryDequeue(out var next))
                running.Add(Sync(ca, new SyncNode(next, parsed.GetValue(takeOver)), cancellation));
            var left = waiting.Count + running.Count;
            var any = Task.WhenAny(running);
            await new Spinner(
                Spinner.IsPossible ? parsed.InvocationConfiguration.Error : null,
                $"{chosen.Length - left} of {Wording.Count(chosen.Length, "host")}", default, TimeProvider.System).During(any);
            running.Remove(await any);
            var (name, synced, problem) = await await any;
            if (problem is null)
            {
                results.Add(synced!, $"{name} has revocation list {synced!.Sync?.KrlVersion}");
                continue;
            }
            parsed.Complain(failed == 0 ? problem : problem with { Hint = null, Next = null });
            failed++;
        }
        results.End();
        return failed == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<Outcome> Sync(CaClient ca, SyncNode ask, CancellationToken cancellation)
    {
        try
        {
            return new Outcome(ask.Name, await ca.Send(Routes.SyncNode, ask, cancellation), null);
        }
        catch (ProblemException refused)
        {
            return new Outcome(ask.Name, null, refused.Problem);
        }
    }

    private sealed record Outcome(string Name, NodeStatus? Synced, Problem? Problem);
}
