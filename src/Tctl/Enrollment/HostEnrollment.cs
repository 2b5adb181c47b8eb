using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// The enrollment of one host: looks at it, puts the files there, tries from outside whether they work, and otherwise restores the host to
/// its previous state.
/// </summary>
internal sealed class HostEnrollment : IAsyncDisposable
{
    private const string DropIn = "00-certauthority.conf";

    // The variable of host.sh.
    private const string DaemonsLogin = "\"$login\"";

    private readonly CaClient ca;
    private readonly EnrollingHost target;
    private readonly EnrollmentTerms terms;
    private readonly EnrollmentVoice voice;
    private readonly RemoteHost host;
    private readonly HostFacts facts;

    // Null for a node that does not exist yet.
    private readonly JsonObject? was;
    private readonly NodePlan plan;
    private readonly string account;
    private readonly bool pushes;
    private readonly bool keepsKeys;
    private readonly bool jumps;
    private readonly string? exemptions;

    private HostEnrollment(
        CaClient ca, ServerList servers, EnrollingHost target, EnrollmentTerms terms, EnrollmentVoice voice, RemoteHost host,
        HostFacts facts, JsonObject? was, NodePlan plan)
    {
        (this.ca, this.target, this.terms, this.voice, this.host, this.facts, this.was, this.plan)
            = (ca, target, terms, voice, host, facts, was, plan);
        account = Account(target, terms);
        pushes = was is null ? terms.Push : IsSet(was, "push");
        keepsKeys = terms.KeepKeys != false && (was is null ? terms.KeepKeys == true : IsSet(was, "keep_keys"));
        jumps = terms.Jump || (was is not null && IsSet(was, "jump"));
        exemptions = pushes && facts.Settings.KnowsExemptions ? Exemptions(servers) : null;
    }

    private string At => target.At.Host;

