using System.Collections.Immutable;
using CertAuthority.Access.Reach;

namespace CertAuthority.Access.Issuance;

/// <summary>
/// Writes a grant that is larger than a certificate with the principals of groups. It changes how a login on a host is written, and never
/// which logins on which hosts are granted.
/// </summary>
internal static class GroupForm
{
    /// <summary>
    /// Returns what a certificate can hold of a grant, and how many of its principals that leaves out. A host that ends before the
    /// certificate is always left out; it is in no group.
    /// </summary>
    /// <param name="allowed">The grant.</param>
    /// <param name="question">The question; it has the groups.</param>
    /// <returns>The principals; empty if nothing fits.</returns>
    public static (ImmutableArray<Principal> Principals, int LeftOut) Held(IssuanceGrant allowed, IssuanceQuestion question)
    {
        var all = allowed.Principals;
        var ending = question.Nodes.EndingBefore(allowed.Validity.Before).Select(node => node.Name).ToHashSet(StringComparer.Ordinal);
        var lasting = all.RemoveAll(principal => principal.Node is { } node && ending.Contains(node));
        if (!lasting.IsEmpty && allowed.Permissions.FitBeside(lasting))
            return (lasting, all.Length - lasting.Length);
        var (groups, others) = Grouped(allowed.ByGroup, lasting, question);
        var bare = all.RemoveAll(principal => principal.Node is not null);
        var left = all.Length - lasting.Length;
        // Hosts that did not confirm what they are in are named beside their groups, as long as there is room.
        foreach (var (principals, leftOut) in ((ImmutableArray<Principal>, int)[])[
            ([.. bare, .. groups, .. others], left), ([.. bare, .. groups], left + others.Length), (bare, all.Length - bare.Length)])
            if (!principals.IsEmpty && allowed.Permissions.FitBeside(principals))
                return (principals, leftOut);
        return ([], all.Length);
    }

    /// <summary>Returns the principals of groups that replace principals of hosts, and the principals of hosts that remain.</summary>
    private static (ImmutableArray<Principal> Groups, ImmutableArray<Principal> Others) Grouped(
        ImmutableArray<Principal> byGroup, ImmutableArray<Principal> principals, IssuanceQuestion question)
    {
        var granted = principals.ToHashSet();
        var (used, covered) = (ImmutableArray.CreateBuilder<Principal>(), new HashSet<Principal>());
        foreach (var principal in byGroup)
        {
            var group = question.Groups.First(one => one.Group.Token == principal.Group);
            var there = group.Nodes.Values.Select(node => (Node: node, Principal: Principals.On(node, principal.Login))).ToList();
            // A group opens all its members, so all of them must be granted, whatever the rules about groups say.
            if (!there.TrueForAll(one => granted.Contains(one.Principal)))
                continue;
            var confirmed = there.Where(one => !question.Unconfirmed.Contains((group.Group.Id, one.Node.Id))).ToList();
            var before = covered.Count;
            covered.UnionWith(confirmed.Select(one => one.Principal));
            if (covered.Count > before)
                used.Add(principal);
        }
        return (
            used.ToImmutable(), principals.RemoveAll(principal => principal.Node is null || covered.Contains(principal)));
    }
}
