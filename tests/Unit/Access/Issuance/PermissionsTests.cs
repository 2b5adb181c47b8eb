using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What a session may do under several roles, and under which conditions.</summary>
public class PermissionsTests
{
    private static readonly Role Plain = Sample.Role("plain", ["alice"], LabelSelector.All);

    [Theory]
    [InlineData("", "", "")]
    [InlineData("agent", "", "agent")]
    [InlineData("agent", "port", "port")]
    [InlineData("agent port x11", "plain", "")]
    [InlineData("", "agent x11", "agent x11")]
    public void Only_an_elevated_role_permits_forwarding_when_elevated(string assigned, string elevated, string permitted) =>
        Assert.Equal(permitted, Shown(Decide([Permitting(assigned)], elevated.Length == 0 ? [] : [Permitting(elevated)]).Granted()));

    [Fact]
    public void One_forced_command_applies_to_every_role_in_use()
    {
        var forced = Plain with { Name = "forced", Options = new RoleOptions { ForceCommand = "/usr/bin/id" } };
        Assert.Equal("/usr/bin/id", Command(Decide([Plain, forced], [])));
        Assert.Equal("/usr/bin/id", Command(Decide([forced], [Plain])));
        Assert.Equal("/usr/bin/id", Command(Decide([forced, forced with { Name = "again" }], [])));
        Assert.Equal(
            "role forced and role other force different commands",
            Decide([forced], [forced with { Name = "other", Options = new RoleOptions { ForceCommand = "/usr/bin/true" } }]).Refused().Message);
    }

    // 1,024 characters of three bytes each: with them a certificate has room for fewer principals, not for a length that the lint then refuses.
    [Fact]
    public void Forced_command_leaves_fewer_bytes_for_principals()
    {
        Principal[] principals = [.. Enumerable.Range(0, 100).Select(i => Principals.Resolve(Sample.InUse(Sample.Role("r", [$"login-of-some-length-{i:000}"], LabelSelector.All)), [], LocksInForce.None)[0])];
        Assert.True((SessionPermissions.Plain with { Conditions = SessionConditions.None.With(SessionCondition.ForceCommand, new string('x', 1024)) }).FitBeside(principals));
        Assert.False((SessionPermissions.Plain with { Conditions = SessionConditions.None.With(SessionCondition.ForceCommand, new string('€', 1024)) }).FitBeside(principals));
    }

    [Fact]
    public void Source_addresses_are_what_all_roles_have_in_common()
    {
        var office = From("office", "10.0.0.0/8", "2001:db8::/32");
        Assert.Empty(Decide([Plain], []).Granted().Conditions);
        Assert.Equal(["10.0.0.0/8", "2001:db8::/32"], Sources(Decide([Plain, office], [])));
        Assert.Equal(["10.1.0.0/16"], Sources(Decide([office], [From("site", "10.1.0.0/16", "192.0.2.1")])));
        Assert.Equal("role home and the other roles in use have no source address in common", Decide([office], [From("home", "203.0.113.0/24")]).Refused().Message);
        // Nothing in common is not the same as nowhere asked: it must never come out as "from anywhere".
        Assert.False(Decide([From("a", "10.0.0.1"), From("b", "10.0.0.2"), Plain], []).Outcome.Holds(out _, out _));
    }

    [Fact]
    public void Required_verification_certifies_only_security_keys()
    {
        var strict = Plain with { Name = "strict", Options = new RoleOptions { VerifyRequired = true } };
        Assert.Equal("verify-required", Assert.Single(Decide([Plain], [strict], isSecurityKey: true).Granted().Conditions).Key);
        Assert.Empty(Decide([Plain], [], isSecurityKey: true).Granted().Conditions);
        Assert.Equal("role strict certifies only security keys (verify_required)", Decide([Plain, strict], []).Refused().Message);
        Assert.Equal("role strict certifies only security keys (verify_required)", Decide([Plain], [strict]).Refused().Message);
    }

    [Fact]
    public void Extensions_of_all_roles_combine_and_cannot_conflict()
    {
        var github = Extending("github", "login@github.com", "alice");
        Assert.Equal(["login@github.com=alice", "team@example.com=db"], Extensions(Decide([github], [Extending("team", "team@example.com", "db")])));
        Assert.Equal(["login@github.com=alice"], Extensions(Decide([github], [Extending("same", "login@github.com", "alice")])));
        Assert.Equal("the roles in use have different values for the extension login@github.com", Decide([github], [Extending("other", "login@github.com", "bob")]).Refused().Message);
    }

