using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl nodes ls</c>.</summary>
internal sealed class NodesListCommand : CliCommand
{
    private readonly Option<string?> search = new("--search")
    {
        HelpName = "WORDS",
        Description = "Only hosts that have these words in their name, address or labels"
    };
    private readonly Option<bool> failing = new("--failing") { Description = "Only hosts to which the last write failed" };
    private readonly FormatOption format = new();
    private readonly Paging paging;

    public NodesListCommand()
        : base(
            "ls", "Lists the hosts: until when their own certificates are valid, and what the daemon has written there", "tctl nodes ls",
            "tctl nodes ls --search=\"env=prod db\"", "tctl nodes ls --failing", "tctl nodes ls --format=json | jq -r '.[].name'")
    {
        Options.Add(search);
        Options.Add(failing);
        Options.Add(new WideOption());
        Options.Add(format);
        paging = new Paging(this, "tctl nodes ls", format, "NODE");
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var (nodes, next) = await paging.Read(
            parsed, async (limit, after) =>
            {
                var ask = new ListNodes(parsed.GetValue(search), parsed.GetValue(failing), limit, after);
                var page = await ca.Send(Routes.ListNodes, ask, cancellation);
                return (page.Nodes, page.Next);
            });
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(nodes);
            return ExitCode.Done;
        }
        var now = TimeProvider.System.GetUtcNow();
        // Most sites have no host that ends, and no groups.
        var anyEnds = Array.Exists(nodes, node => node is { Expires: not null } or { Forgotten: not null });
        var areGroups = Array.Exists(nodes, node => node.Groups is not null);
        var table = new Table(
            ["Node", "Address", "Labels", .. areGroups ? (string[])["Groups"] : [], "Host Certificate", "Revocation List",
                .. anyEnds ? (string[])["Ends"] : [], "Witnessed", "Last Error"])
        {
            Nothing = "no nodes",
            Vital = "Revocation List",
            Expendable = ["Witnessed", "Ends", "Labels", "Address", "Host Certificate"]
        };
        foreach (var node in nodes)
            table.Add(
                [node.Name, Wording.Address(node.Address, node.Via), Wording.Labels(node.Labels),
                    .. areGroups ? (Cell[])[Groups(node)] : [], Certificate(node.Certificate, now),
                    node.Sync is null && node.Report is { } report ? Reported(report, now) : List(node.Sync, now),
                    .. anyEnds ? (Cell[])[Ends(node, now)] : [], node.Sync?.Witnessed ?? node.Report?.Witnessed ?? "",
                    Error(parsed, node.Sync)]);
        paging.Print(parsed, table, next);
        if (nodes.Where(node => node.KeepKeys).Select(node => node.Name).ToList() is [_, ..] pilots)
        {
            parsed.Warn(
                $"plain keys open {Wording.Count(pilots.Count, "host")} too, and no role, lock or revocation stops them: {Wording.Some(pilots)}");
            parsed.Hint($"tctl nodes harden {pilots[0]} --ssh root@HOST ends that");
        }
        if (nodes.Where(node => node.Sync?.Exempt == false).Select(node => node.Name).ToList() is [_, ..] exposed)
        {
            parsed.Warn(
                $"failing logins from this address can keep revocation lists out of {Wording.Count(exposed.Count, "host")} (PerSourcePenalties): {string.Join(", ", exposed)}");
            parsed.Hint(
                $"tctl nodes enroll {exposed[0]} --ssh root@HOST again, or PerSourcePenaltyExemptList in its sshd_config: docs/hosts.md, section 6");
        }
        return ExitCode.Done;
    }

    private static string List(NodeSyncInfo? sync, DateTimeOffset now) => sync switch
    {
        null => "not written",
        { Synced: { } when, KrlVersion: var version } =>
            $"{version}, {Wording.Left(now - when)} ago{(sync.Stale ? ", stale" : sync.UpToDate ? "" : ", not the latest")}",
        _ => "none yet",
    };

    private static string Reported(NodeReportInfo report, DateTimeOffset now) =>
        $"{report.KrlVersion}, {Wording.Left(now - report.Time)} ago{(report.Stale ? ", stale" : report.UpToDate ? "" : ", not the latest")}, as it says";

    private static string Ends(NodeStatus node, DateTimeOffset now) => string.Join(
        "; ",
        [
            .. node.Expires is not { } end ? (string[])[] : [end <= now ? $"ended {Wording.Time(end)}" : $"at {Wording.Time(end)}"],
            .. node.Forgotten is not { } gone ? (string[])[]
                : [node.Expires <= now ? $"removed {Wording.Time(gone)}" : $"removed {Wording.Time(gone)} unless seen"],
        ]);

    private static string Error(ParseResult parsed, NodeSyncInfo? sync) =>
        sync is { Failure: { } why, Failed: { } when }
            ? string.Join("; ", parsed.Show(sync.Next).Prepend($"{Wording.Time(when)}: {why}"))
        : sync is { Altered: { } how, AlteredAt: { } found } ? $"{Wording.Time(found)}: {how}"
            : "";

    private static string Groups(NodeStatus node)
    {
        var why = node switch
        {
            { Sync: not null } => "",
            { Report: null } => ": no report",
            { Report.GroupsFault: "unread" } => ": its sshd does not read them",
            { Report.GroupsFault: "refused" } => ": its source has no good file",
            { Report.Stale: true } => ": its report is old",
            _ => "",
        };
        return string.Join(
            ", ", (node.Groups ?? []).Select(group => group.Confirmed ? group.Name : $"{group.Name} (not confirmed{why})"));
    }

    private static string Certificate(HostCertificateInfo? certificate, DateTimeOffset now) => certificate switch
    {
        null => "none",
        { ValidBefore: var end } when end <= now => $"ended {Wording.Time(end)}",
        { ValidBefore: var end } => $"until {Wording.Time(end)}",
    };
}
