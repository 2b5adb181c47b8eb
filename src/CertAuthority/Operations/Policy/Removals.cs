using CertAuthority.Access.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Removes resources, and with them what they granted. Nothing that was revoked is ever given back.</summary>
internal static class Removals
{
    public static async Task<AppliedResources> Remove(Authority ca, Administrator by, RemoveResource ask)
    {
        var now = ca.Now();
        var kind = KindTable.Named(ask.Kind);
        var (name, warnings, withdrawn) = await ca.Database.Commit(
            transaction => Remove(ca, transaction, by.Caller, kind, ask, now), takesAway: kind.RemovingTakesAway);
        withdrawn = await OwedWithdrawals.Finish(ca, by.Caller, withdrawn);
        return withdrawn.Show([new AppliedResource(kind.Name, name, AppliedStates.Removed)], warnings);
    }

    private static (string Name, string[] Warnings, Withdrawn Withdrawn) Remove(
        Authority ca, Transaction transaction, Caller by, ResourceKind kind, RemoveResource ask, DateTimeOffset now)
    {
        var name = kind.NameFrom(transaction, ask.Name);
        var (ending, isUnreadable) = Remove(transaction, by, kind, name, ask.Force, now);
        JumpHosts.ExpectUnused(transaction, kind.Name, [name]);
        if (!isUnreadable || transaction.Policy().IsWhole)
            return (name, ending.Warnings, Withdrawals.Review(ca, transaction, by, now, ending.Requests));
        // While other roles or locks cannot be read, nothing else is decided; but a host that is gone has left its groups.
        transaction.FollowGroups();
        return (name, [.. ending.Warnings,
            "other roles or locks cannot be read, so nothing can be issued or decided yet; the status of the daemon names them"],
            Withdrawn.Of(ending.Requests));
    }

    /// <summary>Removes a node that the daemon itself has given up.</summary>
    /// <param name="ca">The authority.</param>
    /// <param name="transaction">The transaction, which has read the node.</param>
    /// <param name="node">The node.</param>
    /// <param name="why">Why, for the audit.</param>
    /// <param name="now">The current time.</param>
    public static Withdrawn Remove(Authority ca, Transaction transaction, Node node, string why, DateTimeOffset now)
    {
        var (ending, _) = Remove(
            transaction, Caller.Daemon, KindTable.Named(ResourceKinds.Node), node.Name, force: false, now, why);
        return Withdrawals.Review(ca, transaction, Caller.Daemon, now, ending.Requests);
    }

    /// <summary>
    /// Removes a resource, in a transaction that reviews afterwards what this takes away. A row that cannot be read is removed too, and
    /// with it what can no longer be decided.
    /// </summary>
    internal static (ResourceEnding Ending, bool WasUnreadable) Remove(
        Transaction transaction, Caller by, ResourceKind kind, string name, bool force, DateTimeOffset now, string? why = null)
    {
        var unreadable = kind.Stored.FindUnreadable(transaction, name);
        var one = unreadable is null ? kind.Find(transaction, name) : null;
        var id = one?.Id ?? (Guid.TryParse(unreadable!.Id, out var stored) ? stored : null);
        var ending = kind.End(new ResourceRemoval(transaction, by, name, id, force, now));
        foreach (var (before, after, reason) in ending.Changed)
            transaction.Audit(ResourceChanges.Entry(by, before, after, now) with { Reason = reason });
        if (one is not null)
            kind.Remove(transaction, one);
        else
            kind.Stored.Remove(transaction, unreadable!);
        var entry = ResourceChanges.Entry(by, (object?)one ?? unreadable, null, now);
        transaction.Audit(why is null ? entry : entry with { Reason = why });
        return (ending, unreadable is not null);
    }
}