    /// <summary>Connects to a host, looks at it, and decides whether it can be enrolled. Nothing changes.</summary>
    /// <param name="ca">The daemon.</param>
    /// <param name="servers">The addresses of the daemon.</param>
    /// <param name="target">The host.</param>
    /// <param name="terms">What the operator decided.</param>
    /// <param name="voice">Tells the operator who could enter, and warnings.</param>
    /// <param name="cancellation">Cancels when the user interrupts it.</param>
    /// <exception cref="FailureException">The host cannot be reached, or must not be enrolled.</exception>
    public static async Task<HostEnrollment> Look(
        CaClient ca, ServerList servers, EnrollingHost target, EnrollmentTerms terms, EnrollmentVoice voice,
        CancellationToken cancellation)
    {
        PlainNames.CheckNode(target.Node);
        PlainNames.CheckLogin(Account(target, terms));
        var host = await RemoteHost.Connect(target.At, terms.MayAsk, voice.Warn, cancellation);
        try
        {
            var facts = HostFacts.Read(await host.Run("look", cancellation));
            var was = await Known(ca, target.Node, cancellation);
            if (terms.KeepKeys == true && was is not null && !IsSet(was, "keep_keys"))
                throw new FailureException(
                    $"node \"{target.Node}\" is there already, and says that plain keys open nothing",
                    $"to let them in again, give it spec.keep_keys: true, and enroll it again: tctl edit node/{target.Node}");
            if (terms.KeepKeys == false && (was is null || !IsSet(was, "keep_keys")))
                throw new FailureException(
                    was is null ? $"there is no node \"{target.Node}\"" : $"no plain key opens {target.Node} any more",
                    "tctl nodes ls shows which hosts keep their plain keys");
            var plan = await ca.Send(
                Routes.PlanNode, new PlanNode(target.Node, target.Labels, facts.Machine, facts.Boot), cancellation);
            var isDaemonsHost = plan.IsDaemonsHost || servers.HasHost(target.At.Host);
            var enrollment = new HostEnrollment(ca, servers, target, terms, voice, host, facts, was, plan);
            EnrollmentRefusals.Check(
                facts, target.Node, target.At.Host, isDaemonsHost, enrollment.pushes, terms.Other, enrollment.keepsKeys);
            if (plan.HasDaemonsMachineId)
                voice.Warn(
                    $"{target.At.Host} has the machine-id of the daemon's host, as a clone of it has; give it its own: rm /etc/machine-id && systemd-machine-id-setup");
            EntrantsOfNode.Show(plan, target.Node, voice.Say);
            return enrollment;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Returns the files that the host would get.</summary>
    public async Task<NodeFile[]> Preview(CancellationToken cancellation) =>
        (await ca.Send(
            Routes.GetNodeFiles, new GetNodeFiles(target.Node, Preview: true, pushes, exemptions, keepsKeys, jumps), cancellation)).Files;

    /// <summary>Enrolls the host.</summary>
    /// <exception cref="FailureException">It does not do what it must; it is as it was before, or the message says what is not.</exception>
    public async Task<EnrolledHost> Run(CancellationToken cancellation)
    {
        if (jumps && !pushes)
            throw new FailureException(
                $"{target.Node} would not learn which hosts are behind it: the daemon writes that to a jump host",
                "leave out --no-push; of a node that is there already spec.push says so");
        if (plan.Entrants.Length == 0 && !terms.EvenIfNobodyEnters && !keepsKeys)
            throw EntrantsOfNode.Nobody(target.Node, "once it is enrolled");
        string[] otherCas = terms.Other == OtherAuthority.Keep ? facts.OtherCas : [];
        var resource = was ?? NodeResources.New(target, terms, otherCas);
        if (was is null)
            voice.Created(await ca.Apply(resource, replaces: false, cancellation));
        try
        {
            // The daemon writes to the host from the moment when it can, and not before.
            if (was is not null && terms.Other != OtherAuthority.Refuse)
                await ca.Apply(resource = resource.With("other_cas", NodeResources.Keys(otherCas)), replaces: true, cancellation);
            await ca.Send(Routes.CertifyHost, new CertifyHost(target.Node, facts.Key!, terms.Ttl), cancellation);
            var files = await Install(cancellation);
            var caType = CaType(files);
            if (was is null && pushes)
                await ca.Apply(resource = resource.With("push", true), replaces: true, cancellation);
            if (was is not null && HasChanged(was))
                await ca.Apply(resource.With("keep_keys", keepsKeys).With("jump", jumps), replaces: true, cancellation);
            if (pushes)
            {
                await Sync(caType, cancellation);
                voice.Say($"{At}: the daemon has written to it");
            }
            await ca.Send(
                Routes.ConfirmTrust, new ConfirmTrust(target.Node, Keys(files, "user_ca.pub")!, Keys(files, "sync_ca.pub")), cancellation);
            await host.Run("keep", cancellation);
        }
        // Whatever failed, including an interrupt or a lost daemon: the host is restored first.
        catch (Exception e) when (e is FailureException or ProblemException or UnreachableException or OperationCanceledException)
        {
            var outcome = await Undo();
            if (e is OperationCanceledException)
            {
                voice.Say(outcome);
                throw;
            }
            throw new FailureException(
                e is ProblemException { Problem: var problem } ? voice.Detail(problem) : e.Message, outcome,
                e is UnreachableException ? ExitCode.Unreachable : ExitCode.Failed);
        }
        return new EnrolledHost(target.Node, account, pushes, keepsKeys);
    }

    public ValueTask DisposeAsync() => host.DisposeAsync();

    /// <summary>Puts the files in place, has sshd read them, and tries from here whether they work.</summary>
    /// <returns>The files.</returns>
    private async Task<NodeFile[]> Install(CancellationToken cancellation)
    {
        using var proof = new HostProof();
        // Done before the files are sent, so that their revocation list contains the revoked certificate.
        var certificates = await ca.Send(
            Routes.ProveNode, new ProveNode(target.Node, await proof.NewKey(cancellation), account), cancellation);
        var files = (await ca.Send(
            Routes.GetNodeFiles, new GetNodeFiles(target.Node, Push: pushes, Exempt: exemptions, KeepKeys: keepsKeys, Jump: jumps),
            cancellation)).Files;
        foreach (var file in files)
            await host.Stage(FileName(file), file.Content, cancellation);
        voice.Say($"{At}: the files are there; now they take their places");
        await host.Run("swap", cancellation);
        var ours = new Dictionary<string, SshdSettings>(StringComparer.Ordinal);
        if (pushes)
            ours["certauthority-sync"] = await Effective(DaemonsLogin);
        if (jumps)
            ours[JumpHost.Login] = await Effective(JumpHost.Login);
        foreach (var warning in DropInCheck.Warnings(await Effective(account), ours, files.Single(file => FileName(file) == DropIn)))
            voice.Warn($"{target.Node}: {warning}");
        voice.Say($"{At}: sshd has read them; now it is tried from here");
        await proof.Try(
            target.Node, target.At, account, certificates, await Expect(account, CaType(files), cancellation), voice.Say, cancellation);
        return files;

        async Task<SshdSettings> Effective(string who) => SshdSettings.Read(await host.Run($"effective {who}", cancellation));
    }

    /// <summary>Has the daemon write to the host.</summary>
    private async Task Sync(string caType, CancellationToken cancellation)
    {
        try
        {
            await ca.Send(Routes.SyncNode, new SyncNode(target.Node), cancellation);
        }
        catch (ProblemException e) when (e.Problem.Code == ProblemCode.Unavailable)
        {
            throw (await Expect(DaemonsLogin, caType, cancellation)).Obstacle is { } obstacle
                ? new FailureException($"{e.Message}: its {obstacle}")
                : e;
        }
    }

    private async Task<HostProof.Expected> Expect(string who, string caType, CancellationToken cancellation)
    {
        var settings = SshdSettings.Read(await host.Run($"effective_here {who}", cancellation));
        var groups = (await host.Run($"groups_of {who}", cancellation)).SelectMany(line => line.Split(' ')).ToList();
        var from = facts.From ?? "";
        return new HostProof.Expected(
            settings.WhyRefused(who == DaemonsLogin ? "certauthority-sync" : who, groups, from, HostProof.CertificateType, caType),
            settings.IsExempt(from) ? null : settings.PenaltyForRefusal);
    }

    /// <summary>Restores the host, and then the node.</summary>
    /// <returns>What could be restored, and what to do about the rest.</returns>
    private async Task<string> Undo()
    {
        var outcome = await PutBack();
        try
        {
            if (was is null)
                await ca.Send(Routes.RemoveResource, new RemoveResource(ResourceKinds.Node, target.Node), CancellationToken.None);
            else if (terms.Other != OtherAuthority.Refuse || HasChanged(was))
                await ca.Apply(was, replaces: true, CancellationToken.None);
            return outcome;
        }
        catch (Exception e) when (e is ProblemException or UnreachableException)
        {
            return was is null
                ? $"{outcome}; the node stays: tctl nodes rm {target.Node}"
                : $"{outcome}; the node is not as it was: tctl edit node/{target.Node}";
        }
    }

    private async Task<string> PutBack()
    {
        try
        {
            await host.Run("undo", CancellationToken.None);
            return $"{At} is as it was before";
        }
        catch (FailureException e)
        {
            return host.IsGone
                ? $"{At} puts back what was there when it sees that the connection is gone"
                : $"{At} could not be put back as it was ({e.Message}); what was there lies in /etc/ssh/certauthority.before";
        }
    }

    // The daemon's address first, then the addresses that the host exempted before: if there are two lists, sshd reads only the first,
    // which is ours.
    private string Exemptions(ServerList servers)
    {
        var seen = terms.Exempt ?? (facts.From is { } from && servers.All.All(one => one is ServerAddress.Unix) ? [from] : []);
        if (seen.Length == 0)
            voice.Warn(
                "failed logins from the daemon's address can hold its lists back (PerSourcePenalties); --exempt=ADDRESS says from where the host sees the daemon");
        return string.Join(
            ',', seen.Concat(facts.Settings.Exemptions.Except(facts.OurExemptions.Take(1))).Distinct(StringComparer.Ordinal));
    }

    private static async Task<JsonObject?> Known(CaClient ca, string node, CancellationToken cancellation)
    {
        try
        {
            return NodeResources.Plain(
                (await ca.Send(Routes.GetResources, new GetResources(ResourceKinds.Node, node), cancellation)).Resources[0]);
        }
        catch (ProblemException e) when (e.Problem.Code == ProblemCode.NotFound)
        {
            return null;
        }
    }

    private bool HasChanged(JsonObject node) => keepsKeys != IsSet(node, "keep_keys") || jumps != IsSet(node, "jump");

    private static bool IsSet(JsonObject resource, string flag) => (bool?)resource["spec"]?[flag] == true;

    private static string Account(EnrollingHost target, EnrollmentTerms terms) => terms.Login ?? target.At.User ?? "root";

    // The settings of an sshd can depend on it.
    private static string CaType(NodeFile[] files) => Keys(files, "user_ca.pub")![0].Split(' ')[0];

    private static string[]? Keys(NodeFile[] files, string name) =>
        Array.Find(files, file => FileName(file) == name) is { } file
            ? Encoding.ASCII.GetString(file.Content).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : null;

    // It becomes a word in a root shell on the host, so it must be one of our names, whatever the daemon sends.
    private static string FileName(NodeFile file) =>
        Path.GetFileName(file.Path) is DropIn or "user_ca.pub" or "revoked.krl" or "host-cert.pub" or "audit_key.pub" or "host_ca.pub"
            or "sync_ca.pub" or "sync.krl" or "jump_ca.pub" or "jump_principals"
        ? Path.GetFileName(file.Path)
        : throw new FailureException($"the daemon names a file that belongs on no host: {file.Path}");
}
