using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl nodes enroll</c>: brings a host under the authority, sees from outside that it does what it must, and else puts back what was there.</summary>
internal sealed class NodesEnrollCommand : Verb
{
    private const string DropIn = "00-certauthority.conf";

    // The first that reads drop-ins.
    private static readonly Version Oldest = new(8, 2);

    private readonly Argument<string> name = new("NODE") { Description = "Its name: the second half of login@NODE", CompletionSources = { Known.Nodes } };
    private readonly SshOption ssh = new() { Required = true };
    private readonly ListOption labels = new("--labels", "What roles select it by; of a node that is there already they stay as they are", "KEY=VALUE");
    private readonly Option<string?> address = new("--addr") { HelpName = "HOST[:PORT]", Description = "Where users find it, where that is not what --ssh says" };
    private readonly Option<string?> login = new("--login") { HelpName = "LOGIN", Description = "The account there to try it with, which runs nothing; without, the one of --ssh, or root" };
    private readonly Option<string?> ttl = new("--ttl") { HelpName = "DURATION", Description = "How long the host's own certificate lives; 30d without" };
    private readonly Option<bool> noPush = new("--no-push") { Description = "Let the daemon not write to it: it fetches new lists, or something else carries them; of a node that is there already spec.push says so" };
    private readonly Option<bool> dryRun = new("--dry-run") { Description = "Look at the host, show the files, and change nothing" };

