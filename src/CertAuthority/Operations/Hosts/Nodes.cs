using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Values;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>The hosts under this authority: their certificates and the files on them.</summary>
internal static class Nodes
{
    /// <summary>How long a revoking command waits for hosts by default.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestPatience = TimeSpan.FromMinutes(10);

    // The limit for one reply.
    private const int MostBehind = 200;

    public static async Task<HostCertified> Certify(Authority ca, Administrator by, CertifyHost ask)
    {
        var key = Problems.Key(ca, ask.PublicKey);
        if (key is not SignatureKey)
            throw Problems.Invalid($"a host has no key of type {key.Type}");
        TimeSpan? wish = ask.Ttl is null ? null : Problems.Duration("ttl", ask.Ttl);
        var recorded = await Certify(ca, by.Caller, ask.Name, key, wish);
        try
        {
            PublishOne(ca, recorded.NodeName);
        }
        catch (Exception e) when (e is IOException or ExposedException or UnauthorizedAccessException)
        {
            // The certificate is signed and recorded; the job that renews certificates tries again and logs the reason.
        }
        return new HostCertified(recorded.Line, Show(recorded), ca.Keys.Host.Lines);
    }

    /// <summary>
    /// Issues a host certificate. The order is the same as for user certificates: decide, record and audit in one transaction, and sign
    /// when that is on the disk.
    /// </summary>
    public static async Task<RecordedHostCertificate> Certify(Authority ca, Caller by, string name, PublicKey key, TimeSpan? wish)
    {
        var nonce = RandomNumberGenerator.GetBytes(CertificateContent.NonceLength);
        var now = ca.NowToIssue();
        await ca.Keys.Host.Signing.ExpectUsable();
        var (recorded, toBeSigned, signer) = await ca.Database.Commit(transaction =>
        {
            var keys = ca.Keys.Host;
            var grant = HostCertification.Decide(Find(transaction, name), transaction.Policy().LocksAt(now), now, wish).OrRefuse();
            var toBeSigned = ToBeSigned.From(grant, transaction.NextSerial(), nonce, key, keys.Signing.PublicKey);
            var one = new RecordedHostCertificate(
                toBeSigned.Certificate.Serial, grant.Node.Id, grant.Node.Name, by.Identity, grant.Principals, now, grant.Validity.After,
                grant.Validity.Before, keys.SigningId);
            transaction.InsertHostCertificate(one, toBeSigned.Bytes);
            transaction.Audit(by.Did(AuditEvents.HostCertificateIssued, now) with
            {
                Resource = $"node/{one.NodeName}",
                Serial = one.Serial.ToString(),
                Principals = [.. one.Principals],
                ValidBefore = one.ValidBefore,
                LimitedBy = grant.Validity.LimitedBy,
                Digest = toBeSigned.Digest,
            });
            return (one, toBeSigned, keys.Signing);
        });
        var certificate = await signer.Sign(toBeSigned);
        await ca.Database.Commit(transaction =>
        {
            transaction.SetHostCertificate(recorded.Serial, certificate);
            return true;
        });
        return recorded with { Certificate = certificate };
    }

