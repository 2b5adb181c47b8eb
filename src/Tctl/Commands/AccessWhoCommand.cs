using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl access who</c>.</summary>
internal sealed class AccessWhoCommand : CliCommand
{
    private readonly Option<string> node = new("--node")
    {
        HelpName = "NODE",
        Description = "The host",
        Required = true,
        CompletionSources = { AdminCompletions.Nodes }
    };
    private readonly LoginOption login = new("Only as this login");
    private readonly Option<bool> possible = new("--possible") { Description = "List who could request access, instead of who has it" };
    private readonly FormatOption format = new();

    public AccessWhoCommand()
        : base(
            "who",
            "Lists who can log in to a host: by their own roles, or by an approved request",
            "tctl access who --node=db1",
            "tctl access who --node=db1 --login=root",
            "tctl access who --node=db1 --possible",
            "tctl access who --node=db1 --format=json | jq -r '.entrants[].user'")
    {
        foreach (var option in (Option[])[node, login, possible, new WideOption(), format])
            Options.Add(option);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var name = parsed.GetValue(node)!;
        var list = await ca.Send(Routes.ListEntrants, new ListEntrants(name, parsed.GetValue(login)), cancellation);
        if (parsed.GetValue(format) == FormatOption.Json)
        {
            parsed.PrintJson(list);
            return ExitCode.Done;
        }
        foreach (var one in list.Locks ?? [])
            parsed.Say($"lock {one.Name} denies {one.Target}{(one.Message.Length > 0 ? $": {one.Message}" : "")}");
        var what = parsed.GetValue(login) is { } asked ? $"log in to {name} as {asked}" : $"log in to {name}";
        if (parsed.GetValue(possible))
            parsed.Print(Possible(list.Possible, $"nobody could request to {what}"));
        else
        {
            parsed.Print(Entrants(list.Entrants, $"nobody can {what}"));
            if (list.Possible.Select(one => one.User).Distinct().Count() is > 0 and var users)
                parsed.Hint($"{Wording.Count(users, "user")} could request more: tctl access who --node={name} --possible");
        }
        return ExitCode.Done;
    }

    private static Table Entrants(Entrant[] entrants, string nothing)
    {
        var withConditions = entrants.Any(one => one.Logins.Any(open => open.Conditions is not null));
        string[] columns = ["User", "Login", "Roles", "From", "Until"];
        var table = new Table(withConditions ? [.. columns, "Conditions"] : columns) { Nothing = nothing };
        foreach (var one in entrants)
            foreach (var open in one.Logins)
            {
                Cell[] row =
                [
                    one.User, open.Login, string.Join(',', open.Roles), one.Request is null ? "assigned" : $"request {one.Request[..8]}",
                    one.Until is { } until ? until : "",
                ];
                table.Add(withConditions ? [.. row, open.Conditions ?? ""] : row);
            }
        return table;
    }

    private static Table Possible(PossibleEntrant[] possible, string nothing)
    {
        var table = new Table("User", "Role", "Logins", "Requested by") { Nothing = nothing };
        foreach (var one in possible)
            table.Add(one.User, one.Role, string.Join(',', one.Logins), one.Resource ?? "role");
        return table;
    }
}
