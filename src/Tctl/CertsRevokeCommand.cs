using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl certs revoke</c>.</summary>
internal sealed class CertsRevokeCommand : Verb
{
    private readonly Argument<string[]> serials = new("SERIAL…") { Description = "Certificates by serial", Arity = ArgumentArity.ZeroOrMore, CompletionSources = { Known.Serials } };
    private readonly Option<string?> user = new("--user") { HelpName = "USER", Description = "All of this user", CompletionSources = { Known.Users } };
    private readonly Option<string?> request = new("--request") { HelpName = "ID", Description = "All issued under this request", CompletionSources = { Known.Requests() } };
    private readonly Option<string?> role = new("--role") { HelpName = "ROLE", Description = "All issued with this role in use", CompletionSources = { Known.Roles } };
    private readonly HostsWait wait = new();
    private readonly Option<string?> reason = new("--reason") { HelpName = "TEXT", Description = "Why; kept in the audit" };

    public CertsRevokeCommand()
        : base("revoke", "Revokes live certificates", "tctl certs revoke 1795348463", "tctl certs revoke --user=alice --reason=\"laptop lost\"", "tctl certs revoke --wait 1795348463")
    {
        Arguments.Add(serials);
        foreach (var option in (Option[])[user, request, role, reason, wait])
            Options.Add(option);
        Validators.Add(result =>
        {
            if (result.GetResult(serials) is not { Tokens.Count: > 0 } && new[] { user, request, role }.All(option => result.GetResult(option) is null))
                result.AddError("say which: SERIAL, --user, --request or --role");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var ask = new RevokeCertificates(
            [.. parsed.GetValue(serials)!.SelectMany(ListOption.Split)], parsed.GetValue(user), parsed.GetValue(request), parsed.GetValue(role), parsed.GetValue(reason) ?? "");
        var revoked = (await ca.Send(Routes.RevokeCertificates, ask, cancellation)).Revoked;
        parsed.Print($"{Wording.Count(revoked.Length, "certificate")} revoked{(revoked is [] ? "" : $": {string.Join(", ", revoked)}")}");
        if (ask.User is { } name)
            parsed.Hint($"{name} can log in again; to keep {name} out: tctl lock --user={name}");
        return revoked is [] ? ExitCode.Done : await wait.Run(parsed, ca, ExitCode.Done, cancellation);
    }
}
