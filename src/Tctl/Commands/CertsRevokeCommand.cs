using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl certs revoke</c>.</summary>
internal sealed class CertsRevokeCommand : CliCommand
{
    private readonly Argument<string[]> serials = new("SERIAL…")
    {
        Description = "Certificates by serial",
        Arity = ArgumentArity.ZeroOrMore,
        CompletionSources = { AdminCompletions.Serials }
    };
    private readonly Option<string?> user = new("--user")
    {
        HelpName = "USER",
        Description = "All of this user",
        CompletionSources = { AdminCompletions.Users }
    };
    private readonly Option<string?> request = new("--request")
    {
        HelpName = "ID",
        Description = "All issued under this request",
        CompletionSources = { AdminCompletions.Requests() }
    };
    private readonly Option<string?> role = new("--role")
    {
        HelpName = "ROLE",
        Description = "All issued with this role in use",
        CompletionSources = { AdminCompletions.Roles }
    };
    private readonly Option<bool> all = new("--all") { Description = "All of everybody, in an emergency; asks first" };
    private readonly Option<bool> yes = new("--yes") { Description = "With --all: do not ask" };
    private readonly HostsWait wait = new();
    private readonly Option<string?> reason = new("--reason") { HelpName = "TEXT", Description = "Why; kept in the audit" };

    public CertsRevokeCommand()
        : base(
            "revoke", "Revokes live certificates", "tctl certs revoke 1795348463",
            "tctl certs revoke --user=alice --reason=\"laptop lost\"", "tctl certs revoke --wait 1795348463",
            "tctl certs revoke --all --yes --reason=\"stolen backup\"")
    {
        Arguments.Add(serials);
        foreach (var option in (Option[])[user, request, role, all, yes, reason, wait, new FormatOption()])
            Options.Add(option);
        Validators.Add(result =>
        {
            var everything = result.GetResult(all) is { Implicit: false };
            var some = result.GetResult(serials) is { Tokens.Count: > 0 }
                || new[] { user, request, role }.Any(option => result.GetResult(option) is not null);
            if (!some && !everything)
                result.AddError("say which: SERIAL, --user, --request, --role or --all");
            else if (some && everything)
                result.AddError("--all leaves nothing to choose: it goes neither with serials nor with --user, --request or --role");
            if (result.GetResult(yes) is { Implicit: false } && !everything)
                result.AddError("--yes goes with --all");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var ask = new RevokeCertificates(
            parsed.GetValue(serials)!.SelectMany(ListOption.Split).ToArray() is [_, ..] named ? named : null, parsed.GetValue(user),
            parsed.GetValue(request), parsed.GetValue(role), parsed.GetValue(reason) ?? "", parsed.GetValue(all));
        if (ask.All && !parsed.GetValue(yes))
            await Confirm(parsed, ca, cancellation);
        var answer = await ca.Send(Routes.RevokeCertificates, ask, cancellation);
        var revoked = answer.Revoked;
        parsed.PrintResult(
            answer, $"{Wording.Count(revoked.Length, "certificate")} revoked{(revoked is [] ? "" : $": {string.Join(", ", revoked)}")}");
        if (ask.All && revoked is not [])
            parsed.Hint("users can log in again; to keep one out: tctl lock --user=NAME");
        if (ask.User is { } name)
            parsed.Hint($"{name} can log in again; to keep {name} out: tctl lock --user={name}");
        return revoked is [] ? ExitCode.Done : await wait.Run(parsed, ca, ExitCode.Done, cancellation);
    }

    private static async Task Confirm(ParseResult parsed, CaClient ca, CancellationToken cancellation)
    {
        const string certain = "tctl certs revoke --all --yes";
        if (!Prompt.IsPossible)
            throw new FailureException(
                "--all revokes every live certificate, and nobody is at a terminal to confirm it", certain, ExitCode.Usage);
        var live = await Paging.All(async (limit, after) =>
            await ca.Send(
                Routes.ListCertificates, new ListCertificates(limit, State: CertificateStates.Live, After: after),
                cancellation) is var page ? (page.Certificates, page.Next) : default);
        var users = live.Select(certificate => certificate.User).Distinct().Count();
        if (await Prompt.Line(
            parsed, $"revoke {Wording.Count(live.Length, "live certificate")} of {Wording.Count(users, "user")}? [y/N] ",
            cancellation) is not ("y" or "Y" or "yes"))
            throw new FailureException("nothing has been revoked", certain);
    }
}
