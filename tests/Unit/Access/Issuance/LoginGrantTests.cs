using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>Which certificates one login takes: conditions belong to the logins of their role.</summary>
public class LoginGrantTests
{
    private static readonly Role Everyday = Sample.Role("access", ["deploy"], LabelSelector.All, mayRequest: ["*"]) with { Options = new RoleOptions { PortForwarding = true } };
    private static readonly Role Dba = Sample.Role("dba", ["postgres"], LabelSelector.All, ttl: TimeSpan.FromHours(1));
    private static readonly Role Restore = Sample.Role("restore", ["backup"], LabelSelector.All, ttl: TimeSpan.FromMinutes(30)) with { Options = new RoleOptions { ForceCommand = "/usr/bin/restore", MaxSessionTtl = TimeSpan.FromMinutes(30) } };
    private static readonly Role Strict = Sample.Role("strict", ["root"], LabelSelector.All) with { Options = new RoleOptions { VerifyRequired = true } };
    private static readonly Role Office = Sample.Role("office") with { Options = new RoleOptions { SourceAddresses = [Range("10.0.0.0/8")] } };

    [Fact]
    public void Forced_command_binds_only_the_logins_of_its_role() => Assert.Equal(
        ["everyday: deploy", "everyday-restore: backup, runs only /usr/bin/restore"], Shown([Everyday, Restore]));

    [Fact]
    public void Elevated_login_keeps_the_everyday_certificate()
    {
        var request = Request(Dba, Restore);
        Assert.Equal(["elevated: deploy postgres", "elevated-restore: backup, runs only /usr/bin/restore", "everyday: deploy"], Shown([Everyday], [request]));
        var grants = Decide([Everyday], [request]).Granted().Grants;
        Assert.Equal([false, false, true], grants.Select(grant => grant.Permissions.PortForwarding));
        Assert.Equal([1, 1, 0], grants.Select(grant => grant.Requests.Length));
        Assert.Equal(["the site's maximum"], grants.Where(grant => grant.Requests.IsEmpty).Select(grant => grant.Validity.LimitedBy));
    }

    [Fact]
    public void Each_certificate_names_the_requests_behind_its_logins()
    {
        var (dba, restore) = (Request(Dba), Request(Restore));
        Assert.Equal([$"alice:{dba.Id}", $"alice:{restore.Id}", "alice"], Decide([Everyday], [dba, restore]).Granted().Grants.Select(grant => grant.KeyId));
    }

    [Fact]
    public void Node_request_narrows_only_the_elevated_certificate()
    {
        var (db1, web1) = (Sample.Node("db1"), Sample.Node("web1"));
        var (first, second) = (Request(Dba) with { Resources = [Pin(db1)] }, Request(Restore) with { Resources = [Pin(web1)] });
        var office = Sample.Role("office", ["anna"], LabelSelector.All) with { Options = Office.Options };
        Assert.Equal(
            ["elevated: deploy@db1 postgres@db1", "everyday: deploy", "everyday-office: anna, only from 10.0.0.0/8"],
            Shown([Everyday, office], [first], nodes: [db1, web1]));
        // The assigned roles in it are for the nodes of both requests, so it draws on both.
        var both = Decide([Everyday], [first, second], nodes: [db1, web1]).Granted().Grants;
        Assert.Equal(["deploy@db1 deploy@web1 postgres@db1", "backup@web1", "deploy"], both.Select(grant => string.Join(' ', grant.Principals)));
        Assert.Equal([2, 2, 0], both.Select(grant => grant.Requests.Length));
    }

    [Fact]
    public void Request_with_an_unmet_condition_fails_the_login()
    {
        Assert.Equal("role strict certifies only security keys (verify_required)", Decide([Everyday], [Request(Strict)]).Refused().Message);
        Assert.Equal("role strict certifies only security keys (verify_required)", Decide([Everyday], [Request(Dba), Request(Strict)]).Refused().Message);
        // What else the same request brings is not lost.
        var partly = Decide([Everyday], [Request(Dba, Strict)]).Granted();
        Assert.Equal(["elevated", "everyday"], partly.Grants.Select(grant => grant.Name));
        Assert.Equal(["role strict certifies only security keys (verify_required)"], partly.Missing.Select(missing => missing.Message));
    }

