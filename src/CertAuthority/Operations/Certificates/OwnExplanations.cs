using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Explains to users what the policy would decide about them, and what to request. For them, only the hosts exist that they can reach or
/// request: the explanation of any other host is that of a host that does not exist.
/// </summary>
internal static class OwnExplanations
{
    public static Task<AccessExplained> Explain(Authority ca, Caller by, ExplainMyAccess ask)
    {
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var user = snapshot.ActingUser(by, ask.User);
            var request = ask.Request is null ? null : snapshot.FindRequest(ask.Request, user.Id);
            var nodes = Visible(ca, snapshot, user, ask.Node, now);
            var isHidden = ask.Node is not null && nodes.IsEmpty;
            // With the jump hosts on the way, which users of the host know.
            NodeSet shown = ask.Node is null || isHidden ? nodes : snapshot.Policy().NodeAndWay(ask.Node);
            // The approval that a pending request still needs is somebody else's.
            var explained = Explanations.Explain(ca, snapshot, Caller.Daemon, user, request, shown, ask.Node, ask.Login, now);
            return explained with
            {
                Verdict = isHidden
                    ? $"{user.Name} can log in{(ask.Login is null ? "" : $" as {ask.Login}")} on {ask.Node}: no: there is no node \"{ask.Node}\" that you can reach or request"
                    : explained.Verdict,
                Roles = isHidden ? [] : explained.Roles,
                Locks = explained.Locks?.Where(one => !one.Target.StartsWith("node ", StringComparison.Ordinal)
                    || shown.Any(node => one.Target == $"node {node.Name}")).ToArray() is [_, ..] locks ? locks : null,
                Next = explained.Granted
                    ? null
                    : [
                        .. isHidden
                            ? NextSteps.Meant(ask.Node!, Visible(ca, snapshot, user, null, now).Select(node => node.Name))
                            : MeantLogin(ca, snapshot, user, nodes, ask.Login, now),
                        Remedy(ca, snapshot, user, nodes, ask, now)],
            };
        }));
    }

    // Only among the logins that the user can have now: those of a role to request are the role's to show.
    private static IEnumerable<NextStep> MeantLogin(
        Authority ca, Snapshot snapshot, User user, NodeSet nodes, string? login, DateTimeOffset now)
    {
        if (login is null)
            return [];
        var policy = snapshot.Policy();
        var question = Explanations.Question(
            ca, policy, user, [.. snapshot.ApprovedRequestsOf(user.Id, now)], policy.LocksAt(now), now);
        return NextSteps.Meant(
            login,
            nodes.SelectMany(node => Entrance.Into(node, question)).SelectMany(way => way.Logins).Select(one => one.Login).Distinct());
    }

    /// <summary>Returns the hosts that the user can reach, with any of their approved requests, or request.</summary>
    internal static ImmutableArray<Node> Visible(Authority ca, Snapshot snapshot, User user, string? name, DateTimeOffset now)
    {
        var policy = snapshot.Policy();
        var nodes = name is null ? policy.EveryNode : policy.OnlyNode(name);
        var locks = policy.LocksAt(now);
        var question = Explanations.Question(ca, policy, user, [.. snapshot.ApprovedRequestsOf(user.Id, now)], locks, now);
        var seen = Explanations.Requestable(snapshot, user, nodes, now).Select(node => node.Name)
            .Concat(Ways(question with { Nodes = nodes })).ToHashSet(StringComparer.Ordinal);
        return [.. nodes.Where(node => seen.Contains(node.Name))];

        static IEnumerable<string> Ways(IssuanceQuestion question) =>
            question.Requests.Select(request => ImmutableArray.Create(request)).Prepend([])
                .SelectMany(
                    requests => IssuancePolicy.Reach(question with { Requests = requests }).Holds(out var reach, out _) ? reach.Nodes : [])
                .Select(reached => reached.Node.Name);
    }

    /// <summary>
    /// Returns what would help: an approved request, a pending one, or the role or node to request; otherwise where the user sees what they
    /// can request.
    /// </summary>
    private static NextStep Remedy(
        Authority ca, Snapshot snapshot, User user, NodeSet nodes, ExplainMyAccess ask, DateTimeOffset now)
    {
        var policy = snapshot.Policy();
        var question = Explanations.Question(
            ca, policy, user, [.. snapshot.ApprovedRequestsOf(user.Id, now)], policy.LocksAt(now), now);
        foreach (var node in nodes)
            if (Entrance.Into(node, question, ask.Login) is [var way, ..])
                return new NextStep.LogIn(way.Request is null ? null : [$"{way.Request.Id}"], ask.Login);
        var found = Explanations.Requestable(snapshot, user, nodes, now, ask.Login);
        var pending = snapshot.PendingRequestsOf(user.Id, now);
        if (pending.Find(request => found.Any(one => Asks(request, one))) is { } waiting)
            return new NextStep.WaitForRequest($"{waiting.Id}");
        return Explanations.Asking(found, ask.Login) ?? new NextStep.SearchNodes();
    }

    private static bool Asks(AccessRequest request, RequestableNode node) => request.Kind == RequestKind.Roles
        ? request.Roles.Any(role => node.Roles.Contains(role.Name))
        : request.Resources.Any(one => one.Name == node.Name);
}
