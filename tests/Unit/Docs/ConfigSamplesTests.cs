using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Configuration;
using CertAuthority.Resources;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>What lies in config/ is taken by the daemon as it is.</summary>
public class ConfigSamplesTests
{
    private static readonly string Config = Path.Combine(Document.Root, "config");

    private static readonly string Team = Path.Combine(Config, "roles", "team-of-sixty.yaml");

    [Fact]
    public void Sample_configuration_has_no_fault_and_shows_the_defaults()
    {
        // Something else than the defaults, so that what the sample leaves out is seen.
        var none = new SiteLimits(TimeSpan.Zero, SiteLimits.Default.PendingRequest, 0, 0, 0) { RequestsPerMinute = 0, RequestsPerDay = 0 };
        var settings = ConfigurationFile.Read(Path.Combine(Config, "certauthority.yaml"), Settings.Default() with { Limits = none });
        Assert.Equal(("/var/lib/certauthority", SiteLimits.Default), (settings.DataDirectory, settings.Limits));
    }

    [Fact]
    public void Every_sample_resource_has_no_fault_and_is_named_as_its_file()
    {
        var files = Directory.GetFiles(Path.Combine(Config, "roles")).Concat(Directory.GetFiles(Path.Combine(Config, "users"))).Where(file => file != Team).ToList();
        Assert.NotEmpty(files);
        foreach (var file in files)
            Assert.Equal(Path.GetFileNameWithoutExtension(file), Read(file) is Role role ? role.Name : ((User)Read(file)).Name);
    }

    // Who, by assigned roles; what is asked for and approved; and what opens then.
    [Theory]
    [InlineData("developer", "", "alice@db-staging alice@web-dev")]
    [InlineData("developer", "prod-read", "alice@db-staging alice@web-dev logreader@db-prod logreader@orders-prod logreader@web-prod")]
    [InlineData("developer", "prod-deploy", "alice@db-staging alice@web-dev deploy@web-prod")]
    [InlineData("developer on-call", "prod-root", "alice@db-staging alice@web-dev root@db-prod root@orders-prod root@web-prod")]
    [InlineData("dba-team", "", "alice@db-staging")]
    [InlineData("dba-team", "db-postgres", "alice@db-staging postgres@db-prod postgres@db-staging postgres@orders-prod")]
    [InlineData("dba-team", "db-restore-orders", "alice@db-staging postgres@orders-prod")]
    [InlineData("contractor-web", "", "c-alice@web-dev")]
    [InlineData("contractor-web developer", "prod-read", "alice@db-staging alice@web-dev c-alice@web-dev")]
    [InlineData("auditor", "prod-read", "logreader@db-prod logreader@orders-prod logreader@web-prod")]
    public void The_team_of_sixty_reaches_what_its_file_says(string assigned, string requested, string principals)
    {
        var roles = ReadAll(Team, File.ReadAllBytes(Team)).Cast<Role>().Select(role => role with { Id = Guid.NewGuid(), Revision = 1 }).ToDictionary(role => role.Name);
        Node[] nodes =
        [
            Access.Sample.Node("web-dev", "env=dev", "type=web", "team=web"), Access.Sample.Node("db-staging", "env=staging", "type=db", "team=shop"),
            Access.Sample.Node("web-prod", "env=prod", "type=web", "team=web"), Access.Sample.Node("db-prod", "env=prod", "type=db", "team=shop"),
            Access.Sample.Node("orders-prod", "env=prod", "type=db", "team=orders"),
        ];
        var alice = Access.Sample.User("alice", assigned.Split(' ')) with
        {
            Traits = new Dictionary<string, ImmutableArray<string>> { ["logins"] = ["alice"], ["email"] = ["alice@example.com"] }.ToImmutableSortedDictionary(StringComparer.Ordinal),
        };
        ImmutableArray<AccessRequest> requests = requested.Length == 0 ? [] : [Access.Sample.Request(alice, RequestState.Approved, roles[requested])];
        var question = new IssuanceQuestion(Access.Sample.Now, alice, requests, roles, nodes, RequestedTtl: null, LiveSessions: 0, SiteLimits.Default) { Locks = LocksInForce.None, IsSecurityKey = true };
        Assert.True(IssuancePolicy.Decide(question).Holds(out var login, out var refusal), refusal?.Message);
        Assert.Equal(principals, string.Join(' ', login.Grants.SelectMany(grant => grant.Principals).Select(principal => principal.ToString()).Distinct().Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Team_of_sixty_requests_known_roles_and_holds_no_production()
    {
        var roles = ReadAll(Team, File.ReadAllBytes(Team)).Cast<Role>().ToList();
        foreach (var pattern in roles.SelectMany(role => role.Allow.RequestRoles))
            Assert.Contains(roles, role => pattern.Matches(role.Name));
        var requestable = roles.SelectMany(role => role.Allow.RequestRoles).ToList();
        foreach (var everyday in roles.Where(role => !requestable.Exists(pattern => pattern.Matches(role.Name))))
            Assert.False(everyday.Allow.NodeLabels.Matches(Access.Sample.Labels("env=prod", "type=db", "team=web")), everyday.Name);
    }

    [Fact]
    public void Every_role_of_a_sample_user_is_a_sample()
    {
        var roles = Directory.GetFiles(Path.Combine(Config, "roles")).Select(Path.GetFileNameWithoutExtension);
        foreach (var file in Directory.GetFiles(Path.Combine(Config, "users")))
            Assert.Empty(((User)Read(file)).Roles.Except(roles));
    }

    [Fact]
    public void Roles_in_the_README_match_the_samples()
    {
        var typed = Regex.Match(Document.Read("README.md").Text, "<<'EOF'\n(?<file>.*?)^EOF$", RegexOptions.Multiline | RegexOptions.Singleline).Groups["file"].Value;
        var roles = ReadAll("README.md", Encoding.UTF8.GetBytes(typed)).OfType<Role>().ToList();
        Assert.NotEmpty(roles);
        foreach (var role in roles)
            Assert.Equal(RoleResource.Write((Role)Read(Path.Combine(Config, "roles", $"{role.Name}.yaml"))).ToJsonString(), RoleResource.Write(role).ToJsonString());
    }

    [Fact]
    public void Drop_in_is_the_one_that_the_page_explains()
    {
        var dropIn = File.ReadLines(Path.Combine(Config, "sshd_config.d", "00-certauthority.conf")).Where(line => line.Length > 0 && line[0] != '#');
        var block = Document.Read("docs/hosts.md").Blocks.First(block => block.Info == "sshd_config");
        Assert.Equal(block.Content, string.Concat(dropIn.Select(line => line + "\n")));
        // Each directive stands in the table of reasons too.
        foreach (var line in dropIn)
            Assert.Matches(new Regex($"^\\| `{line.Split(' ')[0]}( none)?` \\|", RegexOptions.Multiline), Document.Read("docs/hosts.md").Text);
    }

    private static object Read(string file) => Assert.Single(ReadAll(file, File.ReadAllBytes(file)));

    private static List<object> ReadAll(string name, byte[] content)
    {
        var faults = new Faults(name);
        var resources = new List<object>();
        foreach (var document in ResourceText.Parse(content, faults))
        {
            var root = FieldReader.Root(document, faults)!;
            var kind = root.Required("kind");
            var version = root.Required("version");
            resources.Add(kind switch
            {
                "role" => RoleResource.Read(version, root),
                "user" => UserResource.Read(version, root),
                _ => NodeResource.Read(version, root),
            });
        }
        Assert.Empty(faults.Lines);
        return resources;
    }
}