    [Fact]
    public void Request_that_opens_nothing_gives_a_warning()
    {
        var nowhere = Sample.Role("nowhere", ["backup"], Sample.Where("env=moon")) with { Options = Restore.Options };
        var request = Request(nowhere);
        var login = Decide([Everyday], [request], known: [nowhere]).Granted();
        Assert.Equal(["everyday"], login.Grants.Select(grant => grant.Name));
        Assert.Equal([$"request {request.Id} opens no login at present"], login.Missing.Select(missing => missing.Message));
    }

    [Fact]
    public void Without_a_security_key_only_logins_that_need_it_are_missing()
    {
        var login = Decide([Everyday, Strict]).Granted();
        Assert.Equal(["deploy"], login.Grants.SelectMany(grant => grant.Principals).Select(principal => principal.ToString()));
        Assert.Equal(["role strict certifies only security keys (verify_required)"], login.Missing.Select(missing => missing.Message));
        Assert.Equal(["everyday: deploy", "everyday-strict: root, only with a verified security key"], Shown([Everyday, Strict], isSecurityKey: true));
        Assert.Equal("role strict certifies only security keys (verify_required)", Decide([Strict]).Refused().Message);
    }

    [Fact]
    public void Condition_of_a_role_without_logins_binds_every_login()
    {
        Assert.Equal(
            ["everyday: deploy, only from 10.0.0.0/8", "everyday-restore: backup, runs only /usr/bin/restore, only from 10.0.0.0/8"], Shown([Everyday, Restore, Office]));
        Assert.Equal(
            "role home and the other roles in use have no source address in common",
            Decide([Office, Sample.Role("home", ["deploy"], LabelSelector.All) with { Options = new RoleOptions { SourceAddresses = [Range("192.0.2.1")] } }]).Refused().Message);
    }

    [Fact]
    public void Deny_applies_to_every_certificate()
    {
        Assert.Equal(["everyday: deploy"], Shown([Everyday, Restore, Sample.Role("deny", denyLogins: ["backup"])]));
        // Also where only a request brings it.
        var (noDeploy, noProd) = (Dba with { Deny = Dba.Deny with { Logins = Sample.Logins("deploy") } }, Dba with { Deny = Dba.Deny with { NodeLabels = Sample.Where("env=prod") } });
        Assert.Equal(["elevated: postgres"], Shown([Everyday], [Request(noDeploy)], known: [noDeploy]));
        Assert.Equal(
            ["elevated: deploy@web1 postgres@web1", "everyday: deploy@web1"],
            Shown([Everyday], [Request(noProd)], nodes: [Sample.Node("db1", "env=prod"), Sample.Node("web1")], known: [noProd]));
    }

