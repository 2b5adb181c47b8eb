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

/// <summary>Lists who can log in to a host. It asks the policy about every user, so it takes as long as there are users.</summary>
internal static class Entrants
{
    public static Task<EntrantList> List(Authority ca, Administrator by, ListEntrants ask)
    {
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var policy = snapshot.Policy();
            var node = Nodes.Find(snapshot, ask.Name);
            var locks = policy.LocksAt(now);
            // Most roles select other nodes, and need not be asked about for every user.
            var opening = policy.Roles.Values.Where(role => role.Allow.Reach(node.Labels)).ToList();
            var requests = snapshot.ApprovedRequests(now).ToLookup(request => request.UserId);
            var (entrants, possible) = (new List<Entrant>(), new List<PossibleEntrant>());
            foreach (var user in snapshot.Users().OrderBy(user => user.Name, StringComparer.Ordinal))
            {
                var question = Explanations.Question(ca, policy, user, [.. requests[user.Id]], locks, now);
                var ways = Entrance.Into(node, question, ask.Login);
                entrants.AddRange(ways.Select(way => Show(user, way)));
                var open = ways.SelectMany(way => way.Logins).Where(login => login.Conditions is null).Select(login => login.Login)
                    .ToHashSet(StringComparer.Ordinal);
                possible.AddRange(Possible(user, question, node, ask.Login, opening, open));
            }
            var standing = locks.All.Where(one => one.Target == new LockTarget(LockKind.Node, node.Name)
                || (ask.Login is not null && one.Target == new LockTarget(LockKind.Login, ask.Login)));
            return new EntrantList(
                [.. entrants], [.. possible],
                standing.Select(one => Explanations.Show(new LockAtWork(one, RuleEffect.Denies))).ToArray() is [_, ..] some ? some : null);
        }));
    }

    /// <summary>Returns the roles that a user could request, and the logins that each would add; a request by name comes first.</summary>
    private static IEnumerable<PossibleEntrant> Possible(
        User user, IssuanceQuestion question, Node node, string? login, List<Role> opening, HashSet<string> open)
    {
        return Ask(RequestKind.Roles).Concat(Ask(RequestKind.Resources)).DistinctBy(one => one.Role);

        IEnumerable<PossibleEntrant> Ask(RequestKind kind) =>
            Elevation.WithinAsking(user, kind, question.Roles, [node], question.Locks, question.Now, login, opening)
                .Select(
                    elevation => new PossibleEntrant(
                        user.Name, elevation.Role,
                        [.. elevation.Principals.Select(principal => principal.Login).Where(one => !open.Contains(one))],
                        kind == RequestKind.Roles ? null : $"{new PinnedNode(node.Id, node.Name)}"))
                .Where(one => one.Logins is not []);
    }

    private static Entrant Show(User user, Entrance way) =>
        new(
            user.Name, [.. way.Logins.Select(login => new EntrantLogin(login.Login, [.. login.Roles], login.Conditions))],
            way.Request?.Id.ToString(), way.Request?.AccessUntil);
}
