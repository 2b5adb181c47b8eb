using CertAuthority.Access.Reach;
using CertAuthority.Keys;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Reads the certificates that were issued, what they reach, and what hosts need to check them.</summary>
internal static class Certificates
{
    /// <summary>The version of the daemon.</summary>
    public static readonly string Version = typeof(Certificates).Assembly.GetName().Version!.ToString(3);

    public static Task<CertificateList> List(Authority ca, Administrator by, ListCertificates ask)
    {
        var now = ca.Now();
        var (size, before) = (Pages.Size(ask.Limit), Pages.Behind(ask.After));
        return Task.FromResult(ca.Database.Read(snapshot => Page(
            snapshot, size,
            snapshot.Certificates(
                now, ask.User, Request(snapshot, ask.Request), State(ask.State), ask.Node, size + 1, before,
                ask.Node is not null && snapshot.Policy().Nodes.GetValueOrDefault(ask.Node) is { } node
                    ? [.. snapshot.GroupsOf(node).Select(one => one.Group.Name)]
                    : []))));
    }

    public static Task<CertificateList> ListMine(Authority ca, Caller by, ListMyCertificates ask)
    {
        var now = ca.Now();
        var (size, before) = (Pages.Size(ask.Limit), Pages.Behind(ask.After));
        return Task.FromResult(ca.Database.Read(snapshot => Page(
            snapshot, size,
            snapshot.Certificates(
                now, snapshot.ActingUser(by, ask.User).Name, request: null, State(ask.State), node: null, size + 1, before))));
    }

    public static Task<CertificateInfo> GetMine(Authority ca, Caller by, GetMyCertificate ask) =>
        Task.FromResult((ulong.TryParse(ask.Serial, out var serial) && serial <= long.MaxValue
            ? ca.Database.Read(
                snapshot => snapshot.FindCertificate(serial, snapshot.ActingUser(by, ask.User)) is { } found
                    ? Shown.List(snapshot, [found]).Certificates[0]
                    : null)
            : null)
            ?? throw new ProblemException(new Problem(ProblemCode.NotFound, $"you have no certificate with the serial {ask.Serial}")));

