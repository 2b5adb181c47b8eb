using System.Collections.Immutable;
using System.Reflection;
using CertAuthority.Access.Facts;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What holds for every set of roles and nodes, not only for those somebody thought of.</summary>
public class IssuanceProperties
{
    private static readonly Config Often = Config.QuickThrowOnFailure.WithMaxTest(500);

    private static readonly string[] Logins = ["root", "postgres", "deploy", "alice", "alice@corp", "root@corp"];

    private static readonly Gen<string[]> SomeLogins = Gen.Elements(Logins).ArrayOf().Select(logins => logins.Take(3).Distinct().ToArray());

    // Labels of nodes and selectors share a small world, so that they meet often.
    private static readonly Gen<LabelSelector> Selector = Gen.Elements(
        LabelSelector.None, LabelSelector.None, LabelSelector.All, LabelSelector.All, Sample.Where("env=prod"), Sample.Where("env=dev,test"), Sample.Where("env=*"),
        Sample.Where("type=db"), Sample.Where("env=prod", "type=db"), Sample.Where("env=^(prod|test)$"), Sample.Where("*=*", "type=web"), Sample.Where("env=moon"));

    private static readonly Gen<string[]> DeniedLogins = Gen.Frequency(
        (6, Gen.Constant(Array.Empty<string>())), (3, Gen.Elements(Logins).Select(login => new[] { login })), (1, Gen.Constant(new[] { "*" })));

    private static readonly Gen<LabelSelector> DeniedNodes = Gen.Frequency((4, Gen.Constant(LabelSelector.None)), (1, Selector));

    private static readonly Gen<TimeSpan?> Limit = Gen.Frequency(
        (1, Gen.Constant<TimeSpan?>(null)), (2, Gen.Choose(1, 200_000).Select(seconds => (TimeSpan?)TimeSpan.FromSeconds(seconds))));

    private static readonly Gen<Role> AnyRole =
        from logins in SomeLogins
        from nodes in Selector
        from deniedLogins in DeniedLogins
        from deniedNodes in DeniedNodes
        from ttl in Limit
        select Sample.Role("r", logins, nodes, denyLogins: deniedLogins, denyOn: deniedNodes, ttl: ttl);

    private static readonly Gen<Role[]> SomeRoles = Sized(AnyRole, 4).Select(roles => roles.Select((role, n) => role with { Name = $"r{n}" }).ToArray());

    private static readonly Gen<Node[]> SomeNodes = Sized(
        from env in Gen.Elements("env=prod", "env=dev", "env=test", "")
        from type in Gen.Elements("type=db", "type=web", "")
        from domain in Gen.Elements("corp", "CORP", null, null)
        select (Labels: new[] { env, type }.Where(label => label.Length > 0).ToArray(), Domain: domain), 5)
        .Select(nodes => nodes.Select((node, n) => Sample.Node($"n{n}", node.Labels) with { LoginDomain = node.Domain }).ToArray());

    private static readonly Gen<LocksInForce> SomeLocks = Sized(
        Gen.Frequency(
            (1, Gen.Elements("user alice", "user bob", "request bc8ca931-fec9-4b15-9a6f-20c13c5641a9")),
            (2, Gen.Elements("r0", "r1", "r9").Select(role => $"role {role}")),
            (3, Gen.Elements(Logins).Select(login => $"login {login}")),
            (3, Gen.Elements("n0", "n1", "n2", "n9").Select(node => $"node {node}"))), 2).Select(Sample.Locked);

