using CertAuthority.Access;
using CertAuthority.Resources;

namespace CertAuthority.Tests.Unit.Resources;

public class RoleResourceTests
{
    private const string Head = "kind: role\nversion: v8\nmetadata: {name: dba}\n";

    [Fact]
    public void The_guides_role_is_read()
    {
        var role = Text.Role(
            """
            kind: role
            version: v8
            metadata:
              name: dba
              description: databases, tonight
              labels: {team: storage}
            spec:
              options:
                max_session_ttl: 1h
              allow:
                logins: [postgres, barman, postgres]
                node_labels:
                  env: [prod, staging]
                  type: ^db-.*$
                request:
                  roles: [dba-*]
              deny:
                logins: root
                node_labels: {env: moon}
                request:
                  roles: ['dba-root']
            """);
        Assert.Equal(("dba", "v8", "databases, tonight", TimeSpan.FromHours(1)), (role.Name, role.Version, role.Description, role.MaxSessionTtl));
        Assert.Equal("storage", role.Labels["team"]);
        Assert.Equal("postgres barman", string.Join(' ', role.Allow.Logins));
        Assert.Equal("root", string.Join(' ', role.Deny.Logins));
        Assert.Equal("env=prod,staging type=^db-.*$", Show(role.Allow.NodeLabels));
        Assert.Equal("env=moon", Show(role.Deny.NodeLabels));
        Assert.Equal("dba-*", string.Join(' ', role.Allow.RequestRoles));
        Assert.Equal("dba-root", string.Join(' ', role.Deny.RequestRoles));
    }

    [Theory]
    [InlineData("v3", "allow: {logins: [postgres]}", true)]
    [InlineData("v3", "allow: {request: {roles: [dba]}}", false)]
    [InlineData("v3", "deny: {logins: [postgres]}", false)]
    [InlineData("v4", "allow: {logins: [postgres]}", false)]
    [InlineData("v5", "allow: {logins: [postgres]}", false)]
    [InlineData("v8", "allow: {logins: [postgres]}", false)]
    public void Only_v3_with_logins_and_without_labels_means_all_hosts(string version, string spec, bool all)
    {
        var role = Text.Role($"kind: role\nversion: {version}\nmetadata: {{name: dba}}\nspec: {{{spec}}}\n");
        Assert.Equal(all, role.Allow.NodeLabels.IsAll);
        Assert.Equal(!all, role.Allow.NodeLabels.IsNone);
        Assert.True(role.Deny.NodeLabels.IsNone);
    }

    [Fact]
    public void Labels_that_are_given_hold_for_v3_too() =>
        Assert.Equal("env=prod", Show(Text.Role("kind: role\nversion: v3\nmetadata: {name: dba}\nspec: {allow: {logins: [a], node_labels: {env: prod}}}\n").Allow.NodeLabels));

    [Theory]
    [InlineData("max_session_ttl: 1h", 3600)]
    [InlineData("max_session_ttl: 30h0m0s", 108000)]
    [InlineData("max_session_ttl: 0", null)]
    [InlineData("max_session_ttl: 0s", null)]
    [InlineData("max_session_ttl: ", null)]
    [InlineData("", null)]
    public void A_session_lasts_as_long_as_the_role_says(string option, int? seconds) =>
        Assert.Equal(seconds, (int?)Text.Role($"{Head}spec:\n  options:\n    {option}\n").MaxSessionTtl?.TotalSeconds);

    [Theory]
    [InlineData("1")]
    [InlineData("1.5h")]
    [InlineData("-1h")]
    [InlineData("forever")]
    [InlineData("''")]
    public void What_is_no_duration_is_refused(string text) =>
        Assert.Equal(
            ["f:4:35: spec.options.max_session_ttl takes a duration such as 1h, 30h0m0s or 90s"], Text.RoleFaults($"{Head}spec: {{options: {{max_session_ttl: {text}}}}}\n"));