    [Theory]
    [InlineData("{{external.github}}", "alice-gh", null)]
    [InlineData("{{external.missing}}", null, "no value for the trait missing")]
    [InlineData("{{external.both}}", null, "the trait both has several values")]
    [InlineData("{{external.line}}", null, "the value of the trait line is not printable ASCII of at most 256 characters")]
    public void Extension_without_exactly_one_plain_value_is_omitted(string template, string? value, string? why)
    {
        var use = RoleInUse.FillIn(Extending("x", "login@github.com", template), Alice).Granted();
        Assert.Equal(value, use.Extensions.GetValueOrDefault("login@github.com"));
        Assert.Equal(why is null ? [] : [$"role x gives no extension login@github.com by \"{template}\" to alice: {why}"], Said(use));
    }

    [Theory]
    [InlineData("{{internal.logins}}", "alice deploy", null)]
    [InlineData("{{internal.missing}}", "", "no value for the trait missing")]
    [InlineData("{{email.local(external.github)}}", "", "no value of the trait github fits")]
    [InlineData("{{external.two}}", "", "\"root,admin\" is not a login")]
    [InlineData("{{external.mixed}}", "alice", "\"o'brien\" is not a login")]
    [InlineData("{{external.star}}", "", "\"*\" is not a login")]
    [InlineData("certauthority-sync", "", "\"certauthority-sync\" is the daemon's own, which no role grants")]
    [InlineData("{{external.at}}", "", "\"root@db1@web1\" is not a login")]
    public void Trait_that_is_not_a_login_grants_nothing_with_a_reason(string template, string logins, string? why)
    {
        var use = RoleInUse.FillIn(Sample.Role("x", [template], LabelSelector.All), Alice).Granted();
        Assert.Equal(logins, string.Join(' ', use.Logins));
        Assert.Equal(why is null ? [] : [$"role x grants nothing by \"{template}\" to alice: {why}"], Said(use));
    }

    [Fact]
    public void Missing_trait_in_one_role_keeps_the_logins_of_other_roles()
    {
        var (gap, other) = (Sample.Role("gap", ["{{external.missing}}"], LabelSelector.All), Sample.Role("other", ["deploy"], LabelSelector.All));
        IssuanceQuestion Asking(params Role[] roles) =>
            new(Sample.Now, Alice with { Roles = [.. roles.Select(role => role.Name)] }, [], Sample.Roles(roles), [], null, 0, SiteLimits.Default) { Locks = LocksInForce.None };
        Assert.Equal("deploy", Assert.Single(Sample.Decide(Asking(gap, other)).Granted().Principals).ToString());
        var refused = IssuancePolicy.Decide(Asking(gap)).Refused();
        Assert.Equal("no login is granted to user \"alice\" by the roles in use: gap; role gap grants nothing by \"{{external.missing}}\" to alice: no value for the trait missing", refused.Message);
        Assert.Equal(new Remedy.SetTraits("alice"), refused.Remedy);
        var denies = Sample.Role("denies", denyLogins: ["{{external.missing}}"]);
        Assert.StartsWith("role denies denies \"{{external.missing}}\" and so refuses every login of alice", IssuancePolicy.Decide(Asking(other, denies)).Refused().Message, StringComparison.Ordinal);
    }

    // Left out, a deny that stands for nothing would let somebody in; a star from a trait is no deny of everything but a mistake.
    [Theory]
    [InlineData("{{external.missing}}")]
    [InlineData("{{external.two}}")]
    [InlineData("{{external.star}}")]
    public void Deny_template_without_a_value_refuses_the_login(string template) =>
        Assert.StartsWith($"role x denies \"{template}\"", RoleInUse.FillIn(Sample.Role("x", ["alice"], LabelSelector.All, denyLogins: [template]), Alice).Refused().Message, StringComparison.Ordinal);

    [Fact]
    public void Expired_role_grants_nothing_but_still_denies()
    {
        var role = Sample.Role("x", ["alice", "root"], LabelSelector.All, denyLogins: ["postgres"]) with
        {
            Expires = Sample.Now,
            Options = new RoleOptions { ForwardAgent = true, ForceCommand = "/usr/bin/id", MaxSessionTtl = TimeSpan.FromHours(1) },
        };
        Assert.Same(role, role.At(Sample.Now.AddSeconds(-1)));
        var over = role.At(Sample.Now);
        Assert.Empty(over.Allow.Logins);
        Assert.True(over.Allow.NodeLabels.IsNone);
        Assert.False(over.Options.ForwardAgent);
        Assert.Equal(("postgres", "/usr/bin/id", TimeSpan.FromHours(1)), (Assert.Single(over.Deny.Logins).Text, over.Options.ForceCommand, over.Options.MaxSessionTtl));
    }

