using System.CommandLine;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// <c>tctl nodes harden</c>: ends the pilot on a host that was enrolled with <c>--keep-keys</c>: from then on only certificates open it.
/// </summary>
internal sealed class NodesHardenCommand : CliCommand
{
    private readonly Argument<string> name = new("NODE")
    {
        Description = "The host",
        CompletionSources = { AdminCompletions.Pilots }
    };
    private readonly SshOption ssh = new() { Required = true };
    private readonly LoginOption login = new("The account there to try it with, which runs nothing; without, the one of --ssh, or root");
    private readonly ListOption exempt = new(
        "--exempt", "Addresses from which the host sees the daemon, as for nodes enroll", "ADDRESS")
    {
        Items = PlainNames.Addresses,
    };
    private readonly Option<bool> yes = new("--yes") { Description = "Go on although no role lets anybody into the host" };

    public NodesHardenCommand()
        : base(
            "harden",
            "Ends the pilot on a host that was enrolled with --keep-keys: plain keys open it no longer, which is seen from outside",
            "tctl nodes harden db1 --ssh root@db1.example.com")
    {
        Arguments.Add(name);
        foreach (var option in (Option[])[ssh, login, exempt, yes])
            Options.Add(option);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var host = new EnrollingHost(parsed.GetValue(name)!, parsed.GetValue(ssh)!, []);
        var terms = new EnrollmentTerms
        {
            Login = parsed.GetValue(login),
            Exempt = exempt.Given(parsed),
            KeepKeys = false,
            EvenIfNobodyEnters = parsed.GetValue(yes),
        };
        await using var enrollment = await HostEnrollment.Look(
            ca, ServerOption.Chosen(parsed), host, terms, EnrollmentVoice.Of(parsed), cancellation);
        var hardened = await enrollment.Run(cancellation);
        if (FormatOption.IsJson(parsed))
            parsed.PrintJson(await hardened.Status(ca, cancellation));
        else
            parsed.Print($"plain keys open {host.Node} no longer; {hardened.Words}");
        return ExitCode.Done;
    }
}