    /// <summary>
    /// Returns where a node is, to users who hold a live certificate for it. The answer is the same for a node out of reach and for one
    /// that does not exist.
    /// </summary>
    public static Task<ReachableNode> FindNode(Authority ca, Caller by, GetMyNode ask)
    {
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var user = snapshot.ActingUser(by, ask.User);
            var found = snapshot.Policy().Nodes.GetValueOrDefault(ask.Name);
            string[] groups = found is null
                ? []
                : [.. snapshot.GroupsOf(found).Where(one => one.IsConfirmed).Select(one => one.Group.Token)];
            var logins = snapshot.LiveCertificates(user.Id, now).SelectMany(certificate => certificate.Principals).Select(Principals.Parse)
                .Where(
                    principal => !principal.IsJump
                        && (principal.Opens(principal.Login, ask.Name) || groups.Contains(principal.Group)))
                .Select(principal => principal.Login).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
            if (logins.Length == 0 || found is not { } node || node.IsOver(now))
                throw new ProblemException(new Problem(
                    ProblemCode.NotFound,
                    $"there is no node \"{ask.Name}\" within reach of your certificates",
                    Next: Explanations.HowToAsk(ca, snapshot, user, ask.Name, null, now) is { } way
                        ? [way]
                        : [
                            .. NextSteps.Meant(ask.Name, OwnExplanations.Visible(ca, snapshot, user, null, now).Select(one => one.Name)),
                            new NextStep.ShowMyStatus(), new NextStep.List(NextStep.List.Role)]));
            if (ask.Login is null || logins.Contains(ask.Login))
                return new ReachableNode(node.Name, node.Address, logins, JumpHosts.To(snapshot, node), groups is [] ? null : groups);
            var more = Explanations.HowToAsk(ca, snapshot, user, node.Name, ask.Login, now);
            throw new ProblemException(new Problem(
                ProblemCode.Denied,
                $"you hold {string.Join(", ", logins)} on {node.Name}, and not {ask.Login}",
                more is null ? $"no role that you can request opens {ask.Login} there" : null,
                Next: more is null ? [.. NextSteps.Meant(ask.Login, logins), new NextStep.List(NextStep.List.Node)] : [more]));
        }));
    }

    public static Task<CaPublicKeys> UserCas(Authority ca, GetUserCas ask) => Task.FromResult(Show(ca.Keys.User));

    public static Task<HostCaPublicKeys> HostCas(Authority ca, GetHostCas ask)
    {
        // The statement about a key is on the disk before the key is in force.
        var keys = ca.Keys.Host;
        return Task.FromResult(ca.Database.Read(snapshot => new HostCaPublicKeys(
            Show(keys).Keys, snapshot.Installation(), snapshot.CaStatements() is [_, ..] statements ? [.. statements] : null)));
    }

    public static Task<RevocationList> Krl(Authority ca, Administrator by, GetKrl ask) =>
        Task.FromResult(new RevocationList(ca.Krl.Read()));

    public static Task<DaemonStatus> Status(Authority ca, Administrator by, GetStatus ask)
    {
        var now = ca.Now();
        var (list, state) = (Listed(ca), ca.Krl.State);
        var damaged = ca.Damage.Find(now);
        var daemons = ca.Database.Daemons();
        return Task.FromResult(ca.Database.Read(snapshot => new DaemonStatus
        {
            Version = Version,
            Database = ca.Database.Setting,
            Daemons = daemons?.Daemons.Select(one => !one.IsThis ? one : one with
            {
                List = state.Version > 0 ? state.Version.ToString() : null,
                ListFailure = state.Failure,
                ListFailingSince = state.FailingSince,
            }).ToArray(),
            Replication = daemons?.Replication,
            UserCas = ca.Keys.User.Fingerprints,
            HostCas = ca.Keys.Host.Fingerprints,
            Rotations = RotationState.All(ca, snapshot, now) is [_, ..] rotations ? rotations : null,
            HostsWithRevokedCa = RotationState.TrustingRevoked(snapshot) is [_, ..] trusting ? trusting : null,
            PendingRequests = snapshot.CountPending(now),
            LiveCertificates = snapshot.CountLive(now),
            RevokedCertificates = snapshot.CountRevoked(now),
            KrlVersion = (list?.Version ?? ca.Krl.Version).ToString(),
            KrlWritten = list is null ? ca.Krl.Made ?? ca.Started : DateTimeOffset.FromUnixTimeSeconds((long)list.GeneratedDate),
            Notifications = snapshot.ReceiverStatuses() is [_, ..] receivers ? [.. receivers] : null,
            AuditSinks = ca.AuditProgress.Show(snapshot),
            Published = ca.Krl.ForHosts?.Status is { } published
                ? published with { Failure = published.Failure ?? ca.Checkpoints.ForReaders?.Failure }
                : null,
            Hosts = Nodes.Status(ca, snapshot, now),
            Vanishing = VanishedNodes.Status(ca, snapshot, now),
            DamagedRows = damaged.Length > 0 ? damaged : null,
            StuckRows = ca.Stuck.All is [_, ..] stuck ? stuck : null,
            Clock = ca.Clock.Step is { } step ? new ClockStatus(step.Expected, step.Shown) : null,
            Disk = Disks.Measure(ca),
            AuditLog = new AuditLogStatus(
                Fingerprint.Compute(ca.Checkpoints.Key.PublicKey), ca.Checkpoints.Latest?.Checkpoint.Size, ca.Checkpoints.Fault,
                snapshot.AuditArchive() is { Before: { } before } archive ? new ArchivedEntries(archive.Through, before) : null),
            CaKeys = [.. ca.Keys.All.Select(keys => Show(keys.Signing))],
            LastBackup = snapshot.LastBackup(),
        }));
    }

    // A daemon that follows may not have one yet.
    private static OpenSsh.Krl? Listed(Authority ca)
    {
        try
        {
            return OpenSsh.Krl.Parse(ca.Krl.Read());
        }
        catch (Exception e) when (ca.Follows && e is ProblemException or OpenSsh.SshFormatException)
        {
            return null;
        }
    }

    private static CaKeyStatus Show(CaKey key) => new(
        key.Signs.Name(), Fingerprint.Compute(key.PublicKey), key.Custody.Form, key.Custody.Path, key.Fault);

    private static CaPublicKeys Show(CaKeys keys) =>
        new([.. keys.Lines.Zip(keys.Fingerprints, (line, fingerprint) => new CaPublicKey(line, fingerprint))]);

    private static CertificateList Page(Snapshot snapshot, int size, List<RecordedCertificate> certificates)
    {
        var (page, next) = Pages.Cut(certificates, size, certificate => certificate.Serial.ToString());
        return Shown.List(snapshot, page) with { Next = next };
    }

    private static string? State(string? state) =>
        state is null or CertificateStates.Live or CertificateStates.Expired or CertificateStates.Revoked
        ? state
        : throw Problems.InvalidField("state", $"takes live, expired or revoked, not \"{state}\"");

    // A complete ID is used as it is: the audit also knows requests that were removed.
    internal static string? Request(Snapshot snapshot, string? prefix) =>
        prefix is null or { Length: 36 } ? prefix : snapshot.FindRequest(prefix, null).Id.ToString();
}