    public static readonly TheoryData<string, string?> Changes = new()
    {
        { "nothing", null },
        { "more is permitted", null },
        { "a wider range", null },
        { "no forwarding any more", "a forwarding is not granted any more" },
        { "a command is forced", "another command is forced now" },
        { "a narrower range", "it may not be used from everywhere any more" },
        { "verification is required", "the security key must verify its user now" },
        { "an extension is gone", "the extension a@b is not granted any more" },
        { "an extension has another value", "the extension a@b is not granted any more" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Issued_permissions_are_covered_until_they_exceed_the_policy(string change, string? reason)
    {
        var issued = SessionPermissions.Plain with { AgentForwarding = true, Conditions = Only(SessionCondition.SourceAddress, "10.1.0.0/16"), Extensions = SessionPermissions.Plain.Extensions.Add("a@b", "1") };
        var now = issued;
        Assert.Equal(reason, (change switch
        {
            "nothing" => now,
            "more is permitted" => now with { PortForwarding = true, Extensions = now.Extensions.Add("c@d", "") },
            "a wider range" => now with { Conditions = Only(SessionCondition.SourceAddress, "192.0.2.1,10.0.0.0/8") },
            "no forwarding any more" => now with { AgentForwarding = false },
            "a command is forced" => now with { Conditions = now.Conditions.With(SessionCondition.ForceCommand, "/usr/bin/id") },
            "a narrower range" => now with { Conditions = Only(SessionCondition.SourceAddress, "10.1.0.0/24") },
            "verification is required" => now with { Conditions = now.Conditions.With(SessionCondition.VerifyRequired, "") },
            "an extension is gone" => now with { Extensions = SessionPermissions.Plain.Extensions },
            _ => now with { Extensions = now.Extensions.SetItem("a@b", "2") },
        }).Exceeded(issued));
    }

    private static readonly User Alice = Sample.User("alice") with
    {
        Traits = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, new Dictionary<string, ImmutableArray<string>>
        {
            ["logins"] = ["alice", "deploy"],
            ["github"] = ["alice-gh"],
            ["both"] = ["a", "b"],
            ["line"] = ["a\nb"],
            ["two"] = ["root,admin"],
            ["star"] = ["*"],
            ["at"] = ["root@db1@web1"],
            ["mixed"] = ["alice", "o'brien"],
        }),
    };

    private static Decided<SessionPermissions> Decide(Role[] assigned, Role[] elevated, bool isSecurityKey = false) =>
        Permissions.Decide([.. assigned.Select(InUse)], [.. elevated.Select(InUse)], isSecurityKey);

    private static IEnumerable<string> Said(RoleInUse use) => use.Gaps.Select(gap => gap.Said(use.Role.Name, ["alice"]));

    private static RoleInUse InUse(Role role) => RoleInUse.FillIn(role, Alice).Granted();

    private static Role Permitting(string what) => Plain with
    {
        Name = $"permitting {what}",
        Options = new RoleOptions { ForwardAgent = what.Contains("agent"), PortForwarding = what.Contains("port"), X11Forwarding = what.Contains("x11") },
    };

    private static Role From(string name, params string[] ranges) => Plain with { Name = name, Options = new RoleOptions { SourceAddresses = [.. Ranges(ranges)] } };

    private static Role Extending(string name, string extension, string value) =>
        Plain with { Name = name, Options = new RoleOptions { Extensions = RoleOptions.None.Extensions.Add(extension, Sample.Logins(value)[0]) } };

    private static AddressRange[] Ranges(params string[] texts) => [.. texts.Select(text => AddressRange.TryParse(text, out var range) ? range : throw new FormatException(text))];

    private static ImmutableSortedDictionary<string, string> Only(SessionCondition condition, string value) => SessionConditions.None.With(condition, value);

    private static string? Command(Decided<SessionPermissions> decided) => decided.Granted().Conditions.GetValueOrDefault("force-command");

    private static string[] Sources(Decided<SessionPermissions> decided) => decided.Granted().Conditions["source-address"].Split(',');

    private static string[] Extensions(Decided<SessionPermissions> decided) => [.. decided.Granted().Extensions.Select(extension => $"{extension.Key}={extension.Value}")];

    private static string Shown(SessionPermissions permissions) =>
        string.Join(' ', new[] { ("agent", permissions.AgentForwarding), ("port", permissions.PortForwarding), ("x11", permissions.X11Forwarding) }.Where(one => one.Item2).Select(one => one.Item1));
}