    [Fact]
    public void Everything_that_is_wrong_is_told_at_once_with_its_place() =>
        Assert.Equal(
            [
                "f:2:10: a role has version v3 to v8",
                "f:4:9: \"DBA\" is not a name; names have the form ^[a-z0-9][a-z0-9._-]{0,62}$",
                "f:5:3: metadata has no field \"nmae\"",
                "f:8:14: \"root@db1\" is not a login; logins have the form ^[A-Za-z_][A-Za-z0-9._-]{0,63}$",
                "f:9:19: the label env has no value, so it would select nothing",
                "f:10:15: spec.allow.request has no field \"rolse\"",
                "f:11:5: spec.allow has no field \"lgoins\"",
                "f:13:14: \"ro*\": in deny.logins a pattern is only \"*\", for every login",
                "f:14:23: \"^(a$\": not a regular expression that can be matched in bounded time",
                "f:16:22: spec.options.max_session_ttl takes a duration such as 1h, 30h0m0s or 90s",
                "f:17:3: spec has no field \"alow\"",
                "f:18:1: there is no field \"sepc\" here",
            ],
            Text.RoleFaults(
                """
                kind: role
                version: v9
                metadata:
                  name: DBA
                  nmae: dba
                spec:
                  allow:
                    logins: [root@db1, postgres]
                    node_labels: {env: []}
                    request: {rolse: [x]}
                    lgoins: [x]
                  deny:
                    logins: [ro*]
                    request: {roles: [^(a$]}
                  options:
                    max_session_ttl: 5
                  alow: {}
                sepc: {}
                """).OrderBy(Line));

