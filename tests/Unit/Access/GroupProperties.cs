using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What holds of groups for every policy, inventory and confirmation: they change how a grant is written, and never what it opens.</summary>
public class GroupProperties
{
    private static readonly Config Often = Config.QuickThrowOnFailure.WithMaxTest(600);

    private static readonly string[] Labels = ["env=prod", "env=dev", "type=db", "type=web"];

    private static readonly Gen<LabelSelector> Selector = Gen.Elements(
        Sample.Where("env=prod"), Sample.Where("env=prod"), Sample.Where("type=db"), Sample.Where("env=prod", "type=db"), Sample.Where("env=*"), Sample.Where("env=dev,prod"));

    private static readonly Gen<Role> AnyRole =
        from logins in Gen.Elements("root", "deploy", "app", "adam@corp").ArrayOf().Select(logins => logins.Take(3).Distinct().ToArray())
        from nodes in Selector
        from deniedLogins in Gen.Frequency((5, Gen.Constant(Array.Empty<string>())), (1, Gen.Elements("root", "*").Select(login => new[] { login })))
        from deniedNodes in Gen.Frequency((5, Gen.Constant(LabelSelector.None)), (1, Selector))
        from forced in Gen.Elements(null, null, "/bin/true")
        select Sample.Role("r", logins, nodes, denyLogins: deniedLogins, denyOn: deniedNodes) is var role && forced is not null
            ? role with { Options = role.Options with { Conditions = SessionConditions.None.With(SessionCondition.ForceCommand, forced) } } : role;

    private static readonly Gen<Role[]> SomeRoles = Some(AnyRole, 4).Select(roles => roles.Select((role, n) => role with { Name = $"r{n}" }).ToArray());

    // As many that no certificate holds them by name.
    private static readonly Gen<Node[]> SomeNodes =
        from kinds in Some(Gen.SubListOf(Labels).Select(labels => labels.GroupBy(label => label.Split('=')[0]).Select(same => same.First()).ToArray()), 4)
        from odd in Gen.SubListOf(Labels)
        select kinds.SelectMany((labels, kind) => Enumerable.Range(0, 150).Select(n => Sample.Node($"n{kind}-{n}", labels) with { LoginDomain = n % 2 == 0 ? "corp" : null }))
            .Append(Sample.Node("odd", [.. odd.GroupBy(label => label.Split('=')[0]).Select(same => same.First())])).ToArray();

    private static readonly Gen<NodeGroup[]> SomeGroups = Some(Selector, 3).Select(
        selectors => selectors.Select((selector, n) => new NodeGroup(Guid.NewGuid(), $"g{n}", 1, selector) { Token = NodeGroup.TokenOf($"g{n}", (ulong)n) }).ToArray());

    private static readonly Gen<LocksInForce> SomeLocks = Gen.Frequency(
        (4, Gen.Constant(LocksInForce.None)), (1, Gen.Elements("node odd", "node n0-0", "login root", "role r0").Select(lockedOne => Sample.Locked(lockedOne))));

