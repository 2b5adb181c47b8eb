using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl nodes token</c>: lets hosts join by themselves.</summary>
internal sealed class NodesTokenCommand : CliCommand
{
    private readonly Argument<string> name = new("NODE|PATTERN") { Description = "The name that the host may take, or a pattern: web*" };
    private readonly DurationOption ttl = new("--ttl", "How long, up to 1d; 15m without. With --host-key up to 30d");
    private readonly Option<int?> uses = new("--uses")
    {
        HelpName = "N",
        Description = "How many hosts, for a pattern",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (int.TryParse(text, out var number) && number > 0)
                return number;
            result.AddError($"--uses takes a number from 1 up, not '{text}'");
            return null;
        }
    };
    private readonly ListOption labels = new("--labels", "What roles select the hosts by", "KEY=VALUE");
    private readonly ListOption addresses = new(
        "--addr", "Addresses that --admit admits, besides the name itself: *.prod.example.com, in which * is anything, or a regular expression from ^ to $", "PATTERN");
    private readonly Option<bool> admit = new("--admit") { Description = "Admit the hosts without asking anybody" };
    private readonly Option<bool> yes = new("--yes") { Description = "With --admit: go on although no role lets anybody into the hosts" };
    private readonly HostKeyOption hostKey = new("Instead of a secret: the fingerprint of the host's own key, which you know from its console");

    public NodesTokenCommand()
        : base(
            "token",
            "Lets a host join by itself, with a token that is shown once",
            "tctl nodes token web7 --labels=env=prod",
            "tctl nodes token 'web*' --uses=20 --ttl=1h --labels=type=web --addr=*.prod.example.com --admit",
            "tctl nodes token db3 --host-key=SHA256:Yq8oJrDYLG6q6nPzNqmnbMFyMpXlxCyZ2J3PYiMNVAs --ttl=7d")
    {
        Arguments.Add(name);
        foreach (var option in (Option[])[ttl, uses, labels, addresses, admit, hostKey, yes])
            Options.Add(option);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            if (result.GetValue(labels)?.FirstOrDefault(label => !HostList.IsLabel(label)) is { } odd)
                result.AddError($"--labels takes KEY=VALUE, such as env=prod, not '{odd}'");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var given = new Dictionary<string, string>((labels.Given(parsed) ?? []).Select(HostList.Label), StringComparer.Ordinal);
        if (parsed.GetValue(admit))
            await EntrantsOfNode.Confirm(parsed, ca, parsed.GetValue(name)!, given, parsed.GetValue(yes), cancellation);
        var made = await ca.Send(
            Routes.CreateJoinToken,
            new CreateJoinToken(
                parsed.GetValue(name)!, parsed.GetValue(ttl), parsed.GetValue(uses), given,
                addresses.Given(parsed), parsed.GetValue(admit), parsed.GetValue(hostKey)),
            cancellation);
        parsed.PrintResult(made, made.Token);
        foreach (var warning in made.Warnings ?? [])
            parsed.Warn(warning);
        parsed.Hint($"on the host, until {Wording.Time(made.Info.Ends)}: certauthority-join {(made.Info.HostKey is null ? "-, and the token on its standard input" : made.Token)}");
        return ExitCode.Done;
    }
}