    [Fact]
    public void New_forced_command_revokes_the_unrestricted_certificate()
    {
        var alice = Sample.User("alice", "access", "restore");
        var free = Restore with { Options = new RoleOptions() };
        var issued = new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, Sample.Now.AddMinutes(10), ["backup"], SessionPermissions.Plain);
        Assert.Null(Withdrawal.Reason(issued, alice, [], Sample.Roles(Everyday, free), Sample.Nodes(), LocksInForce.None, SiteLimits.Default));
        Assert.Equal("another command is forced now", Withdrawal.Reason(issued, alice, [], Sample.Roles(Everyday, Restore), Sample.Nodes(), LocksInForce.None, SiteLimits.Default));
        // The other way round it only has more in writing than it needs.
        var forced = issued with { Permissions = SessionPermissions.Plain with { Conditions = Restore.Options.Conditions } };
        Assert.Null(Withdrawal.Reason(forced, alice, [], Sample.Roles(Everyday, free), Sample.Nodes(), LocksInForce.None, SiteLimits.Default));
        Assert.Null(Withdrawal.Reason(forced, alice, [], Sample.Roles(Everyday, Restore), Sample.Nodes(), LocksInForce.None, SiteLimits.Default));
    }

    [Fact]
    public void Each_login_carries_the_conditions_of_a_role_that_grants_it()
    {
        var role =
            from logins in Gen.SubListOf("root", "postgres", "deploy")
            from command in Gen.Elements(null, null, "/usr/bin/id", "/usr/bin/true")
            from source in Gen.Elements("", "", "10.0.0.0/8", "192.0.2.1")
            from verified in Gen.Elements(false, false, true)
            from permits in Gen.Elements(false, true)
            from selector in Gen.Elements(LabelSelector.All, Sample.Where("env=prod"))
            where logins.Count > 0
            select Sample.Role("r", [.. logins], selector) with
            {
                Options = new RoleOptions { ForceCommand = command, SourceAddresses = source.Length == 0 ? [] : [Range(source)], VerifyRequired = verified, PortForwarding = permits },
            };
        var roles = Gen.Choose(1, 4).SelectMany(count => role.ArrayOf(count)).Select(some => some.Select((one, n) => one with { Name = $"r{n}" }).ToArray());
        Prop.ForAll(roles.ToArbitrary(), some =>
        {
            var nodes = new[] { Sample.Node("db1", "env=prod"), Sample.Node("web1", "env=test") };
            var alice = Sample.User("alice", [.. some.Select(one => one.Name)]);
            var question = new IssuanceQuestion(Sample.Now, alice, [], Sample.Roles(some), nodes, null, 0, SiteLimits.Default) { Locks = LocksInForce.None, IsSecurityKey = true };
            var grants = IssuancePolicy.Decide(question).Holds(out var login, out _) ? login.Grants : [];
            return grants.All(grant => grant.Principals.All(principal => nodes.Where(node => principal.Node is null || principal.Node == node.Name).All(node => some.Any(one =>
                    Grants(one, principal.Login, node)
                    && one.Options.Conditions.SequenceEqual(grant.Permissions.Conditions)))))
                && some.All(one => nodes.All(node => one.Allow.Logins.All(pattern => !Grants(one, pattern.Text, node) || grants.Any(grant =>
                    grant.Permissions.Conditions.GetValueOrDefault("force-command") == one.Options.ForceCommand && grant.Principals.Any(principal => principal.Login == pattern.Text && (principal.Node is null || principal.Node == node.Name))))))
                // What issued them does not take them back.
                && grants.All(grant => Withdrawal.Reason(
                    new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, grant.Validity.Before, [.. grant.Principals.Select(principal => principal.ToString())], grant.Permissions),
                    alice, [], question.Roles, Sample.Nodes(nodes), LocksInForce.None, SiteLimits.Default) is null);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

        static bool Grants(Role role, string login, Node node) => role.Allow.Logins.Any(one => one.Text == login) && role.Allow.NodeLabels.Matches(node.Labels);
    }

    [Fact]
    public void Rules_of_an_explanation_add_up_to_the_certificates()
    {
        Prop.ForAll(AnyLogin.ToArbitrary(), one =>
        {
            var (nodes, requests) = (SomeNodes, one.Requests);
            var question = Question(one.Assigned, requests, one.IsSecurityKey, nodes, [.. one.First, .. one.Second]);
            if (!IssuancePolicy.Decide(question).Holds(out var login, out _))
                return true;
            var explained = Explanation.Explain(question).Roles;
            return login.Grants.All(grant => AddsUp(grant, [.. explained.Where(role => grant.Roles.Any(own => own.Name == role.Name))], explained));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

        // Made of the rules alone, the way a reader of the explanation would.
        static bool AddsUp(IssuanceGrant grant, List<RoleAtWork> own, IEnumerable<RoleAtWork> all)
        {
            var rules = own.SelectMany(role => role.Rules).ToList();
            var denied = all.SelectMany(role => role.Rules).Where(rule => rule is { Effect: RuleEffect.Denies, Field: "deny.logins" }).Select(rule => rule.Entry).ToHashSet();
            var conditions = SessionCondition.All.ToDictionary(condition => condition.Name, condition => Entries(rules, $"options.{condition.Field}"));
            // A role of nobody else's is the only one that everybody's certificates are bound by.
            var assigned = all.Where(role => role.Request is null).SelectMany(role => Entries(role.Rules, "options.max_session_ttl"));
            var permitting = rules.Where(rule => rule.Field == "options.port_forwarding" && (rule.Effect == RuleEffect.Allows || grant.Requests.IsEmpty));
            return grant.Principals.All(principal => !denied.Contains(principal.Login)
                    && rules.Exists(rule => rule is { Effect: RuleEffect.Allows, Field: "allow.logins" } && rule.Entry == principal.Login))
                && grant.Permissions.PortForwarding == permitting.Any()
                && conditions.Where(condition => condition.Value.Count > 0).Select(condition => condition.Key).Order().SequenceEqual(grant.Permissions.Conditions.Keys.Order())
                && SessionCondition.All.All(condition => !grant.Permissions.Conditions.TryGetValue(condition.Name, out var value) || conditions[condition.Name].SequenceEqual([condition.Show(value)]))
                && assigned.Concat(Entries(rules, "options.max_session_ttl")).All(ttl => grant.Validity.Before <= Sample.Now + Duration(ttl))
                && (!grant.Validity.LimitedBy.StartsWith("role ", StringComparison.Ordinal)
                    || Entries(all.First(role => $"role {role.Name}" == grant.Validity.LimitedBy).Rules, "options.max_session_ttl").Any(ttl => grant.Validity.Before == Sample.Now + Duration(ttl)));
        }

        static List<string> Entries(IEnumerable<RuleAtWork> rules, string field) =>
            [.. rules.Where(rule => rule.Effect == RuleEffect.Limits && rule.Field == field).Select(rule => rule.Entry).Distinct()];

        static TimeSpan Duration(string text) => Durations.TryParse(text, out var duration) ? duration : throw new FormatException(text);
    }

    [Fact]
    public void Unchanged_policy_revokes_no_certificate_of_a_login()
    {
        Prop.ForAll(AnyLogin.ToArbitrary(), one =>
        {
            var (nodes, requests) = (SomeNodes, one.Requests);
            if (!Decide(one.Assigned, requests, one.IsSecurityKey, nodes, [.. one.First, .. one.Second]).Holds(out var login, out _))
                return true;
            var inUse = one.Assigned.Concat(one.Kind > 0 ? one.First : []).Concat(one.Kind > 1 ? one.Second : []).ToList();
            return login.Grants.DistinctBy(grant => grant.Name).Count() == login.Grants.Length
                && login.Grants.All(grant => !grant.Principals.IsEmpty
                    && grant.Principals.All(principal => !inUse.Exists(role => role.Deny.Logins.Any(denied => denied.Text == principal.Login)))
                    && (grant.Requests.IsEmpty == grant.Name.StartsWith("everyday", StringComparison.Ordinal))
                    && Withdrawal.Reason(
                        new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, grant.Validity.Before, [.. grant.Principals.Select(principal => principal.ToString())], grant.Permissions),
                        Alice([.. one.Assigned, Searching]), [.. requests.Where(request => grant.Requests.Contains(request.Id))],
                        Known([.. one.Assigned, .. one.First, .. one.Second]), Sample.Nodes(nodes), LocksInForce.None, SiteLimits.Default) is null);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    private static readonly Node[] SomeNodes = [Sample.Node("db1", "env=prod"), Sample.Node("web1", "env=test")];

    /// <summary>A login with up to two requests, in use.</summary>
    private sealed record LoginCase(Role[] Assigned, Role[] First, Role[] Second, int Kind, bool IsSecurityKey)
    {
        public AccessRequest[] Requests => Kind switch
        {
            0 => [],
            1 => [Request(First)],
            2 => [Request(First), Request(Second)],
            _ => [Request(First) with { Resources = [Pin(SomeNodes[0])] }, Request(Second) with { Resources = [Pin(SomeNodes[1])] }],
        };
    }

    private static Gen<LoginCase> AnyLogin
    {
        get
        {
            var roles = Gen.Choose(1, 3).SelectMany(count => AnyRole.ArrayOf(count));
            return from assigned in roles
                   from first in roles
                   from second in roles
                   from kind in Gen.Choose(0, 3)
                   from verified in Gen.Elements(true, false)
                   select new LoginCase(Named("a", assigned), Named("f", first), Named("s", second), kind, verified);

            static Role[] Named(string kind, Role[] some) => [.. some.Select((one, n) => one with { Id = Guid.NewGuid(), Name = $"{kind}{n}" })];
        }
    }

    private static PinnedNode Pin(Node node) => new(node.Id, node.Name);

    private static readonly Guid AliceId = Guid.NewGuid();

    private static readonly Role Searching = Sample.Role("searching", mayRequest: ["*"]) is var role ? role with { Allow = role.Allow with { SearchAsRoles = Sample.Patterns("*") } } : null!;

    private static Gen<Role> AnyRole =>
        from logins in Gen.SubListOf("root", "postgres", "deploy")
        from command in Gen.Elements(null, null, "/usr/bin/id", "/usr/bin/true")
        from source in Gen.Elements("", "", "10.0.0.0/8", "192.0.2.1")
        from verified in Gen.Elements(false, false, true)
        from permits in Gen.Elements(false, true)
        from selector in Gen.Elements(LabelSelector.All, Sample.Where("env=prod"))
        from denied in Gen.Elements("", "", "", "root", "deploy")
        from deniedOn in Gen.Elements(LabelSelector.None, LabelSelector.None, LabelSelector.None, Sample.Where("env=test"))
        from minutes in Gen.Elements(0, 0, 10, 60)
        select Sample.Role("r", [.. logins], selector, denyLogins: denied.Length == 0 ? [] : [denied], denyOn: deniedOn) with
        {
            Options = new RoleOptions { MaxSessionTtl = minutes == 0 ? null : TimeSpan.FromMinutes(minutes), ForceCommand = command, SourceAddresses = source.Length == 0 ? [] : [Range(source)], VerifyRequired = verified, PortForwarding = permits },
        };

    private static User Alice(Role[] assigned) => Sample.User("alice", [.. assigned.Select(role => role.Name)]) with { Id = AliceId };

    private static AccessRequest Request(params Role[] asked) => Sample.Request(Alice([]), RequestState.Approved, asked);

    /// <param name="assigned">What alice holds.</param>
    /// <param name="requests">What was approved for her.</param>
    /// <param name="isSecurityKey">Whether her key is one.</param>
    /// <param name="nodes">Every node.</param>
    /// <param name="known">Roles that requests grant, beside those of this class.</param>
    private static Outcome<LoginGrant> Decide(Role[] assigned, AccessRequest[]? requests = null, bool isSecurityKey = false, Node[]? nodes = null, Role[]? known = null) =>
        IssuancePolicy.Decide(Question(assigned, requests, isSecurityKey, nodes, known));

    private static IssuanceQuestion Question(Role[] assigned, AccessRequest[]? requests, bool isSecurityKey, Node[]? nodes, Role[]? known) =>
        new(Sample.Now, Alice([.. assigned, Searching]), [.. requests ?? []], Known([.. assigned, .. known ?? []]), nodes ?? [], null, 0, SiteLimits.Default)
        {
            Locks = LocksInForce.None,
            IsSecurityKey = isSecurityKey,
        };

    private static Dictionary<string, Role> Known(params Role[] roles) => Sample.Roles([.. roles.Concat([Searching, Dba, Restore, Strict]).DistinctBy(role => role.Name)]);

    private static string[] Shown(Role[] assigned, AccessRequest[]? requests = null, bool isSecurityKey = false, Node[]? nodes = null, Role[]? known = null) =>
    [
        .. Decide(assigned, requests, isSecurityKey, nodes, known).Granted().Grants
            .Select(grant => $"{grant.Name}: {string.Join(' ', grant.Principals)}{(grant.Permissions.InWords is { } conditions ? $", {conditions}" : "")}"),
    ];

    private static AddressRange Range(string text) => AddressRange.TryParse(text, out var range) ? range : throw new FormatException(text);
}
