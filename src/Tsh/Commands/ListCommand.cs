using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh ls</c>.</summary>
internal sealed class ListCommand : CliCommand
{
    private readonly Argument<string[]> filters = new("KEY=VALUE")
    {
        HelpName = "KEY=VALUE",
        Description = "Only hosts with these labels",
        Arity = ArgumentArity.ZeroOrMore,
    };
    private readonly FormatOption format = new();

    public ListCommand()
        : base(
            "ls", "Lists the hosts within your reach, and your logins there", "tsh ls", "tsh ls env=prod type=db",
            "tsh ls --format=json | jq -r '.[].name'")
    {
        Arguments.Add(filters);
        Options.Add(new WideOption());
        Options.Add(format);
        Validators.Add(result =>
        {
            if (result.GetResult(filters)?.Tokens.FirstOrDefault(token => !token.Value.Contains('=')) is { } odd)
                result.AddError($"'{odd.Value}' is not KEY=VALUE, such as env=prod");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.Chosen(parsed);
        using var ca = ServerOption.Connect(parsed);
        var list = await ca.Send(Routes.ListMyNodes, new ListMyNodes(UserOption.Chosen(parsed, home)), cancellation);
        var wanted = parsed.GetValue(filters)!.Select(filter => filter.Split('=', 2)).ToList();
        var nodes = UsableNodes.Filter(parsed, list.Nodes)
            .Where(node => wanted.TrueForAll(label => node.Labels.GetValueOrDefault(label[0]) == label[1])).ToArray();
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(nodes);
            return ExitCode.Done;
        }
        var held = await Held.In(home).Verified(cancellation);
        var now = TimeProvider.System.GetUtcNow();
        var isPerHost = home.Memory is { PerHost: true, Session: { } session } && now < session.Ends;
        var isLoggedIn = isPerHost || held.At(now).Any();
        // ssh can use what the certificates at hand open; everything else that is granted needs a login first.
        string[] Opened(ListedNode node) =>
            isLoggedIn && !isPerHost
                ? [.. node.Logins.Where(login => held.For(login, node.Name, now, node.Groups) is not null)]
                : node.Logins;
        var isLater = nodes.Any(node => Opened(node).Length < node.Logins.Length);
        string[] columns = ["Node", "Address", "Labels", "Logins"];
        var table = new Table(isLater ? [.. columns, "After tsh login"] : columns) { Nothing = "no nodes" };
        foreach (var node in nodes)
        {
            string[] cells =
                [node.Name, Wording.Address(node.Address, node.Via), Wording.Labels(node.Labels), string.Join(',', Opened(node))];
            table.Add(isLater ? [.. cells, string.Join(',', node.Logins.Except(Opened(node)))] : cells);
        }
        parsed.Print(table);
        if (list.Everywhere is not [])
            parsed.Say($"on every host that trusts the authority: {string.Join(", ", list.Everywhere)}");
        if (list.Requestable is not [])
            parsed.Say(
                $"a request away: {string.Join(", ", list.Requestable.Take(10).Select(node => node.Roles is [] ? $"node/{node.Name}" : $"{node.Name} ({string.Join(" or ", node.Roles)})"))}{(list.Requestable.Length > 10 ? ", …" : "")}");
        if (!isLoggedIn)
            parsed.Hint("you have no certificate that is valid now: tsh login");
        else if (isPerHost)
            parsed.Hint("each host has a certificate of its own, fetched as you connect: tsh ssh LOGIN@NODE");
        foreach (var fault in held.Faults)
            parsed.Warn(fault);
        return ExitCode.Done;
    }
}
