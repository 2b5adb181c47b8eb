using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl nodes joins</c>.</summary>
internal sealed class NodesJoinsCommand : CliCommand
{
    private readonly Option<bool> all = new("--all") { Description = "Also those that were admitted or refused" };
    private readonly FormatOption format = new();

    public NodesJoinsCommand()
        : base("joins", "Lists the hosts that wait to join", "tctl nodes joins", "tctl nodes joins --all")
    {
        Options.Add(all);
        Options.Add(new WideOption());
        Options.Add(format);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var joins = (await ca.Send(Routes.ListJoins, new ListJoins(parsed.GetValue(all)), cancellation)).Joins;
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(joins);
            return ExitCode.Done;
        }
        var table = new Table("Node", "Status", "Host Key", "Address", "Labels", "Asked", "Note")
        {
            Nothing = "no host waits to join",
            Expendable = ["Labels", "Asked"]
        };
        foreach (var join in joins)
            table.Add(
                join.Name, join.State, join.Fingerprint, join.Address, Wording.Labels(join.Labels), Wording.Time(join.Asked),
                join.Note ?? "");
        parsed.Print(table);
        return ExitCode.Done;
    }
}

/// <summary><c>tctl nodes admit</c>.</summary>
internal sealed class NodesAdmitCommand : CliCommand
{
    private readonly Argument<string> name = new("NODE") { Description = "The host, as tctl nodes joins lists it" };
    private readonly HostKeyOption key = new("Do not ask, and admit it only with this host key");
    private readonly Option<bool> yes = new("--yes") { Description = "Go on although no role lets anybody into the host" };

    public NodesAdmitCommand()
        : base(
            "admit", "Admits a host that waits to join, after showing it", "tctl nodes admit web7",
            "tctl nodes admit web7 --host-key=SHA256:Yq8oJrDYLG6q6nPzNqmnbMFyMpXlxCyZ2J3PYiMNVAs")
    {
        Arguments.Add(name);
        Options.Add(key);
        Options.Add(yes);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var node = parsed.GetValue(name)!;
        var fingerprint = parsed.GetValue(key);
        var join = Array.Find((await ca.Send(Routes.ListJoins, new ListJoins(), cancellation)).Joins, one => one.Name == node);
        if (join is not null)
            await EntrantsOfNode.Confirm(parsed, ca, node, join.Labels, parsed.GetValue(yes), cancellation);
        if (fingerprint is null && join is not null)
        {
            fingerprint = join.Fingerprint;
            parsed.Say(
                $"{join.Name} at {join.Address} has the host key {join.Fingerprint}{(join.Labels.Count == 0 ? "" : $", and gets {Wording.Labels(join.Labels)}")}{(join.Note is { } note ? $"; {note}" : "")}");
            if (!Prompt.IsPossible)
                throw new FailureException("nobody is here to be asked", $"name the host key: --host-key={join.Fingerprint}");
            if (await Prompt.Line(parsed, "admit it? [yes/no] ", cancellation) is not ("yes" or "y"))
                throw new FailureException("nothing was changed");
        }
        var admitted = await ca.Send(Routes.AdmitJoin, new AdmitJoin(node, fingerprint), cancellation);
        parsed.PrintResult(admitted, $"node '{admitted.Name}' has been created; the host fetches its files now");
        return ExitCode.Done;
    }
}

/// <summary><c>tctl nodes refuse</c>.</summary>
internal sealed class NodesRefuseCommand : CliCommand
{
    private readonly Argument<string> name = new("NODE") { Description = "The host, as tctl nodes joins lists it" };
    private readonly Option<string?> reason = new("--reason") { HelpName = "TEXT", Description = "Why; kept in the audit" };

    public NodesRefuseCommand()
        : base("refuse", "Refuses a host that waits to join", "tctl nodes refuse web7 --reason=\"not one of ours\"")
    {
        Arguments.Add(name);
        Options.Add(reason);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var refused = await ca.Send(
            Routes.RefuseJoin, new RefuseJoin(parsed.GetValue(name)!, parsed.GetValue(reason) ?? ""), cancellation);
        parsed.PrintResult(refused, $"{refused.Name} was refused");
        return ExitCode.Done;
    }
}