    [Fact]
    public void A_lock_never_adds_access()
    {
        var cases = from roles in SomeRoles
                    from elevated in SomeRoles
                    from nodes in SomeNodes
                    from some in SomeLocks
                    from more in SomeLocks
                    select (Roles: roles, Elevated: elevated.Select(role => role with { Name = $"e{role.Name}" }).ToArray(), Nodes: nodes, Some: some, More: more);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var user = Sample.User("alice", [.. one.Roles.Select(role => role.Name), "asking"]);
            var asking = Sample.Role("asking", mayRequest: ["*"]);
            ImmutableArray<AccessRequest> requests = one.Elevated.Length == 0 ? [] : [Sample.Request(user, RequestState.Approved, one.Elevated)];
            var question = new IssuanceQuestion(Sample.Now, user, requests, Sample.Roles([.. one.Roles, .. one.Elevated, asking]), one.Nodes, null, 0, SiteLimits.Default) { Locks = one.Some };
            var both = LocksInForce.At(one.Some.All.Concat(one.More.All), Sample.Now);
            var stricter = Sample.Decide(question with { Locks = both });
            if (!stricter.Holds(out var grant, out _))
                return true;
            return Sample.Decide(question).Holds(out var before, out _)
                && grant.Validity == before.Validity && grant.Permissions.Exceeded(before.Permissions) is null && before.Permissions.Exceeded(grant.Permissions) is null
                && grant.Principals.All(principal => both.On(principal.Login, principal.Node) is null && (before.Principals.Contains(principal) || before.Principals.Any(old => old.Node is null && old.Login == principal.Login)))
                && both.On(user, grant.Roles.Select(role => role.Name)) is null;
        }).Check(Often);
    }

    [Fact]
    public void Node_request_opens_at_most_its_roles_on_its_nodes()
    {
        var cases = from roles in SomeRoles
                    from elevated in SomeRoles
                    where elevated.Length > 0
                    from nodes in SomeNodes
                    where nodes.Length > 0
                    from some in Gen.Choose(1, nodes.Length)
                    from locks in SomeLocks
                    select (Roles: roles, Elevated: elevated.Select(role => role with { Name = $"e{role.Name}" }).ToArray(), Nodes: nodes, Named: nodes[..some], Locks: locks);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var user = Sample.User("alice", [.. one.Roles.Select(role => role.Name), "asking"]);
            var asking = Sample.Role("asking", mayRequest: ["*"]) is var role ? role with { Allow = role.Allow with { SearchAsRoles = Sample.Patterns("*") } } : null!;
            var request = Sample.Request(user, RequestState.Approved, one.Elevated);
            var question = new IssuanceQuestion(Sample.Now, user, [request], Sample.Roles([.. one.Roles, .. one.Elevated, asking]), one.Nodes, null, 0, SiteLimits.Default) { Locks = one.Locks };
            var named = question with { Requests = [request with { Resources = [.. one.Named.Select(node => new PinnedNode(node.Id, node.Name))] }] };
            if (!Sample.Decide(named).Holds(out var grant, out _))
                return true;
            // What single hosts are opened by both ways is the same: nothing is lost by naming them either.
            return grant.Principals.All(principal => one.Named.Any(node => node.Name == principal.Node))
                && one.Named.All(node => Logins(named, node).SequenceEqual(Logins(question, node)));
        }).Check(Often);

        static IEnumerable<string> Logins(IssuanceQuestion question, Node node) =>
            Sample.Decide(question with { Node = node.Name }).Holds(out var grant, out _) ? grant.Principals.Select(principal => principal.Login).Order(StringComparer.Ordinal) : [];
    }

    /// <summary>Together with what the requester can open already, the facts name what a login under the approved request opens, and no more.</summary>
    [Fact]
    public void Facts_open_what_a_login_after_the_approval_opens()
    {
        var cases = from roles in SomeRoles
                    from elevated in SomeRoles
                    where elevated.Length > 0
                    from nodes in SomeNodes
                    from named in Gen.Choose(0, nodes.Length)
                    from locks in SomeLocks
                    select (Roles: roles, Elevated: elevated.Select(role => role with { Name = $"e{role.Name}" }).ToArray(), Nodes: nodes, Named: nodes[..named], Locks: locks);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var user = Sample.User("alice", [.. one.Roles.Select(role => role.Name), "asking"]);
            var asking = Sample.Role("asking", mayRequest: ["*"]) is var role ? role with { Allow = role.Allow with { SearchAsRoles = Sample.Patterns("*") } } : null!;
            var roles = Sample.Roles([.. one.Roles, .. one.Elevated, asking]);
            // Counted from the approval, so that it leaves some time whatever the limits of the roles are.
            var pending = Sample.Request(user, RequestState.Pending, one.Elevated) is var filed ? filed with { Terms = filed.Terms with { Clock = RequestClock.Approval }, Resources = [.. one.Named.Select(node => new PinnedNode(node.Id, node.Name))] } : null!;
            var facts = DecisionFacts.Of(new FactsQuestion(pending, user, roles, one.Nodes, SiteLimits.Default, Sample.Now) { Locks = one.Locks, People = People.Strangers });

            var approved = pending with { StoredState = RequestState.Approved, GrantedRoles = pending.Roles };
            var login = new IssuanceQuestion(Sample.Now, user, [approved], roles, one.Nodes, null, 0, SiteLimits.Default) { Locks = one.Locks, IsSecurityKey = true };
            var granted = Principals(login, grant => grant.Requests.Contains(approved.Id));
            var held = Principals(login with { Requests = [] }, _ => true);
            var opened = facts.Opens.SelectMany(opening => opening.IsEverywhere ? [opening.Login] : opening.Nodes.Select(node => $"{opening.Login}@{node.Name}")).ToHashSet();
            return opened.IsSubsetOf(granted) && !opened.Overlaps(held)
                && granted.All(principal => opened.Contains(principal) || held.Contains(principal) || held.Contains(principal[..Math.Max(0, principal.LastIndexOf('@'))]))
                && facts.Opens.IsEmpty == facts.OpensNothing is not null;
        }).Check(Often);

        static HashSet<string> Principals(IssuanceQuestion question, Func<IssuanceGrant, bool> counts) =>
            IssuancePolicy.Decide(question).Holds(out var login, out _) ? [.. login.Grants.Where(counts).SelectMany(grant => grant.Principals).Select(principal => principal.ToString())] : [];
    }

    [Fact]
    public void Lock_revokes_what_it_takes_and_nothing_else()
    {
        var cases = from roles in SomeRoles where roles.Length > 0 from nodes in SomeNodes from locks in SomeLocks select (Roles: roles, Nodes: nodes, Locks: locks);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var user = Sample.User("alice", [.. one.Roles.Select(role => role.Name)]);
            var question = new IssuanceQuestion(Sample.Now, user, [], Sample.Roles(one.Roles), one.Nodes, null, 0, SiteLimits.Default) { Locks = LocksInForce.None };
            if (!Sample.Decide(question).Holds(out var grant, out _))
                return true;
            var issued = new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, grant.Validity.Before, [.. grant.Principals.Select(principal => principal.ToString())], grant.Permissions);
            var revoked = Withdrawal.Reason(issued, user, [], question.Roles, Sample.Nodes(one.Nodes), one.Locks, SiteLimits.Default);
            var touched = one.Locks.On(user, grant.Roles.Select(role => role.Name)) is not null || grant.Principals.Any(principal => one.Locks.On(principal.Login, principal.Node) is not null);
            return touched == revoked is not null && revoked?.Contains(" is locked", StringComparison.Ordinal) != false;
        }).Check(Often);
    }

    [Fact]
    public void Unchanged_policy_never_revokes_its_certificate()
    {
        var cases = from roles in SomeRoles where roles.Length > 0 from nodes in SomeNodes select (Roles: roles, Nodes: nodes);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var user = Sample.User("alice", [.. one.Roles.Select(role => role.Name)]);
            var question = new IssuanceQuestion(Sample.Now, user, [], Sample.Roles(one.Roles), one.Nodes, null, 0, SiteLimits.Default) { Locks = LocksInForce.None };
            if (!Sample.Decide(question).Holds(out var grant, out _))
                return true;
            var issued = new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, grant.Validity.Before, [.. grant.Principals.Select(principal => principal.ToString())], grant.Permissions);
            return Withdrawal.Reason(issued, user, [], question.Roles, Sample.Nodes(one.Nodes), LocksInForce.None, SiteLimits.Default) is null;
        }).Check(Often);
    }

    [Fact]
    public void Added_deny_never_adds_a_principal()
    {
        var deny = Gen.OneOf(
            Gen.Elements(Logins.Append("*").ToArray()).Select(login => (Func<RoleConditions, RoleConditions>)(side => side with { Logins = [.. side.Logins, .. Sample.Logins(login)] })),
            Selector.Where(selector => !selector.IsNone).Select(selector => (Func<RoleConditions, RoleConditions>)(side => side with { NodeLabels = selector })));
        var cases = from roles in SomeRoles
                    where roles.Length > 0
                    from nodes in SomeNodes
                    from which in Gen.Choose(0, roles.Length - 1)
                    from add in deny
                    where roles[which].Deny.NodeLabels.IsNone || add(roles[which].Deny).NodeLabels == roles[which].Deny.NodeLabels
                    select (Roles: roles, Nodes: nodes, Which: which, Add: add);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var before = Principals.Resolve(Sample.InUse(one.Roles), one.Nodes, LocksInForce.None);
            var stricter = one.Roles.Select((role, n) => n == one.Which ? role with { Deny = one.Add(role.Deny) } : role).ToArray();
            // What the bare login opened, login@node opens too: trading one for the other adds nothing.
            return Principals.Resolve(Sample.InUse(stricter), one.Nodes, LocksInForce.None).All(principal => before.Contains(principal) || before.Any(old => old.Node is null && old.Login == principal.Login));
        }).Check(Often);
    }

    [Fact]
    public void Node_opens_exactly_when_one_role_allows_and_none_denies()
    {
        var cases = from roles in SomeRoles from nodes in SomeNodes select (Roles: roles, Nodes: nodes);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var principals = Principals.Resolve(Sample.InUse(one.Roles), one.Nodes, LocksInForce.None);
            return Logins.All(login => one.Nodes.All(node => Opens(principals, login, node) == Should(one.Roles, login, node)))
                // As each host has it: it lists an account, and the account at itself, as text.
                && one.Nodes.All(node => Logins.Where(node.CanHave).All(account =>
                    principals.Any(principal => principal.ToString() == account || principal.ToString() == $"{account}@{node.Name}") == Should(one.Roles, account, node)))
                && principals.All(principal => principal.Node is null || one.Nodes.Any(node => node.Name == principal.Node));
        }).Check(Often);

        static bool Opens(ImmutableArray<Principal> principals, string login, Node node) =>
            principals.Any(principal => principal.Login == login && (principal.Node is null || principal.Node == node.Name));

        static bool Should(Role[] roles, string login, Node node) =>
            node.CanHave(login) && roles.Any(role => role.Allow.Logins.Any(one => one.Text == login) && role.Allow.NodeLabels.Matches(node.Labels))
            && !roles.Any(role => role.Deny.Logins.Any(one => one.Text == login) || role.Deny.Logins.Any(one => one.Text == "*") || role.Deny.NodeLabels.Matches(node.Labels));
    }

    [Fact]
    public void Bare_login_needs_a_role_for_all_hosts_and_no_denied_host()
    {
        var cases = from roles in SomeRoles from nodes in SomeNodes select (Roles: roles, Nodes: nodes);
        Prop.ForAll(cases.ToArbitrary(), one => Principals.Resolve(Sample.InUse(one.Roles), one.Nodes, LocksInForce.None).Where(principal => principal.Node is null).All(bare =>
            one.Roles.All(role => role.Deny.NodeLabels.Entries.Count == 0)
            && one.Roles.Any(role => role.Allow.Logins.Any(one => one.Text == bare.Login) && role.Allow.NodeLabels.Entries.Keys.SequenceEqual(["*"]))))
            .Check(Often);
    }

    [Fact]
    public void Explanation_matches_the_login_and_its_rules_add_up()
    {
        var cases = from assigned in SomeRoles
                    from elevated in SomeRoles
                    from nodes in SomeNodes
                    from over in Gen.Elements(0, 0, 0, 1, 2)
                    from asks in Gen.Elements(true, true, false)
                    from locks in SomeLocks
                    select (Locks: locks, Assigned: assigned, Elevated: elevated.Select(role => role with { Name = $"e{role.Name}" }).ToArray(), Nodes: nodes, Over: over, Asks: asks);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            // Some roles are over, some requests grant nothing, and some templates have no value: what is refused must be explained as that.
            var assigned = one.Assigned.Select((role, n) => n == 0 && one.Over == 1 ? role with { Expires = Sample.Now } : n == 0 && one.Over == 2 ? role with { Allow = role.Allow with { Logins = Sample.Logins("{{external.none}}") } } : role).ToArray();
            var asking = Sample.Role("asking", mayRequest: one.Asks ? ["*"] : []);
            var user = Sample.User("alice", [.. assigned.Select(role => role.Name), "asking"]);
            ImmutableArray<AccessRequest> requests = one.Elevated.Length == 0 ? [] : [Sample.Request(user, RequestState.Approved, one.Elevated)];
            var question = new IssuanceQuestion(Sample.Now, user, requests, Sample.Roles([.. assigned, .. one.Elevated, asking]), one.Nodes, null, 0, SiteLimits.Default) { Locks = one.Locks };
            var granted = Sample.Decide(question).Holds(out var grant, out _) ? grant.Principals : [];
            return Logins.All(login => one.Nodes.All(node =>
            {
                var explained = Explanation.Explain(question with { Node = node.Name }, login);
                var opens = granted.Any(principal => principal.Login == login && (principal.Node is null || principal.Node == node.Name));
                var there = Sample.Decide(question with { Node = node.Name }).Holds(out var single, out _) && single.Principals.Any(principal => principal.Login == login);
                return explained.IsGranted == opens && explained.IsGranted == there && AddsUp(explained) == opens;
            }) && Explanation.Explain(question, login).IsGranted == granted.Any(principal => principal.Login == login))
            && Explanation.Explain(question).IsGranted == !granted.IsEmpty;
        }).Check(Often);

        static bool AddsUp(Explanation explained)
        {
            var rules = explained.Roles.SelectMany(role => role.Rules).ToList();
            return !explained.Locks.Any(one => one.Effect is RuleEffect.Denies or RuleEffect.Refuses)
                && !rules.Exists(rule => rule.Effect is RuleEffect.Denies or RuleEffect.Refuses)
                && explained.Roles.Any(role => role.Rules.Any(rule => rule is { Effect: RuleEffect.Allows, Field: "allow.logins" })
                    && !role.Rules.Any(rule => rule.Effect == RuleEffect.Misses && rule.Field.StartsWith("allow.", StringComparison.Ordinal)));
        }
    }

    /// <summary>A user is listed for a host and a login exactly if the explanation says yes, without a request or with one.</summary>
    [Fact]
    public void List_of_who_enters_a_host_is_what_is_explained()
    {
        var listed = 0;
        var cases = from assigned in SomeRoles
                    from first in SomeRoles
                    from second in SomeRoles
                    from nodes in SomeNodes
                    from named in Gen.Choose(0, nodes.Length)
                    from locks in SomeLocks
                    from over in Gen.Elements(0, 0, 0, 1)
                    from commands in Gen.Elements(0, 0, 1, 2, 3)
                    select (Assigned: assigned, First: first.Select(role => role with { Name = $"e{role.Name}" }).ToArray(), Second: second.Select(role => role with { Name = $"f{role.Name}" }).ToArray(), Nodes: nodes, Named: nodes[..named], Locks: locks, Over: over, Commands: commands);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            // Some roles are over, and some force a command that others forbid.
            var assigned = one.Assigned.Select((role, n) => n == 0 && one.Over == 1 ? role with { Expires = Sample.Now } : n == 0 && one.Commands % 2 == 1 ? Forced(role, "true") : role).ToArray();
            var elevated = one.First.Select((role, n) => n == 0 && one.Commands > 1 ? Forced(role, "false") : role).ToArray();
            var asking = Sample.Role("asking", mayRequest: ["*"]) is var role ? role with { Allow = role.Allow with { SearchAsRoles = Sample.Patterns("*") } } : null!;
            var user = Sample.User("alice", [.. assigned.Select(role => role.Name), "asking"]);
            AccessRequest[] requests = [Sample.Request(user, RequestState.Approved, elevated), Sample.Request(user, RequestState.Approved, one.Second) with { Id = Guid.NewGuid(), Resources = [.. one.Named.Select(node => new PinnedNode(node.Id, node.Name))] }];
            var question = new IssuanceQuestion(Sample.Now, user, [.. requests.Where(request => !request.Roles.IsEmpty)], Sample.Roles([.. assigned, .. elevated, .. one.Second, asking]), one.Nodes, null, 0, SiteLimits.Default) { Locks = one.Locks, IsSecurityKey = true };
            return one.Nodes.All(node =>
            {
                var ways = Entrance.Into(node, question);
                listed += ways.Length;
                return Logins.All(login =>
                {
                    var standing = Explanation.Explain(question with { Requests = [], Node = node.Name }, login).IsGranted;
                    var elevating = question.Requests.Any(request => Explanation.Explain(question with { Requests = [request], Node = node.Name }, login).IsGranted);
                    return ways.Any(way => way.Request is null && Has(way, login)) == standing && ways.Any(way => Has(way, login)) == (standing || elevating)
                        && Entrance.Into(node, question, login).Select(way => way.Request).SequenceEqual(ways.Where(way => Has(way, login)).Select(way => way.Request))
                        && ways.All(way => way.Logins.All(open => !open.Roles.IsEmpty));
                });
            });
        }).Check(Often);
        Assert.True(listed > 50, $"{listed} ways in");

        static bool Has(Entrance way, string login) => way.Logins.Any(open => open.Login == login);

        static Role Forced(Role role, string command) => role with { Options = role.Options with { Conditions = role.Options.Conditions.With(SessionCondition.ForceCommand, command) } };
    }

    [Fact]
    public void Listed_access_is_what_a_login_gets()
    {
        var cases = from roles in SomeRoles where roles.Length > 0 from nodes in SomeNodes select (Roles: roles, Nodes: nodes);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var question = new IssuanceQuestion(
                Sample.Now, Sample.User("alice", [.. one.Roles.Select(role => role.Name)]), [], Sample.Roles(one.Roles), one.Nodes, null, 0, SiteLimits.Default)
            { Locks = LocksInForce.None };
            if (!Sample.Decide(question).Holds(out var grant, out var refusal))
                return !IssuancePolicy.Reach(question).Holds(out _, out var same) && same == refusal;
            return IssuancePolicy.Reach(question).Holds(out var reach, out _)
                && reach.Everywhere.SequenceEqual(grant.Principals.Where(principal => principal.Node is null).Select(principal => principal.Login))
                && one.Nodes.All(node => Logins.All(login =>
                    reach.Nodes.Any(reached => reached.Node == node && reached.Logins.Contains(login))
                        == grant.Principals.Any(principal => principal.Login == login && (principal.Node is null || principal.Node == node.Name))));
        }).Check(Often);
    }

    [Fact]
    public void No_certificate_outlives_any_of_its_limits()
    {
        var cases = from roles in SomeRoles
                    from ends in Sized(Gen.Choose(-100, 200_000), 5)
                    from wish in Gen.Frequency((1, Gen.Constant<int?>(null)), (3, Gen.Choose(-10, 200_000).Select(seconds => (int?)seconds)))
                    from site in Gen.Choose(1, 120_000)
                    select (Roles: roles, Ends: ends, RequestedTtl: wish is { } seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null, Site: TimeSpan.FromSeconds(site));
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var requests = one.Ends.Select(end => Sample.Request(Sample.User("alice"), RequestState.Approved) with { AccessUntil = Sample.Now.AddSeconds(end) }).ToArray();
            var outcome = Lifetime.Decide(Sample.Now, one.Roles, requests, one.RequestedTtl, SiteLimits.Default with { Certificate = one.Site });
            var senseless = one.RequestedTtl <= TimeSpan.Zero || one.RequestedTtl > one.Site || one.Ends.Any(end => end <= 0);
            if (!outcome.Outcome.Holds(out var validity, out _))
                return senseless;
            var lasts = validity.Before - Sample.Now;
            return !senseless
                && lasts > TimeSpan.Zero
                && lasts <= one.Site
                && !(lasts > one.RequestedTtl)
                && one.Roles.All(role => !(lasts > role.Options.MaxSessionTtl))
                && requests.All(request => validity.Before <= request.AccessUntil)
                && Sample.Now - validity.After == TimeSpan.FromSeconds(60);
        }).Check(Often);
    }

    [Fact]
    public void Decision_does_not_depend_on_the_order_of_nodes_or_roles()
    {
        var cases = from roles in SomeRoles
                    from nodes in SomeNodes
                    from shuffledNodes in Gen.Shuffle(nodes)
                    from shuffledRoles in Gen.Shuffle(roles)
                    from wish in Limit
                    select (Roles: roles, Nodes: nodes, ShuffledNodes: shuffledNodes, ShuffledRoles: shuffledRoles, RequestedTtl: wish);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var question = new IssuanceQuestion(
                Sample.Now, Sample.User("alice", [.. one.Roles.Select(role => role.Name)]), [], Sample.Roles(one.Roles), one.Nodes, one.RequestedTtl, 0, SiteLimits.Default)
            { Locks = LocksInForce.None };
            return Answer(question) == Answer(question)
                && Answer(question) == Answer(question with { Nodes = one.ShuffledNodes, Roles = Sample.Roles(one.ShuffledRoles) });
        }).Check(Often);

        static string Answer(IssuanceQuestion question) => Sample.Decide(question).Holds(out var grant, out var refusal)
            ? $"{grant.KeyId} {string.Join(' ', grant.Principals)} {string.Join(' ', grant.Roles)} {grant.Validity} {grant.Permissions}"
            : refusal.ToString();
    }

    /// <summary>The old way asked about every node that exists. It decides the same, and only words differ when everything is gone.</summary>
    [Fact]
    public void Withdrawal_depends_only_on_the_nodes_it_names()
    {
        var kept = 0;
        var gone = 0;
        var cases = from before in SomeQuestion
                    from after in SomeQuestion
                    from same in Gen.Elements(0, 1, 2, 3)
                    select (Before: before, After: same switch
                    {
                        0 => before with { Nodes = after.Nodes },
                        1 => before with { Locks = after.Locks },
                        2 => before with { Roles = after.Roles, User = after.User },
                        _ => after,
                    });
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            if (!IssuancePolicy.Decide(one.Before).Holds(out var login, out _))
                return true;
            return login.Grants.All(grant =>
            {
                var issued = new IssuedCertificate(
                    Sample.AliceAtHerDesk, Sample.Now, grant.Validity.Before, [.. grant.Principals.Select(principal => principal.ToString())], grant.Permissions);
                var used = one.After.Requests.Where(request => grant.Requests.Contains(request.Id)).ToImmutableArray();
                var reason = Withdrawal.Reason(issued, one.After.User, used, one.After.Roles, Sample.Nodes([.. one.After.Nodes]), one.After.Locks, SiteLimits.Default);
                kept += reason is null ? 1 : 0;
                gone += reason is null ? 0 : 1;
                return reason is null == OldReason(issued, one.After with { Requests = used }) is null;
            });
        }).Check(Often);
        Assert.True(kept > 50 && gone > 50, $"{kept} kept, {gone} gone");

        static string? OldReason(IssuedCertificate issued, IssuanceQuestion question)
        {
            if (Allowed(question with { IsSecurityKey = true }) is not { } granted)
                return "refused";
            foreach (var principal in issued.Principals.Select(Principals.Parse))
            {
                var opening = granted.Where(grant => grant.Principals.Any(one => one == principal || (one.Node is null && one.Login == principal.Login))).ToList();
                if (opening.TrueForAll(grant => grant.Permissions.Exceeded(issued.Permissions) is not null || issued.ValidBefore > grant.Validity.Before))
                    return "gone";
            }
            return null;
        }

        // Everything that the roles allow, even if it does not fit into a certificate, is known inside Access only.
        static ImmutableArray<IssuanceGrant>? Allowed(IssuanceQuestion question)
        {
            var outcome = typeof(IssuancePolicy).GetMethod("Allow", BindingFlags.NonPublic | BindingFlags.Static)!.Invoke(null, [question])!;
            object?[] answer = [null, null];
            return (bool)outcome.GetType().GetMethod("Holds")!.Invoke(outcome, answer)!
                ? (ImmutableArray<IssuanceGrant>)answer[0]!.GetType().GetProperty("Grants")!.GetValue(answer[0])!
                : null;
        }
    }

    [Fact]
    public void Login_for_a_node_depends_on_no_other_node()
    {
        var granted = 0;
        Prop.ForAll(SomeQuestion.ToArbitrary(), question => question.Nodes.Select(node => node.Name).Append("n9").All(name =>
        {
            var all = IssuancePolicy.Decide(question with { Node = name });
            var alone = IssuancePolicy.Decide(question with { Node = name, Nodes = [.. question.Nodes.Where(node => node.Name == name)] });
            if (!all.Holds(out var expected, out _))
                return !alone.Holds(out _, out _);
            granted++;
            return alone.Holds(out var actual, out _) && Lines(actual) == Lines(expected);
        })).Check(Often);
        Assert.True(granted > 50, $"{granted} granted");

        static string Lines(LoginGrant login) => string.Join('\n',
            [.. login.Grants.Select(grant => $"{grant.Name} {grant.KeyId} {string.Join(' ', grant.Principals)} {string.Join(' ', grant.Roles)} {grant.Validity} {string.Join(' ', grant.Permissions.Conditions)} {grant.Permissions}"),
            .. login.Missing.Select(missing => missing.Message), $"{login.Ends} {login.LeftOut}"]);
    }

    // Roles with and without conditions, some of them by a request for roles or for nodes.
    private static readonly Gen<IssuanceQuestion> SomeQuestion =
        from assigned in SomeRoles
        from elevated in SomeRoles
        from commands in Gen.Elements(null, null, null, "/bin/true", "/bin/date").ArrayOf(8)
        from nodes in SomeNodes
        from locks in Gen.Frequency((2, Gen.Constant(LocksInForce.None)), (1, SomeLocks))
        from byNode in Gen.Elements(true, false)
        select Asked(
            [.. assigned.Select((role, n) => Forcing(role, commands[n]))], [.. elevated.Select((role, n) => Forcing(role with { Name = $"e{n}" }, commands[4 + n]))],
            nodes, locks, byNode);

    private static readonly Guid AliceId = Guid.NewGuid();

    private static readonly Guid RequestId = Guid.NewGuid();

    private static Role Forcing(Role role, string? command) => role with { Id = Known(role.Name), Options = role.Options with { ForceCommand = command } };

    // The same name is the same role or node before and after a change.
    private static Guid Known(string name) => new([.. System.Text.Encoding.UTF8.GetBytes(name.PadRight(16))]);

    private static IssuanceQuestion Asked(Role[] assigned, Role[] elevated, Node[] nodes, LocksInForce locks, bool byNode)
    {
        var user = Sample.User("alice", [.. assigned.Select(role => role.Name), "asking"]) with { Id = AliceId };
        var asking = Sample.Role("asking", mayRequest: ["*"]) is var role ? role with { Allow = role.Allow with { SearchAsRoles = role.Allow.RequestRoles } } : role;
        nodes = [.. nodes.Select(node => node with { Id = Known(node.Name) })];
        ImmutableArray<AccessRequest> requests = elevated.Length == 0
            ? []
            : [
                Sample.Request(user, RequestState.Approved, elevated) with
                {
                    Id = RequestId, Resources = byNode ? [.. nodes.Take(2).Select(node => new PinnedNode(node.Id, node.Name))] : [],
                }];
        return new IssuanceQuestion(Sample.Now, user, requests, Sample.Roles([.. assigned, .. elevated, asking]), nodes, null, 0, SiteLimits.Default) { Locks = locks };
    }

    private static Gen<T[]> Sized<T>(Gen<T> one, int most) => Gen.Choose(0, most).SelectMany(count => one.ArrayOf(count));
}
