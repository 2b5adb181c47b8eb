using CertAuthority.Access;
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
    public void Forced_command_binds_the_logins_of_its_role_only() => Assert.Equal(
        ["everyday: deploy", "everyday-restore: backup, runs only /usr/bin/restore"], Shown([Everyday, Restore]));

    [Fact]
    public void Elevated_login_keeps_the_everyday_certificate_beside_it()
    {
        var request = Sample.Request(Sample.User("alice", "access"), RequestState.Approved, Dba, Restore);
        Assert.Equal(
            ["elevated: deploy postgres", "elevated-restore: backup, runs only /usr/bin/restore", "everyday: deploy"],
            Shown([Everyday], [request]));
        var grants = Decide([Everyday], [request]).Granted().Grants;
        Assert.Equal([false, false, true], grants.Select(grant => grant.Permissions.PortForwarding));
        Assert.Equal([1, 1, 0], grants.Select(grant => grant.Requests.Length));
        Assert.Equal(["the site's maximum"], grants.Where(grant => grant.Requests.IsEmpty).Select(grant => grant.Validity.LimitedBy));
    }

    [Fact]
    public void Each_certificate_draws_on_the_requests_whose_logins_it_holds()
    {
        var alice = Sample.User("alice", "access");
        var (dba, restore) = (Sample.Request(alice, RequestState.Approved, Dba), Sample.Request(alice, RequestState.Approved, Restore));
        Assert.Equal(
            [$"alice:{dba.Id}", $"alice:{restore.Id}", "alice"], Decide([Everyday], [dba, restore]).Granted().Grants.Select(grant => grant.KeyId));
    }

    [Fact]
    public void Without_a_security_key_only_what_needs_one_is_missing()
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
            "role office and the other roles in use have no source address in common",
            Decide([Office, Sample.Role("home", ["deploy"], LabelSelector.All) with { Options = new RoleOptions { SourceAddresses = [Range("192.0.2.1")] } }]).Refused().Message);
    }

    [Fact]
    public void Denial_counts_in_every_certificate() => Assert.Equal(
        ["everyday: deploy"], Shown([Everyday, Restore, Sample.Role("deny", denyLogins: ["backup"])]));

    [Fact]
    public void Role_that_comes_to_force_a_command_takes_its_free_certificate_back()
    {
        var alice = Sample.User("alice", "access", "restore");
        var free = Restore with { Options = new RoleOptions() };
        var issued = new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, Sample.Now.AddMinutes(10), ["backup"], SessionPermissions.Plain);
        Assert.Null(Withdrawal.Reason(issued, alice, [], Sample.Roles(Everyday, free), [], LocksInForce.None, SiteLimits.Default));
        Assert.Equal("another command is forced now", Withdrawal.Reason(issued, alice, [], Sample.Roles(Everyday, Restore), [], LocksInForce.None, SiteLimits.Default));
        // The other way round it only has more in writing than it needs.
        var forced = issued with { Permissions = SessionPermissions.Plain with { ForceCommand = "/usr/bin/restore" } };
        Assert.Null(Withdrawal.Reason(forced, alice, [], Sample.Roles(Everyday, free), [], LocksInForce.None, SiteLimits.Default));
        Assert.Null(Withdrawal.Reason(forced, alice, [], Sample.Roles(Everyday, Restore), [], LocksInForce.None, SiteLimits.Default));
    }

    [Fact]
    public void No_pair_carries_less_than_every_role_demands_nor_what_only_others_do()
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
                    && one.Options.ForceCommand == grant.Permissions.ForceCommand && one.Options.VerifyRequired == grant.Permissions.VerifyRequired
                    && one.Options.SourceAddresses.SequenceEqual(grant.Permissions.SourceAddresses ?? [])))))
                && some.All(one => nodes.All(node => one.Allow.Logins.All(pattern => !Grants(one, pattern.Text, node) || grants.Any(grant =>
                    grant.Permissions.ForceCommand == one.Options.ForceCommand && grant.Principals.Any(principal => principal.Login == pattern.Text && (principal.Node is null || principal.Node == node.Name))))))
                // What issued them does not take them back.
                && grants.All(grant => Withdrawal.Reason(
                    new IssuedCertificate(Sample.AliceAtHerDesk, Sample.Now, grant.Validity.Before, [.. grant.Principals.Select(principal => principal.ToString())], grant.Permissions),
                    alice, [], question.Roles, nodes, LocksInForce.None, SiteLimits.Default) is null);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

        static bool Grants(Role role, string login, Node node) => role.Allow.Logins.Any(one => one.Text == login) && role.Allow.NodeLabels.Matches(node.Labels);
    }

    private static Outcome<LoginGrant> Decide(Role[] assigned, AccessRequest[]? requests = null, bool isSecurityKey = false) => IssuancePolicy.Decide(
        new IssuanceQuestion(
            Sample.Now, Sample.User("alice", [.. assigned.Select(role => role.Name)]), [.. requests ?? []], Sample.Roles([.. assigned.Concat([Dba, Restore]).DistinctBy(role => role.Name)]), [], null, 0, SiteLimits.Default)
        {
            Locks = LocksInForce.None, IsSecurityKey = isSecurityKey,
        });

    private static string[] Shown(Role[] assigned, AccessRequest[]? requests = null, bool isSecurityKey = false) =>
    [
        .. Decide(assigned, requests, isSecurityKey).Granted().Grants
            .Select(grant => $"{grant.Name}: {string.Join(' ', grant.Principals)}{(grant.Permissions.InWords is { } conditions ? $", {conditions}" : "")}"),
    ];

    private static AddressRange Range(string text) => AddressRange.TryParse(text, out var range) ? range : throw new FormatException(text);
}
