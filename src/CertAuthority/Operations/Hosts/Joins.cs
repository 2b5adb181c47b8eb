using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Keys;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Hosts that join by themselves, and what lets them.</summary>
internal static class Joins
{
    private static readonly TimeSpan DefaultTtl = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LongestTtl = TimeSpan.FromDays(1);
    private static readonly TimeSpan LongestOfKey = TimeSpan.FromDays(30);

    private static readonly TimeSpan AfterRefusal = TimeSpan.FromMinutes(10);

    // Longer than any token lasts, so that a refusal holds for its token, and than answers are kept for hosts.
    private static readonly TimeSpan KeptJoin = TimeSpan.FromDays(31);

    private const int MostUses = 1000;

    public static async Task<JoinTokenMade> CreateToken(Authority ca, Administrator by, CreateJoinToken ask)
    {
        var now = ca.Now();
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var token = Checked(ask, now, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), HashOf(secret));
        var other = await ca.Database.Commit(transaction =>
        {
            transaction.InsertJoinToken(token);
            transaction.Audit(by.Caller.Did(AuditEvents.JoinTokenCreated, now) with
            {
                Resource = $"join_token/{token.Id}",
                ValidBefore = token.Ends,
                Reason = Describe(token),
            });
            return transaction.Policy().Nodes.TryGetValue(token.Name, out var node)
                && (token.HostKey is null || transaction.HostCertificate(node) is not { } one
                    || Fingerprint.Compute(Certificate.Parse(one.Certificate).Key) != token.HostKey) ? node : null;
        });
        string[] warnings =
        [
            .. ca.Krl.ForHosts is null ? ["the daemon has no publish_dir, so no host finds an answer"] : (string[])[],
            .. ca.ReportsDirectory is null ? ["the daemon has no reports_dir, so it sees no request of a host"] : (string[])[],
            .. other is null ? (string[])[]
                : [$"there is a node {other.Name} already, and a host joins under its name only with the host key that the node has"],
        ];
        var audit = Fingerprint.Compute(ca.Checkpoints.Key.PublicKey)["SHA256:".Length..];
        return new JoinTokenMade(
            $"{token.Id}.{(token.HostKey is null ? secret : "-")}.{audit}", Show(token), warnings is [] ? null : warnings);
    }

    private static JoinToken Checked(CreateJoinToken ask, DateTimeOffset now, string id, string secret)
    {
        var isPattern = ask.Name.Contains('*', StringComparison.Ordinal);
        if (!Names.IsNodeName(ask.Name.Replace('*', 'a')))
            throw Problems.InvalidField("name", $"takes the name of a node, or one with * in it; names have the form {Names.NodeForm}");
        if (ask.HostKey is { } key && (isPattern || !IsFingerprint(key)))
            throw Problems.InvalidField("host_key", "takes the fingerprint SHA256:… of a host key, for one name");
        var uses = ask.Uses ?? 1;
        if (uses is < 1 or > MostUses || (!isPattern && uses > 1))
            throw Problems.InvalidField("uses", isPattern ? $"takes a number from 1 to {MostUses}" : "is 1 for one name");
        if (isPattern && ask.Uses is null)
            throw Problems.InvalidField("uses", "says how many hosts may join by a token for several names");
        var ttl = Problems.DurationIfAny("ttl", ask.Ttl) ?? DefaultTtl;
        var longest = ask.HostKey is null ? LongestTtl : LongestOfKey;
        if (ttl <= TimeSpan.Zero || ttl > longest)
            throw Problems.InvalidField("ttl", $"must be greater than zero, and {Durations.Show(longest)} at most");
        var labels = ask.Labels ?? [];
        if (labels.FirstOrDefault(label => !Names.IsPlainText(label.Key + label.Value) || label.Key is "" || label.Key.Contains('='))
            is { Key: not null } odd)
            throw Problems.InvalidField("labels", $"takes names and values in plain text, not \"{odd.Key}\"");
        if ((ask.Addresses ?? []).FirstOrDefault(address => address.Length == 0 || address.Any(c => c is <= ' ' or > '~')) is not null)
            throw Problems.InvalidField("addresses", "takes addresses without a port, in which * may be");
        if ((ask.Addresses ?? []).FirstOrDefault(address => NamePattern.TryParse(address, out _) is null) is { } broken)
            throw Problems.InvalidField("addresses", $"takes addresses in which * may be, and \"{broken}\" is no valid expression");
        return new JoinToken(
            id, ask.Name, ask.HostKey is null ? secret : null, ask.HostKey, uses, now + ttl,
            labels.ToImmutableSortedDictionary(StringComparer.Ordinal), [.. ask.Addresses ?? []], ask.Admit);
    }

    private static bool IsFingerprint(string text) =>
        text.Length == 50 && text.StartsWith("SHA256:", StringComparison.Ordinal)
        && text[7..].All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '/');

    public static Task<JoinTokenList> ListTokens(Authority ca, Administrator by, ListJoinTokens ask)
    {
        var now = ca.Now();
        return Task.FromResult(
            new JoinTokenList([.. ca.Database.Read(snapshot => snapshot.JoinTokens()).Where(token => now < token.Ends).Select(Show)]));
    }

    public static async Task<JoinTokenInfo> EndToken(Authority ca, Administrator by, EndJoinToken ask)
    {
        var now = ca.Now();
        return Show(await ca.Database.Commit(transaction =>
        {
            var meant = transaction.JoinTokens().FindAll(one => one.Id.StartsWith(ask.Id, StringComparison.Ordinal));
            var token = meant is [var only] ? only
                : throw Unknown(meant is [] ? $"there is no token \"{ask.Id}\"" : $"\"{ask.Id}\" could be {meant.Count} tokens");
            transaction.RemoveJoinToken(token.Id);
            transaction.Audit(by.Caller.Did(AuditEvents.JoinTokenEnded, now) with
            {
                Resource = $"join_token/{token.Id}",
                Reason = Describe(token),
            });
            return token;
        }, takesAway: true));
    }

    public static Task<JoinList> List(Authority ca, Administrator by, ListJoins ask) => Task.FromResult(new JoinList(
        [.. ca.Database.Read(snapshot => snapshot.Joins()).Where(join => ask.All || join.State == JoinState.Pending).Select(Show)]));

    public static async Task<JoinInfo> Admit(Authority ca, Administrator by, AdmitJoin ask)
    {
        var now = ca.Now();
        var (join, withdrawn) = await ca.Database.Commit(
            transaction => Admit(ca, transaction, by.Caller, Pending(transaction, ask.Name, ask.Fingerprint), now));
        await OwedWithdrawals.Finish(ca, by.Caller, withdrawn);
        await Certify(ca, by.Caller, join);
        return Show(join);
    }

    public static async Task<JoinInfo> Refuse(Authority ca, Administrator by, RefuseJoin ask)
    {
        var now = ca.Now();
        if (Names.ReasonFault(ask.Reason) is { } fault)
            throw Problems.Refused(fault);
        var refused = await ca.Database.Commit(transaction =>
        {
            var join = Pending(transaction, ask.Name, null) with { State = JoinState.Refused, Note = ask.Reason, Decided = now };
            transaction.SetJoin(join);
            transaction.Audit(by.Caller.Did(AuditEvents.JoinRefused, now) with
            {
                Resource = $"node/{join.Name}",
                Reason = Describe(join) + (ask.Reason.Length > 0 ? $": {ask.Reason}" : ""),
            });
            return join;
        }, takesAway: true);
        TryPublish(ca, refused);
        return Show(refused);
    }

    /// <summary>Takes a request that a host left. Its signature was verified.</summary>
    /// <param name="ca">The authority.</param>
    /// <param name="request">The request.</param>
    /// <param name="fingerprint">The fingerprint of the host key that signed it.</param>
    /// <returns>Why it counts for nothing; null if it counts, or is nothing new.</returns>
    public static async Task<string?> Take(Authority ca, JoinRequest request, string fingerprint)
    {
        var now = ca.Now();
        var (join, withdrawn, fault) = await ca.Database.Commit<(Join? Join, Withdrawn Withdrawn, string? Fault)>(transaction =>
        {
            var nodes = transaction.Policy().Nodes;
            var certified = nodes.TryGetValue(request.Name, out var node) && transaction.HostCertificate(node) is { } one
                ? Certificate.Parse(one.Certificate).Key.ToString().TrimEnd() : null;
            var token = transaction.JoinToken(request.Token);
            var outcome = Joining.Decide(
                request, fingerprint, token, IsProven(request, token), transaction.Join(request.Name), nodes, certified, now);
            if (outcome.Join is not { } join)
                return (null, Withdrawn.Nothing, outcome.Fault);
            if (outcome.IsNew)
            {
                transaction.UseJoinToken(join.Token);
                transaction.Audit(AuditEvents.JoinAsked.At(now) with { Resource = $"node/{join.Name}", Reason = Describe(join) });
            }
            var withdrawn = Withdrawn.Nothing;
            if (outcome.IsNew && join.State == JoinState.Admitted)
                (join, withdrawn) = Admit(ca, transaction, Caller.Daemon, join, now);
            else
                transaction.SetJoin(join);
            return (join, withdrawn, null);
        });
        await OwedWithdrawals.Finish(ca, Caller.Daemon, withdrawn);
        if (join?.State == JoinState.Admitted)
            await Certify(ca, Caller.Daemon, join);
        else if (join is not null)
            TryPublish(ca, join);
        return fault;
    }

    /// <summary>Returns the SHA-256 of a text, in lower-case hexadecimal digits.</summary>
    public static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(text)));

    // Both parts have a fixed length, so nothing can be appended.
    private static bool IsProven(JoinRequest request, JoinToken? token) =>
        request.Proof is { } proof && token?.Secret is { } secret && CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(HashOf(secret + request.Proven)), Encoding.ASCII.GetBytes(proof));

    /// <summary>
    /// Completes what was cut short: certificates of hosts that were admitted. Removes tokens that have ended, and joins that were over a
    /// month ago.
    /// </summary>
    /// <param name="ca">The authority.</param>
    /// <param name="notBefore">
    /// By the ID of its node, when a host whose certificate could not be signed is tried again: each try leaves a record.
    /// </param>
    /// <returns>The hosts whose certificates could not be signed now, each with the reason.</returns>
    public static async Task<IReadOnlyList<(string Name, string Why)>> GoOn(Authority ca, Dictionary<Guid, DateTimeOffset> notBefore)
    {
        var failed = new List<(string, string)>();
        var now = ca.Now();
        var (open, anyEnded, anyOver) = ca.Database.Read(snapshot => (
            snapshot.AdmittedJoins().Select(join => (Join: join, IsDone: IsDone(snapshot, join))).ToList(),
            snapshot.HasEndedJoinTokens(now), snapshot.HasForgettableJoins(now - KeptJoin)));
        var done = open.Where(one => one.IsDone).Select(one => one.Join).ToList();
        var undone = open.Where(one => !one.IsDone && !(now < notBefore.GetValueOrDefault(one.Join.Node!.Value)))
            .Select(one => one.Join).ToList();
        await ca.Stuck.Each("the certificate of a host that was admitted is not signed", undone, join => join.Name, async join =>
        {
            try
            {
                await Certify(ca, Caller.Daemon, join);
                done.Add(join);
            }
            catch (ProblemException e)
            {
                // Its node is locked, or the key does not sign.
                notBefore[join.Node!.Value] = now + AfterRefusal;
                failed.Add((join.Name, e.Problem.Detail));
            }
        });
        if (done.Count > 0 || anyEnded || anyOver)
            await ca.Database.Commit(transaction =>
            {
                foreach (var join in done)
                    transaction.CloseJoin(join);
                transaction.RemoveEndedJoinTokens(now);
                transaction.RemoveForgettableJoins(now - KeptJoin);
                return true;
            });
        return failed;
    }

    // The host has its certificate, or no node any more.
    private static bool IsDone(Snapshot snapshot, Join join) =>
        !(snapshot.Policy().Nodes.TryGetValue(join.Name, out var node) && node.Id == join.Node)
        || snapshot.HostCertificate(node) is not null;

    /// <summary>
    /// Creates the node of a host that is admitted. It can be in groups of hosts that certificates name, so these are reviewed.
    /// </summary>
    private static (Join Join, Withdrawn Withdrawn) Admit(Authority ca, Transaction transaction, Caller by, Join join, DateTimeOffset now)
    {
        var kind = KindTable.Named(ResourceKinds.Node);
        var to = new ResourceWriting(ca, transaction, by, Force: false, now);
        kind.Put(to, new Node(Guid.Empty, join.Name, 0, join.Address, join.Labels), madeFrom: null);
        var node = transaction.Policy().Nodes[join.Name];
        transaction.Audit(ResourceChanges.Entry(by, null, node, now));
        // A node that just joined has no end, so there is nothing to warn of.
        _ = kind.Accept(transaction, node, now).ToList();
        var admitted = join with { State = JoinState.Admitted, Note = null, Decided = now, Node = node.Id };
        transaction.SetJoin(admitted);
        transaction.Audit(by.Did(AuditEvents.JoinAdmitted, now) with { Resource = $"node/{join.Name}", Reason = Describe(admitted) });
        return (admitted, Withdrawals.Review(ca, transaction, by, now));
    }

    /// <summary>Signs the certificate of a host, unless it has one, and lays the answer out for it.</summary>
    private static async Task Certify(Authority ca, Caller by, Join join)
    {
        if (ca.Database.Read(snapshot => snapshot.Policy().Nodes.TryGetValue(join.Name, out var node)
            && node.Id == join.Node && snapshot.HostCertificate(node) is null))
            await Nodes.Certify(ca, by, join.Name, PublicKey.ParseLine(join.Key), wish: null);
        TryPublish(ca, join);
    }

    private static void TryPublish(Authority ca, Join join)
    {
        try
        {
            Nodes.PublishOne(ca, join.Name);
        }
        catch (Exception e) when (e is IOException or Linux.ExposedException or UnauthorizedAccessException)
        {
            // The job that renews certificates tries again and logs the reason.
        }
    }

    private static Join Pending(Snapshot snapshot, string name, string? fingerprint)
    {
        var join = snapshot.Join(name) is { State: JoinState.Pending } found
            ? found
            : throw Unknown($"no host waits to join as \"{name}\"");
        return fingerprint is null || Key(join) == fingerprint
            ? join
            : throw new ProblemException(new Problem(
                ProblemCode.Conflict, $"the host that waits to join as \"{name}\" has the host key {Key(join)}, not {fingerprint}"));
    }

    private static ProblemException Unknown(string detail) => new(new Problem(ProblemCode.NotFound, detail));

    private static string Key(Join join) => Fingerprint.Compute(PublicKey.ParseLine(join.Key));

    private static string Describe(Join join) => $"{Key(join)} at {join.Address}, by token {join.Token}";

    private static string Describe(JoinToken token) =>
        $"for {token.Name}{(token.HostKey is { } key ? $" with the host key {key}" : "")}"
        + $", {token.Uses} {(token.Uses == 1 ? "use" : "uses")}"
        + (token.Admits ? ", admits by itself" : "")
        + (token.Addresses.IsEmpty ? "" : $", also at {string.Join(" or ", token.Addresses)}")
        + string.Concat(token.Labels.Select(label => $", {label.Key}={label.Value}"));

    private static JoinTokenInfo Show(JoinToken token) => new(
        token.Id, token.Name, token.Uses, token.Ends, token.Labels.ToDictionary(), [.. token.Addresses], token.Admits, token.HostKey);

    private static JoinInfo Show(Join join) => new(
        join.Name, join.State.ToString().ToLowerInvariant(), Key(join), join.Address, join.Labels.ToDictionary(), join.Asked, join.Token,
        join.Note);
}
