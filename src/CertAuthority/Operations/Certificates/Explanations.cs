using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Explains what the policy would decide, without a login.</summary>
internal static class Explanations
{
    public static Task<AccessExplained> Explain(Authority ca, Administrator by, ExplainAccess ask)
    {
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var user = HeldRoles.Find(snapshot, ask.Name);
            var request = ask.Request is null ? null : snapshot.FindRequest(ask.Request, user.Id);
            var policy = snapshot.Policy();
            NodeSet nodes = ask.Node is null ? policy.EveryNode : policy.NodeAndWay(ask.Node);
            return Explain(ca, snapshot, by.Caller, user, request, nodes, ask.Node, ask.Login, now);
        }));
    }

    /// <summary>Explains a login with or without a request, on some of the nodes.</summary>
    /// <param name="ca">The authority; its limits apply.</param>
    /// <param name="snapshot">The database.</param>
    /// <param name="by">Who asks.</param>
    /// <param name="user">Who would log in.</param>
    /// <param name="request">The request to use; a pending one as if it were approved now. Null for none.</param>
    /// <param name="nodes">The nodes that exist for the explanation. What is granted on one depends on no other.</param>
    /// <param name="node">The name of the node in question; null for all.</param>
    /// <param name="login">The login in question; null for any.</param>
    /// <param name="now">The current time.</param>
    internal static AccessExplained Explain(
        Authority ca, Snapshot snapshot, Caller by, User user, AccessRequest? request, NodeSet nodes, string? node, string? login,
        DateTimeOffset now)
    {
        var policy = snapshot.Policy();
        var locks = policy.LocksAt(now);
        // Uses the rules for reviewing, so that a request that would not be approved is not explained as if it were.
        var pending = request?.StateAt(now) == RequestState.Pending;
        if (pending)
            request = Resolving.Approve(
                request!, user, by.Answerer with { IsRoot = true }, People.Strangers, policy.Roles,
                new RequestResolution(by.Name, now, ""), ca.Limits, locks).OrRefuse();
        var explained = Explanation.Explain(
            Question(ca, policy, user, request is null ? [] : [request], locks, now) with { Node = node, Nodes = nodes }, login, pending);
        return new AccessExplained(
            explained.Verdict,
            explained.IsGranted,
            [.. explained.Roles.Select(role => new RoleExplained(role.Name, [.. role.Rules.Select(Show)], role.Request?.ToString()))],
            pending ? $"request {request!.Id} is PENDING: this is what it would grant" : null,
            explained.Validity?.Before,
            explained.Validity?.LimitedBy,
            explained.Locks.IsEmpty ? null : [.. explained.Locks.Select(Show)]);
    }

    /// <summary>
    /// Lists what the user's roles reach, and what each live certificate reaches with its requests. The result is the union, because
    /// several certificates can be in use.
    /// </summary>
    public static Task<NodeList> ListNodes(Authority ca, Caller by, ListMyNodes ask)
    {
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var user = snapshot.ActingUser(by, ask.User);
            var reached = new List<Reachable>();
            Refusal? first = null;
            var unconfirmed = snapshot.Unconfirmed(snapshot.Policy().Groups.Select(one => one.Group));
            foreach (var ids in snapshot.LiveCertificates(user.Id, now).Select(certificate => certificate.Requests).Prepend([])
                .DistinctBy(ids => string.Join(',', ids)))
            {
                var question = Question(
                    ca, snapshot, user, [.. ids.Select(id => snapshot.FindRequest(Guid.Parse(id))).OfType<AccessRequest>()], now);
                if (IssuancePolicy.Reach(question with { Unconfirmed = unconfirmed }).Holds(out var reach, out var refusal))
                    reached.Add(reach);
                else
                    first ??= refusal;
            }
            var groups = snapshot.ConfirmedTokens();
            ListedNode[] nodes = [
                .. reached.SelectMany(reach => reach.Nodes).GroupBy(node => node.Node.Name)
                    .OrderBy(node => node.Key, StringComparer.Ordinal)
                    .Select(node => Show(node, groups.GetValueOrDefault(node.First().Node.Id, [])))];
            var requestable = Requestable(
                snapshot, user, snapshot.Policy().EveryNode.ExceptBy(nodes.Select(node => node.Name), node => node.Name), now);
            return reached.Count == 0 && requestable.Length == 0
                ? throw Problems.Refused(first!)
                : new NodeList(
                    nodes,
                    [.. reached.SelectMany(reach => reach.Everywhere).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
                    reached.Exists(reach => reach.PerHost),
                    requestable,
                    JumpHosts.To(snapshot, reached.SelectMany(reach => reach.Nodes).Select(one => one.Node)));
        }));
    }

    /// <summary>
    /// Returns what gets a user to a node, or to one login there: a login if their own roles open it, otherwise the request that would;
    /// null if neither does.
    /// </summary>
    /// <param name="ca">The authority; its limits apply.</param>
    /// <param name="snapshot">The database; it holds the roles.</param>
    /// <param name="user">The user who wants access.</param>
    /// <param name="node">The name of the node.</param>
    /// <param name="login">The login on the node; null for any.</param>
    /// <param name="now">The current time; roles can have expired.</param>
    public static NextStep? HowToAsk(Authority ca, Snapshot snapshot, User user, string node, string? login, DateTimeOffset now)
    {
        var nodes = snapshot.Policy().OnlyNode(node);
        if (IssuancePolicy.Decide(Question(ca, snapshot, user, [], now) with { Node = node, Nodes = nodes }).Holds(out var grant, out _)
            && (login is null || grant.Grants.SelectMany(one => one.Principals).Any(principal => principal.Opens(login, node))))
            return new NextStep.LogIn(Login: login);
        return Asking(Requestable(snapshot, user, nodes, now, login), login);
    }

    /// <summary>Returns the request that would open the first of these nodes; null if there are none.</summary>
    internal static NextStep? Asking(RequestableNode[] nodes, string? login) => nodes switch
    {
        [{ Roles: [var role, ..] }, ..] => new NextStep.RequestRoles([role], login),
        [var node, ..] => new NextStep.RequestNodes([node.Name], login),
        _ => null,
    };

    internal static RequestableNode[] Requestable(
        Snapshot snapshot, User user, IEnumerable<Node> nodes, DateTimeOffset now, string? login = null)
    {
        var policy = snapshot.Policy();
        NodeSet wanted = [.. nodes];
        return
        [
            .. Ask(RequestKind.Roles)
                .Concat(Ask(RequestKind.Resources).Select(opened => (opened.Node, Role: (string?)null)))
                .GroupBy(opened => opened.Node, opened => opened.Role)
                .OrderBy(opened => opened.Key, StringComparer.Ordinal)
                .Select(opened => new RequestableNode(opened.Key, [.. opened.OfType<string>()])),
        ];

        IEnumerable<(string Node, string? Role)> Ask(RequestKind kind) =>
            Elevation.WithinAsking(user, kind, policy.Roles, wanted, policy.LocksAt(now), now, login)
                .SelectMany(elevation => elevation.Nodes.Select(node => (node, (string?)elevation.Role)));
    }

    // Assumes a security key, which passes every rule about keys, because the real key is not known yet.
    internal static IssuanceQuestion Question(
        Authority ca, Policy policy, User user, ImmutableArray<AccessRequest> requests, LocksInForce locks, DateTimeOffset now) =>
        new(now, user, requests, policy.Roles, policy.EveryNode, RequestedTtl: null, LiveSessions: 0, ca.Limits)
        {
            Locks = locks,
            IsSecurityKey = true,
            Groups = policy.Groups,
        };

    private static IssuanceQuestion Question(
        Authority ca, Snapshot snapshot, User user, ImmutableArray<AccessRequest> requests, DateTimeOffset now) =>
        Question(ca, snapshot.Policy(), user, requests, snapshot.Policy().LocksAt(now), now);

    private static ListedNode Show(IGrouping<string, ReachedNode> reached, ImmutableArray<string> groups)
    {
        var node = reached.First().Node;
        return new ListedNode(
            node.Name, node.Address, node.Labels.ToDictionary(),
            [.. reached.SelectMany(one => one.Logins).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)], node.Via,
            groups.IsEmpty ? null : [.. groups]);
    }

    internal static LockExplained Show(LockAtWork one) =>
        new(one.Lock.Name, one.Lock.Target.ToString(), one.Effect.ToString().ToLowerInvariant(), one.Lock.Message, one.Lock.Expires);

    private static RuleExplained Show(RuleAtWork rule) => new(rule.Effect.ToString().ToLowerInvariant(), rule.Field, rule.Entry, rule.Why);
}
