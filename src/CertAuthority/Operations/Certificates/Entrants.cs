using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Lists who can log in to a host, or to every host that trusts the CA. It asks the policy about every user, so it takes as long as there
/// are users.
/// </summary>
internal static class Entrants
{
    public static Task<EntrantList> List(Authority ca, Administrator by, ListEntrants ask) =>
        List(ca, snapshot => Nodes.Find(snapshot, ask.Name), ask.Login);

    public static Task<EntrantList> Everywhere(Authority ca, Administrator by, ListEntrantsEverywhere ask) =>
        List(ca, _ => null, ask.Login);

    private static Task<EntrantList> List(Authority ca, Func<Snapshot, Node?> find, string? login)
    {
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var policy = snapshot.Policy();
            var node = find(snapshot);
            var locks = policy.LocksAt(now);
            // Most roles select other nodes, and need not be asked about for every user.
            var opening = policy.Roles.Values
                .Where(role => node is null ? role.Allow.NodeLabels.IsAll : role.Allow.Reach(node.Labels)).ToList();
            var opens = opening.Select(role => role.Name).ToHashSet(StringComparer.Ordinal);
            var requests = snapshot.ApprovedRequests(now).ToLookup(request => request.UserId);
            var (entrants, possible) = (new List<Entrant>(), new List<PossibleEntrant>());
            foreach (var user in snapshot.Users().OrderBy(user => user.Name, StringComparer.Ordinal))
            {
                var question = Explanations.Question(ca, policy, user, [.. requests[user.Id]], locks, now);
                // Nobody gets in but by a role that opens the host, their own or of a request.
                var ways = question.Requests.IsEmpty && !user.Roles.Any(opens.Contains) ? []
                    : node is null ? Entrance.Everywhere(question, login)
                    : Entrance.Into(node, question, login);
                entrants.AddRange(ways.Select(way => Show(user, way)));
                var open = ways.SelectMany(way => way.Logins).Where(login => login.Conditions is null).Select(login => login.Login)
                    .ToHashSet(StringComparer.Ordinal);
                possible.AddRange(Possible(user, question, node, login, opening, open));
            }
            var standing = locks.All.Where(one => (node is not null && one.Target == new LockTarget(LockKind.Node, node.Name))
                || (login is not null && one.Target == new LockTarget(LockKind.Login, login)));
            return new EntrantList(
                [.. entrants], [.. possible],
                standing.Select(one => Explanations.Show(new LockAtWork(one, RuleEffect.Denies))).ToArray() is [_, ..] some ? some : null);
        }));
    }

    /// <summary>Returns the roles that a user could request, and the logins that each would add; a request by name comes first.</summary>
    private static IEnumerable<PossibleEntrant> Possible(
        User user, IssuanceQuestion question, Node? node, string? login, List<Role> opening, HashSet<string> open)
    {
        // A request for nodes by name opens these nodes only, so it opens no login everywhere.
        return node is null
            ? Show(Elevation.Everywhere(user, question.Roles, question.Locks, question.Now, login, opening), null)
            : Ask(node, RequestKind.Roles).Concat(Ask(node, RequestKind.Resources)).DistinctBy(one => one.Role);

        IEnumerable<PossibleEntrant> Ask(Node node, RequestKind kind) =>
            Show(
                Elevation.WithinAsking(user, kind, question.Roles, [node], question.Locks, question.Now, login, opening),
                kind == RequestKind.Roles ? null : $"{new PinnedNode(node.Id, node.Name)}");

        IEnumerable<PossibleEntrant> Show(IEnumerable<Elevation> elevations, string? resource) =>
            elevations.Select(
                    elevation => new PossibleEntrant(
                        user.Name, elevation.Role,
                        [.. elevation.Principals.Select(principal => principal.Login).Where(one => !open.Contains(one))], resource))
                .Where(one => one.Logins is not []);
    }

    private static Entrant Show(User user, Entrance way) =>
        new(
            user.Name, [.. way.Logins.Select(login => new EntrantLogin(login.Login, [.. login.Roles], login.Conditions))],
            way.Request?.Id.ToString(), way.Request?.AccessUntil);
}