    /// <summary>
    /// Writes the newest certificate of each host, and the answers to those that join, to the directory from which hosts fetch, if there
    /// is one.
    /// </summary>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public static void PublishCertificates(Authority ca) => ca.Krl.ForHosts?.PublishHosts(
        () => (ca.Database.Read(snapshot => snapshot.HostCertificates()).Values.ToDictionary(one => one.NodeName, PublishedLine),
            JoinAnswers.All(ca, ca.Now())));

    /// <summary>
    /// Writes the newest certificate of one host there, and the answer if it joins; the cost does not grow with the hosts.
    /// </summary>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public static void PublishOne(Authority ca, string name)
    {
        if (ca.Krl.ForHosts is not { } directory)
            return;
        var (certificate, answer) = ca.Database.Read(snapshot => (
            snapshot.Policy().Nodes.TryGetValue(name, out var node) ? snapshot.HostCertificate(node) : null,
            JoinAnswers.To(ca, snapshot, name, ca.Now())));
        directory.PublishHost(name, certificate is null ? null : PublishedLine(certificate), answer);
    }

    private static byte[] PublishedLine(RecordedHostCertificate one) => Encoding.ASCII.GetBytes(one.Line + "\n");

    /// <summary>
    /// Issues the certificates that prove a host works. The revoked one is already on the list when the reply is sent, so a caller who then
    /// brings the list to the host sees the host refuse it.
    /// </summary>
    public static async Task<NodeProof> Prove(Authority ca, Administrator by, ProveNode ask)
    {
        // No host has this name: RFC 2606 reserves it for names that do not exist.
        const string elsewhere = "elsewhere.invalid";
        var key = Problems.Key(ca, ask.PublicKey);
        var now = ca.NowToIssue();
        await ca.Keys.User.Signing.ExpectUsable();
        var nonces = Enumerable.Range(0, 3).Select(_ => RandomNumberGenerator.GetBytes(CertificateContent.NonceLength)).ToArray();
        var (recorded, signer) = await ca.Database.Commit(transaction =>
        {
            var keys = ca.Keys.User;
            var node = Find(transaction, ask.Name);
            if (node.IsOver(now))
                throw Problems.Refused(node.Ended);
            var enters = Record(node.Name, nonces[0]);
            var other = Record(elsewhere, nonces[1]);
            var revoked = Record(node.Name, nonces[2]);
            Revocations.Revoke(transaction, by.Caller, [revoked.Certificate], $"proof of node/{node.Name}", now);
            return (new[] { enters, other, revoked }, keys.Signing);

            (RecordedCertificate Certificate, ToBeSigned ToBeSigned) Record(string host, byte[] nonce)
            {
                var grant = IssuancePolicy.ForProof(ask.Login, host, transaction.Policy().LocksAt(now), now).OrRefuse();
                var toBeSigned = ToBeSigned.From(grant, transaction.NextSerial(), nonce, key, keys.Signing.PublicKey);
                var one = RecordedCertificate.From(grant, by.Caller.Identity, toBeSigned.Certificate.Serial, now, keys.SigningId);
                transaction.InsertCertificate(one, toBeSigned.Bytes);
                transaction.Audit(by.Caller.Did(AuditEvents.CertificateIssued, now) with
                {
                    Resource = $"node/{node.Name}",
                    Serial = one.Serial.ToString(),
                    Principals = [.. one.Principals],
                    ValidBefore = one.ValidBefore,
                    LimitedBy = one.LimitedBy,
                    Digest = toBeSigned.Digest,
                });
                return (one, toBeSigned);
            }
        });
        await ca.Krl.Publish();
        var lines = new List<string>();
        foreach (var one in recorded)
            lines.Add(Certificate.ToLine(await signer.Sign(one.ToBeSigned), one.Certificate.KeyId));
        return new NodeProof(lines[0], lines[1], lines[2], ca.Keys.Host.Lines);
    }

    public static Task<NodeStatusList> List(Authority ca, Administrator by, ListNodes ask)
    {
        var words = (ask.Search ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int? size = ask.Limit is null ? null : Pages.Size(ask.Limit);
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var failing = ask.Failing ? snapshot.NodeSyncs() : [];
            var found = snapshot.Policy().Nodes.Values.Where(
                node => (ask.After is null || string.CompareOrdinal(node.Name, ask.After) > 0)
                    && Array.TrueForAll(words, word => Searches.Has(node, word) || Searches.Has(node.Address, word))
                    && (!ask.Failing || (node.Push && failing.GetValueOrDefault(node.Id)?.Failure is not null)));
            if (size is { } most)
            {
                var (page, next) = Pages.Cut([.. found.Take(most + 1)], most, node => node.Name);
                return new NodeStatusList(
                    [
                        .. page.Select(node => Show(
                            ca, node, snapshot.HostCertificate(node), snapshot.NodeSync(node), snapshot.NodeReport(node.Id),
                            snapshot.NodeSeen(node), snapshot.GroupsOf(node), now))],
                    next);
            }
            // Of all nodes, one statement reads faster than one for each.
            var (certificates, syncs, reports) = (snapshot.HostCertificates(), snapshot.NodeSyncs(), snapshot.NodeReports());
            var seen = snapshot.NodesSeen();
            var groups = snapshot.GroupsOfNodes();
            return new NodeStatusList(
                [
                    .. found.Select(
                        node => Show(
                            ca, node, certificates.GetValueOrDefault(node.Id), syncs.GetValueOrDefault(node.Id),
                            reports.GetValueOrDefault(node.Id), seen.TryGetValue(node.Id, out var when) ? when : null,
                            groups.GetValueOrDefault(node.Id, []), now))]);
        }));
    }

    /// <summary>Writes to a host now, and waits for the result.</summary>
    public static async Task<NodeStatus> Sync(Authority ca, Administrator by, SyncNode ask)
    {
        var node = ca.Database.Read(snapshot => Find(snapshot, ask.Name));
        if (!node.Push)
            throw Problems.Invalid(
                $"the daemon does not write to node \"{node.Name}\"", "spec.push of the node says whether it does: docs/hosts.md",
                new NextStep.EnrollNode(node.Name));
        if (ask.TakeOver)
        {
            var now = ca.Now();
            await ca.Database.Commit(transaction =>
            {
                transaction.Audit(by.Caller.Did(AuditEvents.NodeTakenOver, now) with { Resource = $"node/{node.Name}" });
                return true;
            });
        }
        try
        {
            if (await ca.Push.Sync(node, ask.TakeOver) is { } fault)
                throw new ProblemException(
                    new Problem(
                        ProblemCode.Unavailable, Printable.Escape($"nothing can be written to {node.Name}: {fault.Why}"),
                        Explanation(fault.Trouble), Next: Next(node.Name, fault.Trouble) ?? [new NextStep.WatchNodes()]));
        }
        catch (OperationCanceledException)
        {
            throw new ProblemException(new Problem(ProblemCode.Unavailable, "the daemon is stopping"));
        }
        var then = ca.Now();
        return ca.Database.Read(
            snapshot => Show(
                ca, node, snapshot.HostCertificate(node), snapshot.NodeSync(node), snapshot.NodeReport(node.Id), snapshot.NodeSeen(node),
                snapshot.GroupsOf(node), then));
    }

    /// <summary>Lists the hosts that do not have the revocation list in place, after waiting for them.</summary>
    public static async Task<HostsBehind> Behind(Authority ca, Administrator by, ListHostsBehind ask) => await Behind(ca, ask, MostBehind);

    /// <summary>Counts those hosts. Only callers who may know which hosts exist get their names.</summary>
    public static async Task<HostsBehind> CountBehind(Authority ca, Caller by, ListHostsBehind ask) => await Behind(ca, ask, 0);

    private static async Task<HostsBehind> Behind(Authority ca, ListHostsBehind ask, int most)
    {
        var patience = ask.Wait is null ? Patience : Problems.Duration("wait", ask.Wait);
        if (patience > LongestPatience)
            throw Problems.InvalidField("wait", $"takes {Durations.Show(LongestPatience)} at most");
        try
        {
            var (version, behind) = ca.Follows
                ? await Recorded(ca, patience) : await ca.Push.Await(patience, forTheGone: ask.Wait is not null);
            var written = ca.Database.Read(snapshot => snapshot.Policy().Nodes).Values.Count(node => node.Push);
            return new HostsBehind(
                version.ToString(), written, behind.Count, [.. behind.Take(most).Select(one => new HostBehind(one.Node, one.Fault))]);
        }
        catch (OperationCanceledException)
        {
            throw new ProblemException(new Problem(ProblemCode.Unavailable, "the daemon is stopping"));
        }
    }

    /// <summary>Returns the hosts without the list once the daemon that leads has recorded all of them, or when the time is over.</summary>
    private static async Task<(ulong Version, List<(string Node, string? Fault)> Behind)> Recorded(Authority ca, TimeSpan patience)
    {
        for (var begun = ca.Clock.GetTimestamp(); ; await Task.Delay(Glance, ca.Clock))
        {
            var version = ca.Krl.Version;
            var behind = ca.Database.Read(snapshot =>
            {
                var syncs = snapshot.NodeSyncs();
                return snapshot.Policy().Nodes.Values.Where(node => node.Push)
                    .Select(node => (node.Name, Sync: syncs.GetValueOrDefault(node.Id, NodeSync.Untried)))
                    .Where(one => one.Sync.KrlVersion < version).Select(one => (one.Name, one.Sync.Failure)).ToList();
            });
            if (behind.Count == 0 || ca.Clock.GetElapsedTime(begun) >= patience)
                return (version, behind);
        }
    }

    private static string Explanation(SyncTrouble trouble) => trouble switch
    {
        SyncTrouble.Contested => "find the other daemon, and stop it if it is not meant to be",
        SyncTrouble.Penalty => "it is tried again every few seconds",
        _ => "it is tried again until it succeeds",
    };

    /// <summary>Returns the steps that would let the daemon write to a host again; null if none in particular would.</summary>
    /// <param name="node">The name of the host.</param>
    /// <param name="trouble">The kind of the last failure.</param>
    public static NextStep[]? Next(string node, SyncTrouble trouble) => trouble switch
    {
        SyncTrouble.Contested => [new NextStep.TakeOverNode(node)],
        SyncTrouble.Penalty => [new NextStep.ExemptDaemon(node)],
        SyncTrouble.HostKey => [new NextStep.SignHostKey(node)],
        SyncTrouble.Address => [new NextStep.Edit($"node/{node}")],
        _ => null,
    };

    /// <summary>Summarizes the state of the hosts that the daemon writes to; null if there are none.</summary>
    public static HostsStatus? Status(Authority ca, Snapshot snapshot, DateTimeOffset now)
    {
        var (syncs, list) = (snapshot.NodeSyncs(), ca.Krl.Version);
        var written = snapshot.Policy().Nodes.Values.Where(node => node.Push)
            .Select(node => (node.Name, Sync: syncs.GetValueOrDefault(node.Id, NodeSync.Untried))).ToList();
        return written.Count == 0 ? null : new HostsStatus(
            written.Count,
            written.Count(one => one.Sync.KrlVersion >= list),
            [.. written.Where(one => one.Sync.IsStale(now, ca.Push.StaleAfter)).Select(one => one.Name)],
            Durations.Show(ca.Push.StaleAfter),
            [.. written.Where(one => one.Sync.IsContested).Select(one => one.Name)],
            written.Where(one => one.Sync.Altered is not null).Select(one => one.Name).ToArray() is [_, ..] altered ? altered : null);
    }

    /// <summary>Returns the files that a host should have.</summary>
    public static Task<NodeFiles> Files(Authority ca, Administrator by, GetNodeFiles ask)
    {
        var (now, krl) = (ca.Now(), ca.Krl.Read());
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var node = ask.Preview && Names.IsNodeName(ask.Name) && !snapshot.Policy().Nodes.ContainsKey(ask.Name)
                ? new Node(Guid.Empty, ask.Name, 0, "", ImmutableSortedDictionary<string, string>.Empty)
                : Find(snapshot, ask.Name);
            node = node with
            {
                Push = ask.Push ?? node.Push,
                KeepKeys = ask.KeepKeys ?? node.KeepKeys,
                Jump = ask.Jump ?? node.Jump,
            };
            return new NodeFiles([
                .. HostFiles.For(node, ca.Push.ContentFor(snapshot, node, krl, now), Exempt(ask.Exempt))
                    .Select(file => new NodeFile(file.Path, file.Content.ToArray())),
            ]);
        }));
    }

    /// <summary>Shows, before anything changes, who could log in on a host, and whether it is the daemon's own host.</summary>
    public static Task<NodePlan> Plan(Authority ca, Administrator by, PlanNode ask)
    {
        if (!Names.IsNodeName(ask.Name))
            throw Problems.Invalid($"\"{ask.Name}\" is not a name", $"names of nodes have the form {Names.NodeForm}");
        var now = ca.Now();
        var isMachine = ask.MachineId.Length > 0 && ask.MachineId == Machine.Id;
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var policy = snapshot.Policy();
            var node = policy.Nodes.GetValueOrDefault(ask.Name)
                ?? new Node(Guid.NewGuid(), ask.Name, 0, "", ask.Labels.ToImmutableSortedDictionary(StringComparer.Ordinal));
            var locks = policy.LocksAt(now);
            var ways = NodeAccess.Into(
                node, snapshot.Users(),
                user => new IssuanceQuestion(now, user, [], policy.Roles, [node], RequestedTtl: null, LiveSessions: 0, ca.Limits)
                {
                    Locks = locks,
                    IsSecurityKey = true
                });
            return new NodePlan(
                isMachine && ask.BootId == Machine.BootId,
                isMachine && ask.BootId != Machine.BootId,
                [
                    .. ways.GroupBy(way => (way.Role, way.Login))
                        .Select(
                            by => new NodeEntrant(
                                by.Key.Role, [.. by.Select(way => way.User).Order(StringComparer.Ordinal)], by.Key.Login,
                                by.Key.Login is null)),
                ]);
        }));
    }

    private static string? Exempt(string? addresses) =>
        addresses?.Split(',').FirstOrDefault(address => !AddressRange.TryParse(address, out _)) is { Length: > 0 } odd
        ? throw Problems.InvalidField("exempt", $"takes addresses, or prefixes as in 192.0.2.0/24, with commas between, not \"{odd}\"")
        : addresses;

    internal static Node Find(Snapshot snapshot, string name) =>
        snapshot.Policy().Nodes is var nodes && nodes.TryGetValue(name, out var node)
            ? node
            : throw Problems.NotFound($"there is no node \"{name}\"", NextStep.List.Node, name, nodes.Keys);

    private static NodeStatus Show(
        Authority ca, Node node, RecordedHostCertificate? certificate, NodeSync? sync, NodeReport? report, DateTimeOffset? seen,
        ImmutableArray<(NodeGroup Group, bool IsConfirmed)> groups, DateTimeOffset now) =>
        new(
        node.Name, node.Address, node.Labels.ToDictionary(), certificate is null ? null : Show(certificate),
            node.Push ? Show(ca, node, sync ?? NodeSync.Untried, now) : null, node.KeepKeys,
            report is null ? null : Show(ca, report, now), node.Via, node.Jump, node.Expires, seen,
            VanishedNodes.ForgottenAt(ca, node, seen),
            groups.IsEmpty ? null : [.. groups.Select(one => new NodeGroupInfo(one.Group.Name, one.IsConfirmed))]);

    private static NodeSyncInfo Show(Authority ca, Node node, NodeSync sync, DateTimeOffset now) => new(
        sync.KrlVersion >= (ca.Krl.Version), sync.IsStale(now, ca.Push.StaleAfter),
        sync.KrlVersion > 0 ? sync.KrlVersion.ToString() : null, sync.Synced, sync.Failure, sync.Failed, sync.IsContested, sync.IsExempt,
        sync.Failure is null ? null : Next(node.Name, sync.Trouble), sync.Witnessed?.ToString(), sync.Altered, sync.AlteredAt);

    private static NodeReportInfo Show(Authority ca, NodeReport report, DateTimeOffset now) => new(
        report.Time, report.KrlVersion.ToString(), report.KrlVersion >= (ca.Krl.Version),
        now - report.Time > ca.Push.StaleAfter, report.Witnessed?.ToString(), report.GroupsFault);

    private static HostCertificateInfo Show(RecordedHostCertificate one) =>
        new(one.Serial.ToString(), [.. one.Principals], one.ValidAfter, one.ValidBefore);
}
