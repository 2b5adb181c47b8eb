using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh certs revoke</c>: users can revoke their own certificates, for example after losing a laptop.</summary>
internal sealed class CertsRevokeCommand : CliCommand
{
    private readonly Argument<string[]> serials = new("SERIAL…")
    {
        Description = "Certificates by serial",
        Arity = ArgumentArity.ZeroOrMore,
        CompletionSources = { UserCompletions.LiveSerials }
    };
    private readonly Option<bool> all = new("--all") { Description = "All of yours, wherever they are" };
    private readonly Option<bool> wait = HostsBehindText.WaitForHosts();

    public CertsRevokeCommand()
        : base("revoke", "Revokes certificates of yours, wherever they are", "tsh certs revoke 1795348463", "tsh certs revoke --all --wait")
    {
        Arguments.Add(serials);
        Options.Add(all);
        Options.Add(wait);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            if (result.GetResult(serials) is { Tokens.Count: > 0 } == result.GetResult(all) is { Implicit: false })
                result.AddError("say which: SERIAL or --all");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var ask = new RevokeMyCertificates(
            parsed.GetValue(serials)!.SelectMany(ListOption.Split).ToArray() is [_, ..] named ? named : null, parsed.GetValue(all),
            UserOption.Chosen(parsed, Home.Chosen(parsed)));
        var answer = await ca.Send(Routes.RevokeMyCertificates, ask, cancellation);
        var revoked = answer.Revoked;
        parsed.PrintResult(
            answer, $"{Wording.Count(revoked.Length, "certificate")} revoked{(revoked is [] ? "" : $": {string.Join(", ", revoked)}")}");
        return revoked is [] ? ExitCode.Done : await parsed.SayHostsBehind(ca, cancellation, parsed.GetValue(wait));
    }
}