    [Theory]
    [InlineData("metadata: {name: dba, expires: '2027-01-01'}", "metadata.expires")]
    [InlineData("spec: {reviewers: [bob]}", "spec.reviewers")]
    [InlineData("spec: {allow: {request: {search_as_roles: [x]}}}", "spec.allow.request.search_as_roles")]
    [InlineData("spec: {allow: {request: {thresholds: [{approve: 2}]}}}", "spec.allow.request.thresholds")]
    [InlineData("spec: {allow: {request: {require: all}}}", "spec.allow.request.require")]
    [InlineData("spec: {allow: {request: {suggested_reviewers: [bob]}}}", "spec.allow.request.suggested_reviewers")]
    [InlineData("spec: {allow: {request: {max_duration: 4d}}}", "spec.allow.request.max_duration")]
    [InlineData("spec: {allow: {request: {clock: approval}}}", "spec.allow.request.clock")]
    [InlineData("spec: {allow: {request: {reason: {mode: required}}}}", "spec.allow.request.reason")]
    [InlineData("spec: {allow: {request: {annotations: {a: [b]}}}}", "spec.allow.request.annotations")]
    [InlineData("spec: {deny: {request: {search_as_roles: [x]}}}", "spec.deny.request.search_as_roles")]
    [InlineData("spec: {allow: {review_requests: {roles: [x]}}}", "spec.allow.review_requests")]
    [InlineData("spec: {deny: {review_requests: {roles: [x]}}}", "spec.deny.review_requests")]
    [InlineData("spec: {options: {request_access: always}}", "spec.options.request_access")]
    [InlineData("spec: {options: {request_prompt: why}}", "spec.options.request_prompt")]
    [InlineData("spec: {options: {forward_agent: true}}", "spec.options.forward_agent")]
    [InlineData("spec: {options: {port_forwarding: true}}", "spec.options.port_forwarding")]
    [InlineData("spec: {options: {permit_x11_forwarding: true}}", "spec.options.permit_x11_forwarding")]
    [InlineData("spec: {options: {source_address: [10.0.0.0/8]}}", "spec.options.source_address")]
    [InlineData("spec: {options: {force_command: /bin/true}}", "spec.options.force_command")]
    [InlineData("spec: {options: {verify_required: true}}", "spec.options.verify_required")]
    [InlineData("spec: {options: {cert_extensions: [{name: a@b}]}}", "spec.options.cert_extensions")]
    [InlineData("spec: {options: {pin_source_ip: true}}", "spec.options.pin_source_ip")]
    [InlineData("spec: {options: {client_idle_timeout: 10m}}", "spec.options.client_idle_timeout")]
    [InlineData("spec: {options: {record_session: {default: strict}}}", "spec.options.record_session")]
    [InlineData("spec: {options: {require_session_mfa: true}}", "spec.options.require_session_mfa")]
    public void A_field_that_does_nothing_yet_is_refused_by_name(string field, string name)
    {
        var head = field.StartsWith("metadata", StringComparison.Ordinal) ? "kind: role\nversion: v8\n" : Head;
        var fault = Assert.Single(Text.RoleFaults($"{head}{field}\n"));
        Assert.EndsWith($": {name} is not yet supported", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("allow: {logins: ['{{internal.logins}}']}", "\"{{internal.logins}}\": templates are not yet supported")]
    [InlineData("deny: {logins: ['{{external.x}}']}", "\"{{external.x}}\": templates are not yet supported")]
    [InlineData("allow: {logins: ['a{{external.x}}']}", "\"a{{external.x}}\": templates are not yet supported")]
    [InlineData("allow: {logins: ['*']}", "\"*\" is not a login; logins have the form ^[A-Za-z_][A-Za-z0-9._-]{0,63}$")]
    [InlineData("allow: {logins: ['a,b']}", "\"a,b\" is not a login; logins have the form ^[A-Za-z_][A-Za-z0-9._-]{0,63}$")]
    [InlineData("allow: {logins: ['']}", "\"\" is not a login; logins have the form ^[A-Za-z_][A-Za-z0-9._-]{0,63}$")]
    [InlineData("deny: {logins: ['root*']}", "\"root*\": in deny.logins a pattern is only \"*\", for every login")]
    [InlineData("deny: {logins: ['^root$']}", "\"^root$\" is not a login; logins have the form ^[A-Za-z_][A-Za-z0-9._-]{0,63}$")]
    [InlineData("allow: {logins: {a: b}}", "spec.allow.logins takes a list of texts")]
    [InlineData("allow: {logins: [[a]]}", "spec.allow.logins takes a list of texts")]
    [InlineData("allow: {logins: [~]}", "spec.allow.logins takes a list of texts")]
    [InlineData("allow: {node_labels: {'*': prod}}", "the label '*' goes only with the value '*'")]
    [InlineData("allow: {node_labels: {'*': ['*', prod]}}", "the label '*' goes only with the value '*'")]
    [InlineData("allow: {node_labels: {env: ''}}", "a name or pattern is empty or has control characters")]
    [InlineData("allow: {node_labels: {\"e\\tv\": prod}}", "spec.allow.node_labels takes plain text without control characters")]
    [InlineData("allow: {node_labels: [env]}", "spec.allow.node_labels takes fields below it")]
    [InlineData("allow: {request: {roles: [\"a\\u202eb\"]}}", "a name or pattern is empty or has control characters")]
    [InlineData("allow: [logins]", "spec.allow takes fields below it")]
    [InlineData("options: {max_session_ttl: [1h]}", "spec.options.max_session_ttl takes one value")]
    [InlineData("options: {max_sesion_ttl: 1h}", "spec.options has no field \"max_sesion_ttl\"")]
    public void A_value_that_can_not_be_is_refused(string spec, string told)
    {
        var fault = Assert.Single(Text.RoleFaults($"{Head}spec: {{{spec}}}\n"));
        Assert.Matches(@"\Af:4:\d+: ", fault);
        Assert.EndsWith($": {told}", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_star_in_deny_logins_is_kept() => Assert.Equal("*", Assert.Single(Text.Role($"{Head}spec: {{deny: {{logins: '*'}}}}\n").Deny.Logins));

    [Theory]
    [InlineData("version: v8\nmetadata: {name: dba}\n", "kind is missing")]
    [InlineData("kind: role\nmetadata: {name: dba}\n", "version is missing")]
    [InlineData("kind: role\nversion: v8\n", "metadata.name is missing")]
    [InlineData("kind: role\nversion: v8\nmetadata: {}\n", "metadata.name is missing")]
    [InlineData("kind: role\nversion: v8\nmetadata: {name: }\n", "metadata.name is missing")]
    [InlineData("kind: role\nversion: v8\nmetadata: {name: ~}\n", "metadata.name is missing")]
    [InlineData("kind: role\nversion: v8\nmetadata: {name: ''}\n", "metadata.name is missing")]
    [InlineData("kind: ''\nversion: v8\nmetadata: {name: dba}\n", "kind is missing")]
    [InlineData("{\"kind\": \"role\", \"version\": \"v8\", \"metadata\": {\"name\": null}}", "metadata.name is missing")]
    public void What_a_resource_can_not_be_without_is_missed(string text, string told) =>
        Assert.Contains(Text.RoleFaults(text), fault => fault.EndsWith($": {told}", StringComparison.Ordinal));

    [Theory]
    [InlineData("text", "a document starts with fields, such as kind: role")]
    [InlineData("- [a]\n", "a document starts with fields, such as kind: role")]
    public void What_is_no_map_is_no_resource(string text, string told) =>
        Assert.EndsWith(told, Assert.Single(Text.RoleFaults(text)), StringComparison.Ordinal);

    public static readonly TheoryData<string> RoundTrips = new(
        $"{Head}",
        "kind: role\nversion: v3\nmetadata: {name: dba}\nspec: {allow: {logins: [postgres]}}\n",
        $"{Head}spec: {{allow: {{logins: [postgres, root], node_labels: {{'*': '*'}}}}}}\n",
        $"{Head}spec: {{allow: {{node_labels: {{env: [prod, 'st*'], no: 'on', '0777': ^a$, 'a b': ['\"q\"']}}}}, deny: {{logins: ['*'], node_labels: {{env: moon}}}}}}\n",
        $"{Head}spec: {{allow: {{request: {{roles: ['*', db-*, ^x$]}}}}, deny: {{request: {{roles: [root]}}}}, options: {{max_session_ttl: 1h30m}}}}\n",
        "kind: role\nversion: v5\nmetadata: {name: '5', description: \"it's \\\"so\\\" — ü <&>\", labels: {'': x, n: '', t: 'true'}}\n");

    [Theory]
    [MemberData(nameof(RoundTrips))]
    public void What_is_written_reads_back_as_the_same_role(string text)
    {
        var role = Text.Role(text) with { Id = Guid.NewGuid(), Revision = 7 };
        var written = RoleResource.Write(role);
        Assert.Equal(Show(role), Show(StoredResource.Role(written.ToJsonString()) with { Id = role.Id, Revision = role.Revision }));
        Assert.Equal(Show(role), Show(Text.Role(written.ToString()) with { Id = role.Id, Revision = role.Revision }));
        Assert.Equal("7", written["metadata"]!["revision"]!.GetValue<string>());
    }

    [Fact]
    public void A_role_in_the_database_that_somebody_edited_is_not_used() =>
        Assert.Contains(
            "there is no field \"extra\"",
            Assert.Throws<InvalidDataException>(() => StoredResource.Role("{\"kind\":\"role\",\"version\":\"v8\",\"metadata\":{\"name\":\"dba\"},\"extra\":1}")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_revision_is_taken_along_and_is_a_number()
    {
        Assert.Equal(7, ResourceMetadata.Revision(Text.Parse("metadata: {revision: '7'}\n").Documents[0]));
        Assert.Null(ResourceMetadata.Revision(Text.Parse("metadata: {name: a}\n").Documents[0]));
        Assert.EndsWith(
            ": metadata.revision is a number",
            Assert.Single(Text.RoleFaults("kind: role\nversion: v8\nmetadata: {name: dba, revision: seven}\n")), StringComparison.Ordinal);
    }

    private static int Line(string fault) => int.Parse(fault.Split(':')[1]);

    private static string Show(LabelSelector selector) => string.Join(' ', selector.Entries.Select(entry => $"{entry.Key}={string.Join(',', entry.Value)}"));

    private static string Show(RoleConditions side) => $"[{string.Join(' ', side.Logins)}] [{Show(side.NodeLabels)}] [{string.Join(' ', side.RequestRoles)}]";

    private static string Show(Role role) =>
        $"{role.Id} {role.Name} {role.Version} {role.Revision} \"{role.Description}\" {string.Join(' ', role.Labels)} {Show(role.Allow)} {Show(role.Deny)} {role.MaxSessionTtl}";
}
