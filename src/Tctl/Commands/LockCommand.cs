using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl lock</c>.</summary>
internal sealed class LockCommand : CliCommand
{
    private readonly Option<string?> user = new("--user")
    {
        HelpName = "NAME",
        Description = "A user: no certificate, no request, no approval"
    };
    private readonly Option<string?> role = new("--role")
    {
        HelpName = "NAME",
        Description = "A role: no certificate for anybody who would have it in use"
    };
    private readonly LoginOption login = new("A Unix login: on no host");
    private readonly Option<string?> node = new("--node") { HelpName = "NAME", Description = "A node: no certificate opens it" };
    private readonly Option<string?> request = new("--request") { HelpName = "ID", Description = "A request: neither approved nor used" };
    private readonly Option<string?> message = new("--message") { HelpName = "TEXT", Description = "Why; shown to whoever is refused" };
    private readonly HostsWait wait = new();
    private readonly DurationOption ttl = new("--ttl", "For how long, such as 8h. Default: until it is removed");
    private readonly TimeOption expires = new("--expires", "Until when");

    public LockCommand()
        : base(
            "lock",
            "Locks a user, role, login, node or request: nothing is issued to it, and what is out is revoked",
            "tctl lock --user=alice --message=\"laptop lost\"",
            "tctl lock --node=db1 --ttl=8h",
            "tctl get locks --format=text",
            "tctl rm lock/5e0f3a1c-6a0b-4f52-9d6e-0a3f7c1d2b44")
    {
        foreach (var option in (Option[])[user, role, login, node, request, message, ttl, expires, wait, new FormatOption()])
            Options.Add(option);
        Validators.Add(result =>
        {
            if (new[] { user, role, login, node, request }.Count(option => result.GetResult(option) is not null) != 1)
                result.AddError("say what to lock: one of --user, --role, --login, --node and --request");
            if (result.GetResult(ttl) is not null && result.GetResult(expires) is not null)
                result.AddError("a lock ends after --ttl or at --expires, not both");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var made = await ca.Send(
            Routes.Lock,
            new CreateLock(
                parsed.GetValue(user), parsed.GetValue(role), parsed.GetValue(login), parsed.GetValue(node), parsed.GetValue(request),
                parsed.GetValue(message) ?? "", parsed.GetValue(ttl), parsed.GetValue(expires)),
            cancellation);
        parsed.PrintResult(made, $"lock '{made.Name}' has been created");
        parsed.ShowConsequences(new AppliedResources([], made.Warnings, made.Revoked, [], []));
        var exitCode = made.Revoked is [] ? ExitCode.Done : await wait.Run(parsed, ca, ExitCode.Done, cancellation);
        parsed.Hint($"to lift it: tctl rm lock/{made.Name}");
        return exitCode;
    }
}
