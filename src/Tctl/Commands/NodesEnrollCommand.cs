using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// <c>tctl nodes enroll</c>: brings a host under the authority, and checks from outside that it works; otherwise it restores the host to
/// its previous state.
/// </summary>
internal sealed class NodesEnrollCommand : CliCommand
{
    private const string DropIn = "00-certauthority.conf";

    // The variable of host.sh.
    private const string DaemonsLogin = "\"$login\"";

    // One line for each login and role; nobody reads more names than this.
    private const int MostUsers = 8;

    private readonly Argument<string> name = new("NODE")
    {
        Description = "Its name: the second half of login@NODE",
        CompletionSources = { AdminCompletions.Nodes }
    };
    private readonly SshOption ssh = new() { Required = true };
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
            "tctl nodes enroll db1 --ssh admin@db1.example.com:2222 --dry-run")
    {
        Arguments.Add(name);
        foreach (var option in (Option[])[ssh, labels, address, login, ttl, noPush, exempt, keepOtherCas, replace, yes, dryRun])
            Options.Add(option);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            if (result.GetValue(labels)?.FirstOrDefault(label => label.Split('=', 2) is not [{ Length: > 0 }, _]) is { } odd)
                result.AddError($"--labels takes KEY=VALUE, such as env=prod, not '{odd}'");
            if (result.GetValue(keepOtherCas) && result.GetValue(replace))
                result.AddError("--keep-other-cas and --replace exclude each other");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var (node, at) = (parsed.GetValue(name)!, parsed.GetValue(ssh)!);
        var account = parsed.GetValue(login) ?? at.User ?? "root";
        PlainNames.CheckNode(node);
        PlainNames.CheckLogin(account);
        using var ca = ServerOption.Connect(parsed);
        await using var host = await RemoteHost.Connect(at, parsed.Warn, cancellation);
        var facts = HostFacts.Read(await host.Run("look", cancellation));
        var known = (await ca.Send(Routes.ListNodes, new ListNodes(), cancellation)).Nodes.FirstOrDefault(one => one.Name == node);
        var pushes = known is null ? !parsed.GetValue(noPush) : known.Sync is not null;
        var other = parsed.GetValue(keepOtherCas)
            ? OtherAuthority.Keep
            : parsed.GetValue(replace) ? OtherAuthority.Replace : OtherAuthority.Refuse;
        var plan = await ca.Send(Routes.PlanNode, new PlanNode(node, Labels(parsed), facts.Machine, facts.Boot), cancellation);
        EnrollmentRefusals.Check(facts, node, at.Host, plan.IsDaemonsHost || IsDaemonsName(ServerOption.Chosen(parsed), at), pushes, other);
        if (plan.HasDaemonsMachineId)
            parsed.Warn(
                $"{at.Host} has the machine-id of the daemon's host, as a clone of it has; give it its own: rm /etc/machine-id && systemd-machine-id-setup");
        ShowEntrants(parsed, node, plan.Entrants);
        var exemptions = pushes && facts.Settings.KnowsExemptions ? Exemptions(parsed, facts) : null;
        if (parsed.GetValue(dryRun))
        {
            var preview = await ca.Send(Routes.GetNodeFiles, new GetNodeFiles(node, Preview: true, pushes, exemptions), cancellation);
            if (FormatOption.IsJson(parsed))
                parsed.PrintJson(preview.Files);
            else
                parsed.PrintAsIs(Shown(preview));
            parsed.Say(
                "enrollment also signs the host's own certificate, and adds a HostCertificate line for it where there is none above");
            return ExitCode.Done;
        }
        if (plan.Entrants.Length == 0 && !parsed.GetValue(yes))
            throw new FailureException(
                $"nobody could enter {node}: no role opens it for any user, and plain keys open nothing there once it is enrolled",
                "create a role for its labels first, or go on with --yes; tctl access explain USER --node=NODE says why a user cannot enter");

        // The previous resource, to restore it.
        var was = known is not null && other != OtherAuthority.Refuse
            ? Plain((await ca.Send(Routes.GetResources, new GetResources(ResourceKinds.Node, node), cancellation)).Resources[0])
            : null;
        string[] otherCas = other == OtherAuthority.Keep ? facts.OtherCas : [];
        if (known is null)
            ShowCreated(
                parsed, await ca.Send(Routes.ApplyResources, Apply(Resource(parsed, node, at, otherCas), isNew: true), cancellation));
        NodeStatus? enrolled = null;
        try
        {
            // The daemon writes to the host from the moment when it can, and not before.
            if (was is not null)
                await ca.Send(
                    Routes.ApplyResources,
                    Apply(With(was, "other_cas", new JsonArray([.. otherCas.Select(key => JsonValue.Create(key))])), isNew: false),
                    cancellation);
            await ca.Send(Routes.CertifyHost, new CertifyHost(node, facts.Key!, parsed.GetValue(ttl)), cancellation);
            using var proof = new HostProof();
            // Done before the files are sent, so that their revocation list contains the revoked certificate.
            var certificates = await ca.Send(
                Routes.ProveNode, new ProveNode(node, await proof.NewKey(cancellation), account), cancellation);
            var files = (await ca.Send(Routes.GetNodeFiles, new GetNodeFiles(node, Push: pushes, Exempt: exemptions), cancellation)).Files;
            foreach (var file in files)
                await host.Stage(FileName(file), file.Content, cancellation);
            parsed.Say($"{at.Host}: the files are there; now they take their places");
            await host.Run("swap", cancellation);
            foreach (var warning in DropInCheck.Warnings(
                await Effective(account), pushes ? await Effective(DaemonsLogin) : null, files.Single(file => FileName(file) == DropIn)))
                parsed.Warn($"{node}: {warning}");
            parsed.Say($"{at.Host}: sshd has read them; now it is tried from here");
            var caType = System.Text.Encoding.ASCII.GetString(files.Single(file => FileName(file) == "user_ca.pub").Content).Split(' ')[0];
            await proof.Try(node, at, account, certificates, await Expect(account, caType), parsed.Say, cancellation);
            if (pushes)
            {
                if (known is null)
                    await ca.Send(
                        Routes.ApplyResources, Apply(With(Resource(parsed, node, at, otherCas), "push", true), isNew: false), cancellation);
                await Sync(caType);
                parsed.Say($"{at.Host}: the daemon has written to it");
            }
            if (FormatOption.IsJson(parsed))
                enrolled = (await ca.Send(Routes.ListNodes, new ListNodes(), cancellation)).Nodes.FirstOrDefault(one => one.Name == node)
                    ?? throw new FailureException($"{node} was removed meanwhile");
            await host.Run("keep", cancellation);
        }
        // Whatever failed, including an interrupt or a lost daemon: the host is restored first.
        catch (Exception e) when (e is FailureException or ProblemException or UnreachableException or OperationCanceledException)
        {
            var outcome = await PutBack(host);
            if (known is null && !await Forgets(ca, node))
                outcome += $"; the node stays: tctl nodes rm {node}";
            if (was is not null && !await Restores(ca, was))
                outcome += $"; the node keeps the other authority's keys: tctl edit node/{node}";
            if (e is OperationCanceledException)
            {
                parsed.Say(outcome);
                throw;
            }
            throw new FailureException(
                e is ProblemException { Problem: var problem } ? parsed.DetailOf(problem) : e.Message, outcome,
                e is UnreachableException ? ExitCode.Unreachable : ExitCode.Failed);
        }
        parsed.PrintResult(
            enrolled, $"{node} is enrolled: as {account}, a certificate for it enters; one for another host and a revoked one do not");
        parsed.Hint(
            pushes
                ? "the daemon writes each new revocation list there; tctl nodes ls shows how that goes"
                : "its revocation list is of this moment; docs/hosts.md says how it is kept fresh");
        return ExitCode.Done;

        async Task<SshdSettings> Effective(string who) => SshdSettings.Read(await host.Run($"effective {who}", cancellation));

        async Task<HostProof.Expected> Expect(string who, string caType)
        {
            var settings = SshdSettings.Read(await host.Run($"effective_here {who}", cancellation));
            var groups = (await host.Run($"groups_of {who}", cancellation)).SelectMany(line => line.Split(' ')).ToList();
            var from = facts.From ?? "";
            return new HostProof.Expected(
                settings.WhyRefused(who == DaemonsLogin ? "certauthority-sync" : who, groups, from, HostProof.CertificateType, caType),
                settings.IsExempt(from) ? null : settings.PenaltyForRefusal);
        }

        async Task Sync(string caType)
        {
            try
            {
                await ca.Send(Routes.SyncNode, new SyncNode(node), cancellation);
            }
            catch (ProblemException e) when (e.Problem.Code == ProblemCode.Unavailable)
            {
                throw (await Expect(DaemonsLogin, caType)).Obstacle is { } obstacle
                    ? new FailureException($"{e.Message}: its {obstacle}")
                    : e;
            }
        }
    }

    // The JSON is about the host, not the resource.
    private static void ShowCreated(ParseResult parsed, AppliedResources created)
    {
        if (!FormatOption.IsJson(parsed))
            parsed.Print(created.Done);
        parsed.ShowConsequences(created);
    }

    // The daemon's address first, then the addresses that the host exempted before: if there are two lists, sshd reads only the first,
    // which is ours.
    private string Exemptions(ParseResult parsed, HostFacts facts)
    {
        var seen = exempt.Given(parsed) ?? (facts.From is { } from && ServerOption.Chosen(parsed) is ServerAddress.Unix ? [from] : []);
        if (seen.Length == 0)
            parsed.Warn(
                "failed logins from the daemon's address can hold its lists back (PerSourcePenalties); --exempt=ADDRESS says from where the host sees the daemon");
        return string.Join(
            ',', seen.Concat(facts.Settings.Exemptions.Except(facts.OurExemptions.Take(1))).Distinct(StringComparer.Ordinal));
    }

    private static bool IsDaemonsName(ServerAddress server, ServerAddress.Ssh at) =>
        server is ServerAddress.Ssh elsewhere && elsewhere.Host == at.Host;

    private static void ShowEntrants(ParseResult parsed, string node, NodeEntrant[] entrants)
    {
        foreach (var one in entrants)
        {
            var users = string.Join(", ", one.Users.Take(MostUsers))
                + (one.Users.Length > MostUsers ? $" and {one.Users.Length - MostUsers} more" : "");
            parsed.Say(
                one.OnRequest
                    ? $"who can ask to enter {node}: {users} (role {one.Role})"
                    : $"who can enter {node} as {one.Login}: {users} (role {one.Role})");
        }
    }

    private Dictionary<string, string> Labels(ParseResult parsed) =>
        (labels.Given(parsed) ?? []).Select(label => label.Split('=', 2)).ToDictionary(label => label[0], label => label[1]);

    private JsonObject Resource(ParseResult parsed, string node, ServerAddress.Ssh at, string[] otherCas)
    {
        var host = at.Host.Contains(':') ? $"[{at.Host}]" : at.Host;
        var spec = new JsonObject { ["addr"] = parsed.GetValue(address) ?? (at.Port is { } port ? $"{host}:{port}" : host) };
        if (otherCas.Length > 0)
            spec["other_cas"] = new JsonArray([.. otherCas.Select(key => JsonValue.Create(key))]);
        return new JsonObject
        {
            ["kind"] = ResourceKinds.Node,
            ["version"] = "v2",
            ["metadata"] = new JsonObject
            {
                ["name"] = node,
                ["labels"] = new JsonObject(Labels(parsed).Select(label => KeyValuePair.Create<string, JsonNode?>(label.Key, label.Value))),
            },
            ["spec"] = spec,
        };
    }

    private static JsonObject With(JsonObject resource, string setting, JsonNode value)
    {
        var changed = resource.DeepClone().AsObject();
        changed["spec"]!.AsObject()[setting] = value;
        return changed;
    }

    // Leaves out the revision that was read, because the resource replaces whatever is there.
    private static JsonObject Plain(System.Text.Json.JsonElement resource)
    {
        var plain = JsonObject.Create(resource)!.DeepClone().AsObject();
        plain["metadata"]!.AsObject().Remove("revision");
        return plain;
    }

    private static ApplyResources Apply(JsonObject resource, bool isNew) =>
        new(Encoding.UTF8.GetBytes(resource.ToJsonString()), ResourceKinds.Node, Force: !isNew);

    private static async Task<string> PutBack(RemoteHost host)
    {
        try
        {
            await host.Run("undo", CancellationToken.None);
            return $"{host.Address.Host} is as it was before";
        }
        catch (FailureException e)
        {
            return host.IsGone
                ? $"{host.Address.Host} puts back what was there when it sees that the connection is gone"
                : $"{host.Address.Host} could not be put back as it was ({e.Message}); what was there lies in /etc/ssh/certauthority.before";
        }
    }

    private static async Task<bool> Forgets(CaClient ca, string node)
    {
        try
        {
            await ca.Send(Routes.RemoveResource, new RemoveResource(ResourceKinds.Node, node), CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is ProblemException or UnreachableException)
        {
            return false;
        }
    }

    private static async Task<bool> Restores(CaClient ca, JsonObject resource)
    {
        try
        {
            await ca.Send(Routes.ApplyResources, Apply(resource, isNew: false), CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is ProblemException or UnreachableException)
        {
            return false;
        }
    }

    // It becomes a word in a root shell on the host, so it must be one of our names, whatever the daemon sends.
    private static string FileName(NodeFile file) =>
        Path.GetFileName(file.Path) is DropIn or "user_ca.pub" or "revoked.krl" or "host-cert.pub" or "audit_key.pub" or "host_ca.pub"
            or "sync_ca.pub" or "sync.krl"
        ? Path.GetFileName(file.Path)
        : throw new FailureException($"the daemon names a file that belongs on no host: {file.Path}");

    private static IEnumerable<string> Shown(NodeFiles files)
    {
        foreach (var file in files.Files)
        {
            yield return $"{file.Path}:";
            foreach (var line in Path.GetExtension(file.Path) == ".krl"
                ? [$"({file.Content.Length} bytes)"]
                : Encoding.UTF8.GetString(file.Content).TrimEnd('\n').Split('\n'))
                yield return $"  {line}";
        }
    }
}