    [Fact]
    public void Groups_open_exactly_what_their_hosts_would()
    {
        var grouped = 0;
        var cases = from roles in SomeRoles
                    from nodes in SomeNodes
                    from groups in SomeGroups
                    from locks in SomeLocks
                    from some in Gen.Elements(0, 0, 2, 150, 1000)
                    select (Roles: roles, Nodes: nodes, Groups: groups, Locks: locks, Unconfirmed: some);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var question = Question(one.Roles, one.Nodes, one.Locks);
            var unconfirmed = one.Nodes.Take(one.Unconfirmed).SelectMany(node => one.Groups.Select(group => (group.Id, node.Id))).ToHashSet();
            var members = one.Groups.Select(group => new GroupMembers(group, one.Nodes)).ToImmutableArray();
            if (!IssuancePolicy.Decide(question with { Groups = members, Unconfirmed = unconfirmed }).Holds(out var login, out var refusal))
                return IssuancePolicy.Decide(question).Holds(out _, out var same) || same != refusal ? throw new Xunit.Sdk.XunitException($"{refusal} became {same}") : true;
            // Whatever the size: what each host grants when it is asked about alone.
            var granted = one.Nodes.ToDictionary(node => node.Name, node => IssuancePolicy.Decide(question with { Node = node.Name, Nodes = [node] }));
            var missing = 0;
            foreach (var node in one.Nodes)
            {
                // What the host accepts: its name, and the tokens that may be there, confirmed or not.
                var tokens = one.Groups.Where(group => group.Has(node)).Select(group => group.Token).ToHashSet();
                var accepted = login.Grants.SelectMany(grant => grant.Principals.Where(principal => principal.Node == node.Name || (principal.Group is { } token && tokens.Contains(token)))
                    .Select(principal => (principal.Login, grant.Name, grant.Permissions.InWords))).ToHashSet();
                var there = granted[node.Name].Holds(out var alone, out _)
                    ? alone.Grants.SelectMany(grant => grant.Principals.Select(principal => (principal.Login, grant.Name, grant.Permissions.InWords))).ToHashSet() : [];
                if (!accepted.IsSubsetOf(there))
                    throw new Xunit.Sdk.XunitException($"{node.Name}: {string.Join(' ', accepted)} beyond {string.Join(' ', there)}");
                // What surely opens it, so that nothing is missing without being counted.
                var sure = login.Grants.SelectMany(grant => grant.Principals.Where(principal => principal.Node == node.Name
                        || one.Groups.Any(group => group.Token == principal.Group && group.Has(node) && !unconfirmed.Contains((group.Id, node.Id))))
                    .Select(principal => (principal.Login, grant.Name, grant.Permissions.InWords))).ToHashSet();
                missing += there.Except(sure).Count();
            }
            grouped += login.Grants.Any(grant => grant.Principals.Any(principal => principal.Group is not null)) ? 1 : 0;
            return missing == login.LeftOut ? true : throw new Xunit.Sdk.XunitException($"{missing} missing, {login.LeftOut} left out");
        }).Check(Often);
        Assert.True(grouped > 50, $"{grouped} named a group");
    }

    /// <summary>A certificate that stays valid opens on every host of its groups what the policy grants there now, whoever joined meanwhile.</summary>
    [Fact]
    public void Certificate_that_is_kept_opens_only_what_is_granted()
    {
        var (kept, gone) = (0, 0);
        var cases = from before in SomeRoles
                    from after in SomeRoles
                    from nodes in SomeNodes
                    from joined in Some(Gen.SubListOf(Labels).Select(labels => labels.GroupBy(label => label.Split('=')[0]).Select(same => same.First()).ToArray()), 3)
                    from groups in SomeGroups
                    from locks in SomeLocks
                    from same in Gen.Elements(0, 1, 2)
                    select (Before: before, After: same == 0 ? after : before, Nodes: nodes, Joined: same == 1 ? joined : [], Groups: groups, Locks: same == 2 ? locks : LocksInForce.None);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var question = Question(one.Before, one.Nodes, LocksInForce.None);
            if (!IssuancePolicy.Decide(question with { Groups = [.. one.Groups.Select(group => new GroupMembers(group, one.Nodes))] }).Holds(out var login, out _))
                return true;
            Node[] all = [.. one.Nodes, .. one.Joined.Select((labels, n) => Sample.Node($"joined{n}", labels))];
            var roles = Sample.Roles(one.After);
            var user = Sample.User("alice", [.. one.After.Select(role => role.Name)]);
            var now = question with { User = user, Roles = roles, Locks = one.Locks };
            return login.Grants.All(grant =>
            {
                var reason = Withdrawal.Reason(
                    new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, grant.Validity.Before, [.. grant.Principals.Select(principal => principal.ToString())], grant.Permissions),
                    user, [], roles, Sample.Nodes(all), one.Locks, SiteLimits.Default, null, [.. one.Groups.Select(group => new GroupMembers(group, all))]);
                kept += reason is null && grant.Principals.Any(principal => principal.Group is not null) ? 1 : 0;
                gone += reason is null ? 0 : 1;
                // An unchanged policy takes nothing.
                if (reason is not null && one.Before == one.After && one.Joined.Length == 0 && one.Locks == LocksInForce.None)
                    return false;
                return reason is not null || grant.Principals.Where(principal => principal.Group is not null).All(principal =>
                    all.Where(node => one.Groups.Any(group => group.Token == principal.Group && group.Has(node))).All(node =>
                        IssuancePolicy.Decide(now with { Node = node.Name, Nodes = [node] }).Holds(out var there, out _)
                        && there.Grants.Any(other => other.Principals.Any(opened => opened.Login == principal.Login) && other.Permissions.Exceeded(grant.Permissions) is null)));
            });
        }).Check(Often);
        Assert.True(kept > 30 && gone > 30, $"{kept} kept, {gone} gone");
    }

    private static IssuanceQuestion Question(Role[] roles, Node[] nodes, LocksInForce locks) => new(
        Sample.Now, Sample.User("alice", [.. roles.Select(role => role.Name)]), [], Sample.Roles(roles), nodes, null, 0, SiteLimits.Default)
    {
        Locks = locks,
    };

    private static Gen<T[]> Some<T>(Gen<T> one, int most) => Gen.Choose(1, most).SelectMany(count => one.ArrayOf(count));
}
