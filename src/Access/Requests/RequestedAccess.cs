using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>The access that a question asks for, if the user may request it.</summary>
/// <param name="Roles">The roles; at least one, sorted.</param>
/// <param name="Resources">The nodes that the roles are requested for; empty in a request for roles. Sorted.</param>
internal sealed record RequestedAccess(ImmutableArray<string> Roles, ImmutableArray<PinnedNode> Resources)
{
    public static Outcome<RequestedAccess> From(RequestQuestion question)
    {
        if (question.RoleNames.Length > 1 && question.RoleNames.Contains("*"))
            return new Refusal("\"*\" asks for every role and stands alone", Kind: RefusalKind.Invalid);
        return question.Kind == RequestKind.Roles ? ByName(question) : ByResource(question);
    }

    private static Outcome<RequestedAccess> ByName(RequestQuestion question)
    {
        var requestable = RequestRights.Requestable(question.User, question.Roles, question.Now, question.Locks);
        ImmutableArray<string> names = question.RoleNames is ["*"]
            ? requestable.RemoveAll(name => question.User.Roles.Contains(name))
            : [.. question.RoleNames.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (names.IsEmpty)
            return CannotRequest("a request names at least one role or resource", requestable, RefusalKind.Invalid);
        // An unknown role and a forbidden one get the same answer, so that nobody can probe for names of roles.
        return names.FirstOrDefault(name => !requestable.Contains(name)) is { } refused
            ? CannotRequest($"user \"{question.User.Name}\" cannot request role \"{refused}\"", requestable, RefusalKind.Denied) with
            {
                Misspelt = new Misspelling(refused, requestable)
            }
            : new RequestedAccess(names, []);
    }

    private static Refusal CannotRequest(string message, ImmutableArray<string> requestable, RefusalKind kind) => requestable.IsEmpty
        ? new Refusal(message, "no role of yours lets you request another", kind)
        : new Refusal(message, Kind: kind) { Remedy = new Remedy.ChooseRoles(requestable) };

    /// <summary>
    /// Requests nodes through all roles that reach one of them, or through the named ones among these. Together the roles reach every node.
    /// </summary>
    private static Outcome<RequestedAccess> ByResource(RequestQuestion question)
    {
        if (question.Resources.FirstOrDefault(resource => PinnedNode.NameIn(resource) is null) is { } odd)
            return new Refusal(
                $"\"{odd}\" is not a resource", $"a resource is node/NAME; names have the form {Names.NodeForm}", RefusalKind.Invalid);
        var wanted = question.Resources.Select(resource => PinnedNode.NameIn(resource)!).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).ToList();
        if (wanted.Count > RequestQuestion.MaxResources)
            return new Refusal(
                $"a request names at most {RequestQuestion.MaxResources} resources, not {wanted.Count}", "divide it among several",
                RefusalKind.Invalid);

        var (user, roles, now) = (question.User, question.Roles, question.Now);
        NodeSet nodes = [.. wanted.Select(question.Nodes.Named).OfType<Node>()];
        var reaching = Elevation.WithinAsking(user, RequestKind.Resources, roles, nodes, question.Locks, now);
        if (question.RoleNames is not ([] or ["*"]))
        {
            if (question.RoleNames.FirstOrDefault(name => reaching.All(one => one.Role != name)) is { } refused)
                return new Refusal(
                    $"user \"{user.Name}\" cannot request role \"{refused}\" for {(wanted is [_] ? "this node" : "these nodes")}",
                    reaching.IsEmpty ? null : $"what reaches: {string.Join(", ", reaching.Select(one => one.Role))}")
                {
                    Remedy = reaching.IsEmpty ? new Remedy.SearchNodes() : null,
                    Misspelt = new Misspelling(refused, [.. reaching.Select(one => one.Role)]),
                };
            reaching = reaching.RemoveAll(one => !question.RoleNames.Contains(one.Role));
        }
        // An unknown node and one out of reach get the same answer, so that nobody can probe for names of nodes.
        if (wanted.Find(name => !reaching.Any(one => one.Nodes.Contains(name))) is { } unreached)
            return question.Locks.On(LockKind.Node, unreached) is { } locked
                   && !Elevation.WithinAsking(
                       user, RequestKind.Resources, roles, [.. nodes.Where(node => node.Name == unreached)], LocksInForce.None, now).IsEmpty
                ? locked.Refusal
                : new Refusal($"user \"{user.Name}\" cannot request node \"{unreached}\"")
                {
                    Remedy = new Remedy.SearchNodes(),
                    Misspelt = new Misspelling(unreached, [
                        .. Elevation.WithinAsking(user, RequestKind.Resources, roles, question.Nodes, question.Locks, now)
                            .SelectMany(one => one.Nodes).Distinct(StringComparer.Ordinal)]),
                };

        ImmutableArray<string> names = [.. reaching.Select(one => one.Role)];
        var together = Elevation.Opened(user, names, roles, nodes, question.Locks, now);
        return wanted.Find(name => !together.Contains(name)) is { } taken
            ? new Refusal(
                $"the roles that reach these nodes do not reach node \"{taken}\" together: one of {string.Join(", ", names)} denies it",
                "ask for it in a request of its own", RefusalKind.Conflict)
            : new RequestedAccess(names, [.. nodes.Select(node => new PinnedNode(node.Id, node.Name))]);
    }
}