    public NodesEnrollCommand()
        : base(
            "enroll",
            "Brings a host under the authority, and sees from outside that it lets in whom it should and nobody else",
            "tctl nodes enroll db1 --ssh root@db1.example.com --labels=env=prod,type=db",
            "tctl nodes enroll db1 --ssh admin@db1.example.com:2222 --dry-run")
    {
        Arguments.Add(name);
        foreach (var option in (Option[])[ssh, labels, address, login, ttl, noPush, dryRun])
            Options.Add(option);
        Validators.Add(result =>
        {
            if (result.GetValue(labels)?.FirstOrDefault(label => label.Split('=', 2) is not [{ Length: > 0 }, _]) is { } odd)
                result.AddError($"'{odd}' is not KEY=VALUE, such as env=prod");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var (node, at) = (parsed.GetValue(name)!, parsed.GetValue(ssh)!);
        var account = parsed.GetValue(login) ?? at.User ?? "root";
        PlainNames.CheckNode(node);
        PlainNames.CheckLogin(account);
        using var ca = ServerOption.Connect(parsed);
        await using var host = await RemoteHost.Connect(at, cancellation);
        var facts = Facts.Read(await host.Run("look", cancellation));
        var known = (await ca.Send(Routes.ListNodes, new ListNodes(), cancellation)).Nodes.FirstOrDefault(one => one.Name == node);
        var pushes = known is null ? !parsed.GetValue(noPush) : known.Sync is not null;
        Refuse(facts, at, ServerOption.Chosen(parsed), pushes);
        if (parsed.GetValue(dryRun))
        {
            parsed.Print(Shown(await ca.Send(Routes.GetNodeFiles, new GetNodeFiles(node, Preview: true, pushes), cancellation)));
            parsed.Say("the host's own certificate is signed then; it and its HostCertificate line come with these, where they do not stand here");
            return ExitCode.Done;
        }

        // The daemon writes to it from the moment when it can, and not before.
        if (known is null)
            parsed.Show(await ca.Send(Routes.ApplyResources, Resource(parsed, node, at, isPushed: false), cancellation));
        try
        {
            await ca.Send(Routes.CertifyHost, new CertifyHost(node, facts.Key!, parsed.GetValue(ttl)), cancellation);
            using var proof = new HostProof();
            // Before the files: the list among them has the revoked one then.
            var certificates = await ca.Send(Routes.ProveNode, new ProveNode(node, await proof.NewKey(cancellation), account), cancellation);
            var files = (await ca.Send(Routes.GetNodeFiles, new GetNodeFiles(node, Push: pushes), cancellation)).Files;
            foreach (var file in files)
                await host.Stage(FileName(file), file.Content, cancellation);
            parsed.Say($"{at.Host}: the files are there; now they take their places");
            await host.Run("swap", cancellation);
            foreach (var warning in Undercut(await host.Run($"effective {account}", cancellation), pushes ? await host.Run("effective \"$login\"", cancellation) : [], files))
                parsed.Warn($"{node}: {warning}");
            parsed.Say($"{at.Host}: sshd has read them; now it is tried from here");
            await proof.Try(node, at, account, certificates, cancellation);
            if (pushes)
            {
                if (known is null)
                    await ca.Send(Routes.ApplyResources, Resource(parsed, node, at, isPushed: true), cancellation);
                await ca.Send(Routes.SyncNode, new SyncNode(node), cancellation);
                parsed.Say($"{at.Host}: the daemon has written to it");
            }
            await host.Run("keep", cancellation);
        }
        // Whatever was in the way, an interrupt or a daemon that went away too: the host comes first.
        catch (Exception e) when (e is FailureException or ProblemException or UnreachableException or OperationCanceledException)
        {
            var outcome = await PutBack(host);
            if (known is null && !await Forgets(ca, node))
                outcome += $"; the node stays: tctl nodes rm {node}";
            if (e is OperationCanceledException)
            {
                parsed.Say(outcome);
                throw;
            }
            throw new FailureException(e.Message, outcome, e is UnreachableException ? ExitCode.Unreachable : ExitCode.Failed);
        }
        parsed.Print($"{node} is enrolled: as {account}, a certificate for it enters; one for another host and a revoked one do not");
        parsed.Hint(pushes ? "the daemon writes each new revocation list there; tctl nodes ls shows how that goes" : "its revocation list is of this moment; docs/hosts.md says how it is kept fresh");
        return ExitCode.Done;
    }

    private static void Refuse(Facts facts, ServerAddress.Ssh at, ServerAddress server, bool pushes)
    {
        var isDaemons = server is ServerAddress.Ssh elsewhere ? elsewhere.Host == at.Host : facts.Machine.Length > 0 && facts.Machine == Facts.ThisMachine;
        if (facts.IsDaemonsHost || isDaemons)
            throw new FailureException($"{at.Host} is the daemon's own host, and that must never trust it for users", "whoever could enter it as root by a certificate would be the administrator: docs/hosts.md");
        if (facts.Version is not { } version || version < Oldest)
            throw new FailureException($"{at.Host} has OpenSSH {facts.Version?.ToString() ?? "of an unknown version"}; {Oldest} is the first that reads /etc/ssh/sshd_config.d");
        if (facts.Key is null)
            throw new FailureException($"{at.Host}: the public half of no host key can be read", "sshd -T | grep hostkey names the keys; beside each lies its .pub");
        if (pushes && !facts.HasSftp)
            throw new FailureException($"{at.Host}: its sshd has no sftp, by which the daemon writes to it", "give sshd_config the line: Subsystem sftp internal-sftp; or let it fetch, with --no-push");
        if (pushes && !facts.CanHaveAccount)
            throw new FailureException($"{at.Host} has no useradd, to make the account by which the daemon writes", "make it yourself: docs/hosts.md, section 6; or let the host fetch, with --no-push");
    }

    private ApplyResources Resource(ParseResult parsed, string node, ServerAddress.Ssh at, bool isPushed)
    {
        var host = at.Host.Contains(':') ? $"[{at.Host}]" : at.Host;
        var resource = new JsonObject
        {
            ["kind"] = "node",
            ["version"] = "v2",
            ["metadata"] = new JsonObject
            {
                ["name"] = node,
                ["labels"] = new JsonObject((labels.Given(parsed) ?? []).Select(label => label.Split('=', 2)).Select(label => KeyValuePair.Create<string, JsonNode?>(label[0], label[1]))),
            },
            ["spec"] = new JsonObject { ["addr"] = parsed.GetValue(address) ?? (at.Port is { } port ? $"{host}:{port}" : host), ["push"] = isPushed },
        };
        return new ApplyResources(Encoding.UTF8.GetBytes(resource.ToJsonString()), "node", Force: isPushed);
    }

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
            await ca.Send(Routes.RemoveResource, new RemoveResource("node", node), CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is ProblemException or UnreachableException)
        {
            return false;
        }
    }

    // It becomes a word of a shell that is root's there, so it is one of ours, whatever the daemon says.
    private static string FileName(NodeFile file) => Path.GetFileName(file.Path) is DropIn or "user_ca.pub" or "revoked.krl" or "host-cert.pub" or "sync_ca.pub" or "sync.krl"
        ? Path.GetFileName(file.Path)
        : throw new FailureException($"the daemon names a file that belongs on no host: {Printable.Escape(file.Path)}");

    /// <summary>What another setting on the host makes of ours.</summary>
    /// <exception cref="FailureException">One of ours does not hold.</exception>
    /// <returns>What leaves another way in.</returns>
    /// <param name="effective">What holds for a login.</param>
    /// <param name="effectiveSync">What holds for the daemon's own; nothing where it does not write there.</param>
    /// <param name="files">Ours.</param>
    internal static IEnumerable<string> Undercut(string[] effective, string[] effectiveSync, NodeFile[] files)
    {
        var (holds, holdsForSync) = (Settings(effective), Settings(effectiveSync));
        var lines = Encoding.UTF8.GetString(files.Single(file => Path.GetFileName(file.Path) == DropIn).Content).Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#').ToList();
        var match = lines.FindIndex(line => line.StartsWith("Match ", StringComparison.Ordinal));
        ExpectToHold(lines[..(match < 0 ? lines.Count : match)], holds);
        ExpectToHold(match < 0 ? [] : lines[(match + 1)..], holdsForSync);
        var warnings = new List<string>();
        foreach (var (setting, way) in ((string, string)[])[("passwordauthentication", "passwords"), ("kbdinteractiveauthentication", "what PAM asks"), ("hostbasedauthentication", "trusted hosts"), ("gssapiauthentication", "Kerberos")])
            if (holds[setting].Contains("yes"))
                warnings.Add($"{way} can still open a login ({setting} yes)");
        if (holds["authorizedkeyscommand"].FirstOrDefault() is { } command && command != "none")
            warnings.Add($"plain keys can still open a login (authorizedkeyscommand {command})");
        if (holds["authorizedprincipalsfile"].FirstOrDefault() is { } principals && principals != "none")
            warnings.Add($"principals of other names can open a login too (authorizedprincipalsfile {principals})");
        return warnings;
    }

    private static ILookup<string, string> Settings(string[] effective) =>
        effective.Select(line => line.Split(' ', 2)).Where(line => line.Length == 2).ToLookup(line => line[0], line => line[1], StringComparer.OrdinalIgnoreCase);

    private static void ExpectToHold(IEnumerable<string> lines, ILookup<string, string> holds)
    {
        foreach (var ours in lines.Select(line => line.Split(' ', 2)))
            if (!holds[ours[0]].Contains(ours[1]))
                throw new FailureException(
                    $"another setting wins over the drop-in: {ours[0]} is {(holds[ours[0]].FirstOrDefault() is { } other ? $"\"{Printable.Escape(other)}\"" : "not set")}; take it out of sshd_config, or of the drop-in that has it, and see that sshd_config includes /etc/ssh/sshd_config.d/*.conf before anything else");
    }

    private static IEnumerable<string> Shown(NodeFiles files)
    {
        foreach (var file in files.Files)
        {
            yield return $"{file.Path}:";
            foreach (var line in Path.GetExtension(file.Path) == ".krl" ? [$"({file.Content.Length} bytes)"] : Encoding.UTF8.GetString(file.Content).TrimEnd('\n').Split('\n'))
                yield return $"  {line}";
        }
    }

    /// <summary>What the host says of itself.</summary>
    private sealed record Facts(string Machine, bool IsDaemonsHost, Version? Version, bool HasSftp, bool CanHaveAccount, string? Key)
    {
        private static readonly string[] Preferred = ["ssh-ed25519 ", "ecdsa-sha2-", "ssh-rsa "];

        public static string ThisMachine => File.Exists("/etc/machine-id") ? File.ReadAllText("/etc/machine-id").Trim() : "";

        public static Facts Read(string[] lines)
        {
            var facts = lines.Select(line => line.Split(' ', 2)).Where(line => line.Length == 2).ToLookup(line => line[0], line => line[1].Trim());
            return new Facts(
                facts["machine"].FirstOrDefault() ?? "",
                facts["daemon"].Any(),
                Version.TryParse(facts["version"].FirstOrDefault(), out var version) ? version : null,
                facts["sftp"].Any(),
                facts["account"].Any(),
                facts["key"].Where(key => Preferred.Any(key.StartsWith)).MinBy(key => Array.FindIndex(Preferred, key.StartsWith)));
        }
    }
}
