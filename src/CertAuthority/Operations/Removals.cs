using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Removing roles, users and nodes, and with them what they granted; and locks, which gives nothing back that was revoked.</summary>
internal static class Removals
{
    public static async Task<AppliedResources> Remove(Authority ca, Administrator by, RemoveResource ask)
    {
        var now = ca.Now();
        var (warnings, withdrawn) = await ca.Database.Commit(transaction =>
        {
            string[] warnings = [];
            IReadOnlyList<EndedRequest> ended = [];
            object removed;
            if (transaction.FindUnreadable(ask.Kind, ask.Name) is { } unreadable)
                return RemoveUnreadable(ca, transaction, by.Caller, ask, unreadable, now);
            switch (ask.Kind)
            {
                case "role":
                    (removed, warnings) = RemoveRole(transaction, by.Caller, ask, now);
                    break;
                case "user":
                    var user = Users.FindResource(transaction, ask.Name);
                    ended = RequestChanges.EndAllOf(transaction, by.Caller, user, "the user was removed", now);
                    transaction.RemoveUser(user);
                    removed = user;
                    break;
                case "node":
                    var node = transaction.Policy().Nodes.GetValueOrDefault(ask.Name) ?? throw Missing(ask);
                    ended =
                    [
                        .. transaction.OpenRequestsFor(node, now)
                            .Select(request => RequestChanges.EndBecause(transaction, by.Caller, request, RequestAction.Deny, $"the node {node.Name} was removed", now)),
                    ];
                    transaction.RemoveNode(node);
                    removed = node;
                    break;
                case "lock":
                    var lifted = transaction.Policy().Locks.GetValueOrDefault(ask.Name) ?? throw Missing(ask);
                    transaction.RemoveLock(lifted);
                    removed = lifted;
                    break;
                default:
                    throw ResourceChanges.NoSuchKind(ask.Kind);
            }
            transaction.Audit(ResourceChanges.Entry(by.Caller, removed, null, now));
            return (warnings, Withdrawals.Review(ca, transaction, by.Caller, now, ended));
        }, takesAway: ask.Kind is "user" or "node");
        await Withdrawals.Publish(ca, withdrawn);
        return withdrawn.Show([$"{ask.Kind} '{ask.Name}' has been removed"], warnings);
    }

    /// <summary>One that cannot be read: the row goes, and with it what nobody can say any more. While other roles or locks cannot be read nothing else is decided.</summary>
    private static (string[] Warnings, Withdrawn Withdrawn) RemoveUnreadable(
        Authority ca, Transaction transaction, Caller by, RemoveResource ask, Unreadable one, DateTimeOffset now)
    {
        var warnings = one.Kind == "role" ? TakeFromHolders(transaction, by, ask, now) : [];
        transaction.Remove(one);
        EndedRequest[] ended = one.Kind == "user" && Guid.TryParse(one.Id, out var id)
            ? [.. transaction.RequestsOf(id).Where(request => request.StateAt(now) is RequestState.Pending or RequestState.Approved)
                .Select(request => RequestChanges.EndBecause(transaction, by, request, RequestAction.Deny, "the user was removed", now))]
            : [];
        transaction.Audit(ResourceChanges.Entry(by, one, null, now));
        return transaction.Policy().IsWhole
            ? (warnings, Withdrawals.Review(ca, transaction, by, now, ended))
            : ([.. warnings, "other roles or locks cannot be read, so nothing can be issued or decided yet; the status of the daemon names them"],
                new Withdrawn([.. ended.Select(each => each.Request.Id)], [.. ended.SelectMany(each => each.Revoked)]));
    }

    /// <summary>
    /// A role in use does not vanish silently: its holders are named, and with force it is taken from them. Those who have it from
    /// groups keep its name, and are refused: what the configuration says is not changed here.
    /// </summary>
    /// <returns>The role, and what deserves a second look.</returns>
    private static (Role Role, string[] Warnings) RemoveRole(Transaction transaction, Caller by, RemoveResource ask, DateTimeOffset now)
    {
        var role = transaction.Policy().Roles.GetValueOrDefault(ask.Name) ?? throw Missing(ask);
        var warnings = TakeFromHolders(transaction, by, ask, now);
        transaction.RemoveRole(role);
        return (role, warnings);
    }

    private static string[] TakeFromHolders(Transaction transaction, Caller by, RemoveResource ask, DateTimeOffset now)
    {
        var holders = transaction.Users().FindAll(user => user.Roles.Contains(ask.Name));
        if (holders.Count > 0 && !ask.Force)
            throw new ProblemException(new Problem(
                ProblemCode.Conflict,
                $"role '{ask.Name}' is held by {string.Join(", ", holders.Select(user => user.Name))}",
                Next: [new NextStep.AssignRoles(holders[0].Name), new NextStep.Remove($"role/{ask.Name}")]));
        foreach (var user in holders.Where(user => !user.IsFromGroups))
        {
            var without = user with { Roles = user.Roles.Remove(ask.Name), Revision = user.Revision + 1 };
            transaction.PutUser(without);
            transaction.Audit(ResourceChanges.Entry(by, user, without, now) with { Reason = $"role {ask.Name} was removed" });
        }
        return holders.Exists(user => user.IsFromGroups)
            ? [$"users_from_groups still gives role '{ask.Name}', so whoever has it from a group cannot log in: take it out of the configuration, or create it again"]
            : [];
    }

    private static ProblemException Missing(RemoveResource ask) =>
        Problems.NotFound($"there is no {ask.Kind} \"{ask.Name}\"", ask.Kind);
}
