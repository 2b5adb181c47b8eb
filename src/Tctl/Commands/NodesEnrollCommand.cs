using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// <c>tctl nodes enroll</c>: brings a host, or every host of a list, under the authority, and checks from outside that it works; otherwise
/// it restores the host to its previous state.
/// </summary>
internal sealed class NodesEnrollCommand : CliCommand
{
    private readonly Argument<string?> name = new("NODE")
    {
        Description = "Its name: the second half of login@NODE",
        Arity = ArgumentArity.ZeroOrOne,
        CompletionSources = { AdminCompletions.Nodes }
    };
    private readonly SshOption ssh = new();
    private readonly Option<string?> from = new("--from")
    {
        HelpName = "FILE|-",
        Description = "Enroll every host of this list instead, several at once: NODE [USER@]HOST[:PORT] [KEY=VALUE,…] in each line",
    };
    private readonly Option<bool> again = new("--again") { Description = "With --from: also hosts that are enrolled already" };
    private readonly ListOption labels = new(
        "--labels", "What roles select it by; of a node that is there already they stay as they are", "KEY=VALUE");
    private readonly Option<string?> address = new("--addr")
    {
        HelpName = "HOST[:PORT]",
        Description = "Where users find it, where that is not what --ssh says",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            // The daemon knows more precisely what an address is; but it is asked only after the host is.
            if (text.Length > 0 && ServerAddress.TryParse($"ssh://{text}") is not ServerAddress.Ssh { User: null })
                result.AddError($"--addr takes HOST[:PORT], not '{text}'");
            return text;
        },
    };
    private readonly LoginOption login = new("The account there to try it with, which runs nothing; without, the one of --ssh, or root");
    private readonly DurationOption ttl = new("--ttl", "How long the host's own certificate lives; 30d without");
    private readonly Option<bool> noPush = new("--no-push")
    {
        Description =
            "Let the daemon not write to it: it fetches new lists, or something else carries them; of a node that is there already spec.push says so"
    };
    private readonly ListOption exempt = new(
        "--exempt",
        "Addresses from which the host sees the daemon, where that is not where it sees this command: failed logins from there do not hold its lists back (OpenSSH 9.8 and later)", "ADDRESS")
    {
        Items = PlainNames.Addresses,
    };
    private readonly Option<bool> keepKeys = new("--keep-keys")
    {
        Description = "A pilot: plain keys go on opening the host, beside certificates, until nodes harden"
    };
    private readonly Option<string?> via = new("--via")
    {
        HelpName = "NODE",
        Description = "The jump host through which users and the daemon reach it; of a node that is there already spec.via says so",
        CompletionSources = { AdminCompletions.JumpHosts }
    };
    private readonly Option<bool> jump = new("--jump")
    {
        Description = "Make it a jump host: it forwards to the hosts behind it, for whoever may enter one of them"
    };
    private readonly Option<bool> keepOtherCas = new("--keep-other-cas")
    {
        Description = "The host trusts another authority: keep its CA keys, beside ours"
    };
    private readonly Option<bool> replace = new("--replace")
    {
        Description = "The host trusts another authority: put it out of force, until nodes rm --ssh"
    };
    private readonly Option<bool> yes = new("--yes") { Description = "Go on although no role lets anybody into the host" };
    private readonly Option<bool> dryRun = new("--dry-run") { Description = "Look at the host, show the files, and change nothing" };

    public NodesEnrollCommand()
        : base(
            "enroll",
            "Brings a host under the authority, and sees from outside that it lets in whom it should and nobody else",
            "tctl nodes enroll db1 --ssh root@db1.example.com --labels=env=prod,type=db",
            "tctl nodes enroll db1 --ssh admin@db1.example.com:2222 --dry-run",
            "tctl nodes enroll --from hosts.txt --labels=env=prod",
            "tctl nodes enroll bastion --ssh root@bastion.example.com --jump",
            "tctl nodes enroll db1 --ssh root@db1.internal --via bastion")
    {
        Arguments.Add(name);
        foreach (var option in (Option[])[
            ssh, from, again, labels, address, login, ttl, noPush, exempt, keepKeys, via, jump, keepOtherCas, replace, yes, dryRun])
            Options.Add(option);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            if (result.GetValue(labels)?.FirstOrDefault(label => !HostList.IsLabel(label)) is { } odd)
                result.AddError($"--labels takes KEY=VALUE, such as env=prod, not '{odd}'");
            if (result.GetValue(jump) && result.GetValue(noPush))
                result.AddError("the daemon writes to a jump host: --jump and --no-push exclude each other");
            if (result.GetResult(from) is { Implicit: false } && result.GetValue(jump))
                result.AddError("--jump is for a single host, not for those of --from");
            if (result.GetValue(keepOtherCas) && result.GetValue(replace))
                result.AddError("--keep-other-cas and --replace exclude each other");
            var isList = result.GetResult(from) is { Implicit: false };
            if (isList && (result.GetResult(name) is { Tokens: [_, ..] } || result.GetResult(ssh) is not null
                || result.GetResult(address) is not null))
                result.AddError("--from takes the names and addresses of hosts from its file: leave out NODE, --ssh and --addr");
            else if (!isList && (result.GetResult(name) is not { Tokens: [_, ..] } || result.GetResult(ssh) is null))
                result.AddError("name a host and where ssh logs in: NODE --ssh [USER@]HOST[:PORT]; or several: --from FILE");
            if (!isList && result.GetValue(again))
                result.AddError("--again belongs to --from; a single host is enrolled again without it");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        return parsed.GetValue(from) is { } list
            ? await Many(parsed, ca, list, cancellation)
            : await One(parsed, ca, new EnrollingHost(parsed.GetValue(name)!, parsed.GetValue(ssh)!, Labels(parsed)), cancellation);
    }

    private async Task<int> One(ParseResult parsed, CaClient ca, EnrollingHost host, CancellationToken cancellation)
    {
        await using var enrollment = await HostEnrollment.Look(
            ca, ServerOption.Chosen(parsed), host, Terms(parsed), EnrollmentVoice.Of(parsed), cancellation);
        if (parsed.GetValue(dryRun))
        {
            var files = await enrollment.Preview(cancellation);
            if (FormatOption.IsJson(parsed))
                parsed.PrintJson(files);
            else
                parsed.PrintAsIs(Shown(files));
            parsed.Say(
                "enrollment also signs the host's own certificate, and adds a HostCertificate line for it where there is none above");
            return ExitCode.Done;
        }
        var enrolled = await enrollment.Run(cancellation);
        if (FormatOption.IsJson(parsed))
            parsed.PrintJson(await enrolled.Status(ca, cancellation));
        else
            parsed.Print(enrolled.Words);
        parsed.Hint(
            enrolled.KeepsKeys ? $"plain keys still open it: tctl nodes harden {host.Node} --ssh {parsed.GetResult(ssh)!.Tokens[0].Value} ends that"
            : enrolled.IsPushed ? "the daemon writes each new revocation list there; tctl nodes ls shows how that goes"
            : "its revocation list is of this moment; docs/hosts.md says how it is kept fresh");
        return ExitCode.Done;
    }

    private async Task<int> Many(ParseResult parsed, CaClient ca, string list, CancellationToken cancellation)
    {
        if (await ResourceFiles.Read([list], cancellation) is not [var file])
            throw new FailureException($"{list} is a folder; --from takes one file");
        var (hosts, faults) = HostList.Read(Encoding.UTF8.GetString(file.Content), file.File, Labels(parsed));
        foreach (var fault in faults)
            parsed.Complain(fault);
        if (faults.Count > 0)
            return ExitCode.Failed;
        var certified = parsed.GetValue(again) ? [] : (await ca.Send(Routes.ListNodes, new ListNodes(), cancellation)).Nodes
            .Where(node => node.Certificate is not null).Select(node => node.Name).ToHashSet(StringComparer.Ordinal);
        var skipped = hosts.RemoveAll(host => certified.Contains(host.Node));
        if (skipped > 0)
            parsed.Say($"{Wording.Count(skipped, "host")} {(skipped == 1 ? "is" : "are")} enrolled already: --again enrolls {(skipped == 1 ? "it" : "them")} anew");
        var terms = Terms(parsed) with { MayAsk = false };
        var server = ServerOption.Chosen(parsed);
        var results = new Results<NodeStatus>(parsed);
        var (isDry, possible) = (parsed.GetValue(dryRun), new JsonArray());
        var (failed, exitCode) = await ManyHosts.Run(
            parsed, hosts, async host =>
            {
                await using var enrollment = await HostEnrollment.Look(
                    ca, server, host, terms, EnrollmentVoice.OfMany(parsed), cancellation);
                return isDry ? null : await enrollment.Run(cancellation);
            },
            async (host, enrolled) =>
            {
                if (enrolled is not null)
                    results.Add(await enrolled.Status(ca, cancellation), enrolled.Words);
                else if (FormatOption.IsJson(parsed))
                    possible.Add((JsonNode)host.Node);
                else
                    parsed.Print($"{host.Node} can be enrolled");
            }, cancellation);
        if (!isDry)
            results.End();
        else if (FormatOption.IsJson(parsed))
            parsed.PrintJson(possible);
        if (failed.Count > 0)
        {
            parsed.Say($"{hosts.Count - failed.Count} of {Wording.Count(hosts.Count, "host")} done; not: {Wording.Some(failed, 20)}");
            parsed.Hint("run the command again when that is mended: hosts that are enrolled already are left alone");
        }
        return exitCode;
    }

    private EnrollmentTerms Terms(ParseResult parsed) => new()
    {
        Address = parsed.GetValue(address),
        Login = parsed.GetValue(login),
        Ttl = parsed.GetValue(ttl),
        Push = !parsed.GetValue(noPush),
        Exempt = exempt.Given(parsed),
        Other = parsed.GetValue(keepOtherCas) ? OtherAuthority.Keep
            : parsed.GetValue(replace) ? OtherAuthority.Replace : OtherAuthority.Refuse,
        KeepKeys = parsed.GetValue(keepKeys) ? true : null,
        Via = parsed.GetValue(via),
        Jump = parsed.GetValue(jump),
        EvenIfNobodyEnters = parsed.GetValue(yes),
    };

    private Dictionary<string, string> Labels(ParseResult parsed) =>
        new((labels.Given(parsed) ?? []).Select(HostList.Label), StringComparer.Ordinal);

    private static IEnumerable<string> Shown(NodeFile[] files)
    {
        foreach (var file in files)
        {
            yield return $"{file.Path}:";
            foreach (var line in Path.GetExtension(file.Path) == ".krl"
                ? [$"({file.Content.Length} bytes)"]
                : Encoding.UTF8.GetString(file.Content).TrimEnd('\n').Split('\n'))
                yield return $"  {line}";
        }
    }
}
