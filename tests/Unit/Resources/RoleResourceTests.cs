using CertAuthority.Access.Roles;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Resources;

public class RoleResourceTests
{
    private const string Head = "kind: role\nversion: v8\nmetadata: {name: dba}\n";

    [Fact]
    public void Role_from_the_guide_is_read()
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
        Assert.Equal(("dba", "v8", "databases, tonight", TimeSpan.FromHours(1)), (role.Name, role.Version, role.Description, role.Options.MaxSessionTtl));
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
    public void Given_labels_apply_to_v3_too() =>
        Assert.Equal("env=prod", Show(Text.Role("kind: role\nversion: v3\nmetadata: {name: dba}\nspec: {allow: {logins: [a], node_labels: {env: prod}}}\n").Allow.NodeLabels));

    [Theory]
    [InlineData("max_session_ttl: 1h", 3600)]
    [InlineData("max_session_ttl: 30h0m0s", 108000)]
    [InlineData("max_session_ttl: 0", null)]
    [InlineData("max_session_ttl: 0s", null)]
    [InlineData("max_session_ttl: ", null)]
    [InlineData("", null)]
    public void A_session_lasts_as_long_as_the_role_says(string option, int? seconds) =>
        Assert.Equal(seconds, (int?)Text.Role($"{Head}spec:\n  options:\n    {option}\n").Options.MaxSessionTtl?.TotalSeconds);

    [Theory]
    [InlineData("roles: [dba]", null, RequestClock.Creation)]
    [InlineData("max_duration: 4d", 4 * 86400, RequestClock.Creation)]
    [InlineData("max_duration: 0", null, RequestClock.Creation)]
    [InlineData("max_duration: 0s", null, RequestClock.Creation)]
    [InlineData("clock: creation", null, RequestClock.Creation)]
    [InlineData("clock: approval, max_duration: 90s", 90, RequestClock.Approval)]
    public void Requested_access_lasts_as_long_as_the_role_says(string request, int? seconds, RequestClock clock)
    {
        var allow = Text.Role($"{Head}spec: {{allow: {{request: {{{request}}}}}}}\n").Allow;
        Assert.Equal((seconds, clock), ((int?)allow.MaxRequestDuration?.TotalSeconds, allow.RequestClock));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("1.5h")]
    [InlineData("-1h")]
    [InlineData("forever")]
    [InlineData("''")]
    public void Invalid_duration_is_rejected(string text) =>
        Assert.Equal(
            ["f:4:35: spec.options.max_session_ttl takes a duration such as 1h, 30h0m0s or 90s"], Text.RoleFaults($"{Head}spec: {{options: {{max_session_ttl: {text}}}}}\n"));

    [Fact]
    public void All_faults_are_reported_at_once_with_their_places() =>
        Assert.Equal(
            [
                "f:2:10: a role has version v3 to v8",
                "f:4:9: \"DBA\" is not a name; names have the form ^[a-z0-9][a-z0-9._-]{0,62}$",
                "f:5:3: metadata has no field \"nmae\"",
                "f:8:14: \"root@db1@a\" is not a login; logins have the form ^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9.-]{0,63})?$",
                "f:9:19: the label env has no value, so it would select nothing",
                "f:10:15: spec.allow.request has no field \"rolse\"",
                "f:11:5: spec.allow has no field \"lgoins\"",
                "f:13:14: \"ro*\": in deny.logins a pattern is only \"*\", for every login",
                "f:14:23: \"^(a$\": a group is not closed",
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
                    logins: [root@db1@a, postgres]
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
    [InlineData("allow: {logins: ['*']}", "\"*\" is not a login; logins have the form ^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9.-]{0,63})?$")]
    [InlineData("allow: {logins: [certauthority-sync]}", "\"certauthority-sync\" is the daemon's own login, and as good as root on every host that it writes to; no role grants it")]
    [InlineData("allow: {logins: ['a,b']}", "\"a,b\" is not a login; logins have the form ^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9.-]{0,63})?$")]
    [InlineData("allow: {logins: ['']}", "\"\" is not a login; logins have the form ^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9.-]{0,63})?$")]
    [InlineData("deny: {logins: ['root*']}", "\"root*\": in deny.logins a pattern is only \"*\", for every login")]
    [InlineData("deny: {logins: ['^root$']}", "\"^root$\" is not a login; logins have the form ^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9.-]{0,63})?$")]
    [InlineData("allow: {logins: {a: b}}", "spec.allow.logins takes a list of texts")]
    [InlineData("allow: {logins: [[a]]}", "spec.allow.logins takes a list of texts")]
    [InlineData("allow: {logins: [~]}", "spec.allow.logins takes a list of texts")]
    [InlineData("allow: {node_labels: {'*': prod}}", "the label '*' goes only with the value '*'")]
    [InlineData("allow: {node_labels: {'*': ['*', prod]}}", "the label '*' goes only with the value '*'")]
    [InlineData("allow: {node_labels: {env: ''}}", "a name or pattern is empty or has control or invisible characters")]
    [InlineData("allow: {node_labels: {\"e\\tv\": prod}}", "spec.allow.node_labels takes plain text without control or invisible characters")]
    [InlineData("allow: {node_labels: [env]}", "spec.allow.node_labels takes fields below it")]
    [InlineData("allow: {request: {roles: [\"a\\u202eb\"]}}", "a name or pattern is empty or has control or invisible characters")]
    [InlineData("allow: [logins]", "spec.allow takes fields below it")]
    [InlineData("allow: {request: {max_duration: 4}}", "spec.allow.request.max_duration takes a duration such as 1h, 30h0m0s or 90s")]
    [InlineData("allow: {request: {max_duration: 3652059d}}", "spec.allow.request.max_duration takes a duration such as 1h, 30h0m0s or 90s")]
    [InlineData("allow: {request: {clock: noon}}", "spec.allow.request.clock takes creation or approval")]
    [InlineData("allow: {request: {clock: ''}}", "spec.allow.request.clock takes creation or approval")]
    [InlineData("deny: {request: {max_duration: 4d}}", "spec.deny.request has no field \"max_duration\"")]
    [InlineData("deny: {request: {clock: approval}}", "spec.deny.request has no field \"clock\"")]
    [InlineData("deny: {request: {thresholds: [{approve: 1}]}}", "spec.deny.request has no field \"thresholds\"")]
    [InlineData("allow: {request: {thresholds: [{approve: -1}]}}", "spec.allow.request.thresholds.approve takes a number from 0 to 100")]
    [InlineData("allow: {request: {thresholds: [{approve: 1, deny: 101}]}}", "spec.allow.request.thresholds.deny takes a number from 0 to 100")]
    [InlineData("allow: {request: {thresholds: [{approve: 1, any: 2}]}}", "spec.allow.request.thresholds has no field \"any\"")]
    [InlineData("allow: {request: {thresholds: [{approve: 1, name: \"a\\nb\"}]}}", "the name of a threshold is one line of at most 256 characters")]
    [InlineData("allow: {request: {thresholds: [{approve: 1, filter: 'contains(reviewer.rolse, \"a\")'}]}}", "spec.allow.request.thresholds.filter, column 10: there is no \"reviewer.rolse\" here; there are reviewer.roles, reviewer.traits, request.roles, request.reason, request.system_annotations, review.reason")]
    [InlineData("allow: {request: {thresholds: 2}}", "spec.allow.request.thresholds takes a list of fields")]
    [InlineData("allow: {request: {require: both}}", "spec.allow.request.require takes any or all")]
    [InlineData("allow: {request: {suggested_reviewers: [Bob]}}", "\"Bob\" is not the name of a user")]
    [InlineData("allow: {request: {reason: {mode: always}}}", "spec.allow.request.reason.mode takes optional or required")]
    [InlineData("allow: {request: {reason: {prompt: \"a\\tb\"}}}", "spec.allow.request.reason.prompt takes one line of at most 256 characters")]
    [InlineData("allow: {request: {annotations: {a: '{{external.b}}'}}}", "\"{{external.b}}\": templates stand in logins and in values of cert_extensions only")]
    [InlineData("allow: {request: {annotations: {a: \"b\\u202ec\"}}}", "the value of an annotation has control or invisible characters")]
    [InlineData("allow: {review_requests: {roles: ['^(a$']}}", "\"^(a$\": a group is not closed")]
    [InlineData("allow: {review_requests: {where: 'contains(reviewer.roles)'}}", "spec.allow.review_requests.where, column 1: contains takes two values, not 1")]
    [InlineData("deny: {review_requests: {where: 'equals(review.reason, \"\")'}}", "spec.deny.review_requests.where, column 8: there is no \"review.reason\" here; there are reviewer.roles, reviewer.traits, request.roles, request.reason, request.system_annotations")]
    [InlineData("allow: {review_requests: {role: [a]}}", "spec.allow.review_requests has no field \"role\"")]
    [InlineData("reviewers: ['role:']", "\"role:\" is neither the name of a user nor role:NAME")]
    [InlineData("reviewers: [Bob]", "\"Bob\" is neither the name of a user nor role:NAME")]
    [InlineData("options: {request_access: never}", "spec.options.request_access takes optional, always or reason")]
    [InlineData("options: {request_prompt: \"a\\nb\"}", "spec.options.request_prompt takes one line of at most 256 characters")]
    [InlineData("options: {max_session_ttl: 999999999d}", "spec.options.max_session_ttl takes a duration such as 1h, 30h0m0s or 90s")]
    [InlineData("options: {max_session_ttl: [1h]}", "spec.options.max_session_ttl takes one value")]
    [InlineData("options: {max_sesion_ttl: 1h}", "spec.options has no field \"max_sesion_ttl\"")]
    [InlineData("allow: {logins: ['{{external}}']}", "\"{{external}}\": external is followed by .NAME")]
    [InlineData("deny: {logins: ['{{env.x}}']}", "\"{{env.x}}\": a template takes internal.NAME, external.NAME, email.local(…) or regexp.replace(…), not \"env\"")]
    [InlineData("options: {forward_agent: maybe}", "spec.options.forward_agent takes true or false")]
    [InlineData("options: {force_command: ''}", "spec.options.force_command takes one line of 1 to 1024 characters, all of them visible")]
    [InlineData("options: {force_command: \"a\\nb\"}", "spec.options.force_command takes one line of 1 to 1024 characters, all of them visible")]
    [InlineData("options: {source_address: 10.0.0.1/8}", "\"10.0.0.1/8\" is not an address or a prefix such as 10.0.0.0/8 or 2001:db8::/32, without bits beyond the prefix")]
    [InlineData("options: {cert_extensions: [{name: permit-user-rc}]}", "\"permit-user-rc\" is not the name of an extension; those of others have the form name@domain")]
    [InlineData("options: {cert_extensions: [{name: x@openssh.com}]}", "\"x@openssh.com\" is not the name of an extension; those of others have the form name@domain")]
    [InlineData("options: {cert_extensions: [{name: a@b}, {name: a@b}]}", "the extension a@b stands in this role twice")]
    [InlineData("options: {cert_extensions: [{name: a@b, value: ü}]}", "the value of an extension is printable ASCII of at most 256 characters")]
    [InlineData("options: {cert_extensions: [{name: a@b, mode: critical}]}", "the mode of an extension is extension")]
    [InlineData("options: {cert_extensions: [{name: a@b, type: tls}]}", "the type of an extension is ssh")]
    [InlineData("options: {cert_extensions: [a@b]}", "spec.options.cert_extensions takes a list of fields")]
    public void Invalid_value_is_rejected(string spec, string told)
    {
        var fault = Assert.Single(Text.RoleFaults($"{Head}spec: {{{spec}}}\n"));
        Assert.Matches(@"\Af:4:\d+: ", fault);
        Assert.EndsWith($": {told}", fault, StringComparison.Ordinal);
    }

    public static readonly TheoryData<string, string, string> Restrictions = new()
    {
        // Where, at a value that restricts, at a value that does not.
        { "options.client_idle_timeout", "10m", "0s" },
        { "options.disconnect_expired_cert", "true", "false" },
        { "options.pin_source_ip", "yes", "no" },
        { "options.require_session_mfa", "hardware_key_touch", "off" },
        { "options.mfa_verification_interval", "1h", "0" },
        { "options.max_sessions", "1", "0" },
        { "options.max_connections", "2", "0" },
        { "options.cert_format", "oldssh", "standard" },
        { "options.device_trust_mode", "required", "optional" },
        { "options.enhanced_recording", "[command, network]", "[]" },
        { "options.lock", "strict", "best_effort" },
        { "options.ssh_file_copy", "false", "true" },
        { "options.record_session.default", "best_effort", "off" },
        { "options.record_session.ssh", "strict", "''" },
        { "allow.require_session_join", "[{name: audit}]", "[]" },
    };

    [Theory]
    [MemberData(nameof(Restrictions))]
    public void Unenforceable_restriction_is_rejected_or_visibly_dropped(string field, string restricts, string restrictsNothing)
    {
        Assert.Equal(
            $"f:4:{Column(field)}: spec.{field} cannot be enforced here; take it out, or have it dropped",
            Assert.Single(Text.RoleFaults(Spec(field, restricts))));
        Assert.Equal(("", $"f:4:{Column(field)}: spec.{field} was dropped: nobody here can enforce it"), Text.RoleRemarks(Spec(field, restricts), dropsUnenforceable: true));
        Assert.Equal(("", ""), Text.RoleRemarks(Spec(field, restrictsNothing)));

        static int Column(string field) => "spec: ".Length + 1 + field.Split('.').Sum(part => part.Length + 3);
        static string Spec(string field, string value) => $"{Head}spec: {field.Split('.').Reverse().Aggregate(value, (below, part) => $"{{{part}: {below}}}")}\n";
    }

    [Theory]
    [InlineData("node_labels_expression: 'contains(x, y)'", "spec.SIDE.node_labels_expression")]
    [InlineData("request: {claims_to_roles: [{claim: a, value: b, roles: [c]}]}", "spec.SIDE.request.claims_to_roles")]
    [InlineData("review_requests: {claims_to_roles: [{claim: a, value: b, roles: [c]}]}", "spec.SIDE.review_requests.claims_to_roles")]
    [InlineData("node_labels: {team: '{{external.team}}'}", "\"{{external.team}}\" in spec.SIDE.node_labels")]
    public void Unsupported_selector_can_be_dropped_only_from_an_allow(string field, string name)
    {
        string Spec(string side) => $"{Head}spec: {{{side}: {{logins: [root], {field}}}}}\n";
        Assert.Contains($": {name.Replace("SIDE", "allow")} cannot be evaluated here; ", Assert.Single(Text.RoleFaults(Spec("allow"))), StringComparison.Ordinal);
        Assert.Contains($": {name.Replace("SIDE", "deny")} cannot be evaluated here, and the deny without it would deny less; ", Assert.Single(Text.RoleFaults(Spec("deny"))), StringComparison.Ordinal);
        var (faults, warnings) = Text.RoleRemarks(Spec("allow"), dropsUnenforceable: true);
        Assert.Equal("", faults);
        Assert.Contains($": {name.Replace("SIDE", "allow")} was dropped, and what it selects is not granted; ", warnings, StringComparison.Ordinal);
        Assert.Contains(" cannot be evaluated here, and the deny", Text.RoleRemarks(Spec("deny"), dropsUnenforceable: true).Faults, StringComparison.Ordinal);
    }

    // In v3 logins without labels mean every host, and a role that is stored is read again.
    [Theory]
    [InlineData("v3", "node_labels_expression: 'x'")]
    [InlineData("v8", "node_labels: {env: prod}, node_labels_expression: 'x'")]
    [InlineData("v8", "node_labels: {env: prod, team: '{{external.team}}'}")]
    public void An_allow_without_its_selector_grants_no_login(string version, string labels)
    {
        var role = Text.RoleDropping($"kind: role\nversion: {version}\nmetadata: {{name: x}}\nspec: {{allow: {{logins: [root], {labels}}}}}\n");
        foreach (var each in new[] { role, Text.Stored(RoleRow.Table, role) })
        {
            Assert.Empty(each.Allow.Logins);
            Assert.True(each.Allow.NodeLabels.IsNone);
        }
    }

    [Theory]
    [InlineData("allow: {request: {thresholds: [{name: none}]}}", "f:4:46: a threshold without approve and deny decides nothing\nf:4:38: no threshold approves, so only an administrator does")]
    [InlineData("allow: {request: {thresholds: [{deny: 1}]}}", "f:4:38: no threshold approves, so only an administrator does")]
    public void Thresholds_that_cannot_approve_give_a_warning(string spec, string warnings) => Assert.Equal(("", warnings), Text.RoleRemarks($"{Head}spec: {{{spec}}}\n"));

    [Fact]
    public void Request_and_review_rules_are_read()
    {
        var role = Text.Role(
            """
            kind: role
            version: v7
            metadata: {name: populist}
            spec:
              allow:
                request:
                  roles: [dictator]
                  require: all
                  thresholds:
                  - name: overwhelming consensus
                    approve: 3
                  - name: popular uprising
                    filter: 'contains(reviewer.roles, "proletariat")'
                    approve: 2
                    deny: 1
                  suggested_reviewers: [bob, carol, bob]
                  reason: {mode: required, prompt: What for?}
                  annotations: {mechanism: [uprising, consensus]}
                review_requests:
                  roles: [general]
                  where: >
                    contains(request.system_annotations["mechanism"], "coup")
                    && !equals(request.reason, "")
              deny:
                review_requests: {roles: [dictator]}
              options: {request_access: reason, request_prompt: Your ticket}
              reviewers: [bob, 'role:leads']
            """);
        Assert.Equal(
            "overwhelming consensus::3/0 popular uprising:contains(reviewer.roles, \"proletariat\"):2/1 True bob,carol True \"What for?\" mechanism=uprising,consensus", Show(role.Allow.Asking));
        Assert.Equal(("general", "dictator", "bob role:leads"), (string.Join(' ', role.Allow.Reviewing.Roles), string.Join(' ', role.Deny.Reviewing.Roles), string.Join(' ', role.Reviewers)));
        Assert.Equal("contains(request.system_annotations[\"mechanism\"], \"coup\") && !equals(request.reason, \"\")\n", role.Allow.Reviewing.Where!.Text);
        Assert.Equal((RequestAccess.Reason, "Your ticket"), (role.Options.RequestAccess, role.Options.RequestPrompt));
    }

    [Fact]
    public void Local_and_remote_forwarding_go_together()
    {
        Assert.True(Text.Role($"{Head}spec: {{options: {{ssh_port_forwarding: {{local: {{enabled: true}}, remote: {{enabled: on}}}}}}}}\n").Options.PortForwarding);
        Assert.False(Text.Role($"{Head}spec: {{options: {{ssh_port_forwarding: {{local: {{enabled: false}}, remote: {{enabled: no}}}}}}}}\n").Options.PortForwarding);
        Assert.Contains("spec.options.ssh_port_forwarding cannot be enforced here", Assert.Single(Text.RoleFaults(
            $"{Head}spec: {{options: {{ssh_port_forwarding: {{local: {{enabled: true}}, remote: {{enabled: false}}}}}}}}\n")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("spec: {allow: {db_labels: {'*': '*'}}}", "f:4:27: spec.allow.db_labels is not about SSH logins and grants nothing here")]
    [InlineData("spec: {allow: {kubernetes_groups: [admin]}}", "f:4:35: spec.allow.kubernetes_groups is not about SSH logins and grants nothing here")]
    [InlineData("spec: {allow: {rules: [{resources: [role], verbs: [list]}]}}", "f:4:23: spec.allow.rules is not about SSH logins and grants nothing here")]
    [InlineData("spec: {deny: {app_labels: {a: b}}}", "f:4:27: spec.deny.app_labels is not about SSH logins and grants nothing here")]
    [InlineData("spec: {options: {desktop_clipboard: true}}", "f:4:37: spec.options.desktop_clipboard is not about SSH logins and grants nothing here")]
    public void Field_of_another_protocol_is_accepted_with_a_warning(string spec, string warning) =>
        Assert.Equal(("", warning), Text.RoleRemarks($"{Head}{spec}\n"));

    [Theory]
    [InlineData("2027-01-31T18:00:00Z", "2027-01-31T18:00:00Z")]
    [InlineData("2027-01-31T18:00:00.123456Z", "2027-01-31T18:00:00Z")]
    [InlineData("2027-01-31T18:00:00+02:00", "2027-01-31T16:00:00Z")]
    public void Expiry_is_read_and_written_in_utc(string text, string written)
    {
        var role = Text.Role($"kind: role\nversion: v8\nmetadata: {{name: dba, expires: '{text}'}}\n");
        Assert.Equal(written, RoleResource.Write(role)["metadata"]!["expires"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("tomorrow")]
    [InlineData("2027-01-31")]
    [InlineData("2027-01-31T18:00:00")]
    [InlineData("1800000000")]
    public void Ambiguous_expiry_is_rejected(string text) =>
        Assert.EndsWith("metadata.expires takes a time such as 2027-01-31T18:00:00Z", Assert.Single(Text.RoleFaults($"kind: role\nversion: v8\nmetadata: {{name: dba, expires: '{text}'}}\n")), StringComparison.Ordinal);

    [Fact]
    public void A_star_in_deny_logins_is_kept() => Assert.Equal("*", Assert.Single(Text.Role($"{Head}spec: {{deny: {{logins: '*'}}}}\n").Deny.Logins).Text);

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
    public void Missing_required_field_is_reported(string text, string told) =>
        Assert.Contains(Text.RoleFaults(text), fault => fault.EndsWith($": {told}", StringComparison.Ordinal));

    [Theory]
    [InlineData("text", "a document starts with fields, such as kind: role")]
    [InlineData("- [a]\n", "a document starts with fields, such as kind: role")]
    public void Document_that_is_not_a_map_is_rejected(string text, string told) =>
        Assert.EndsWith(told, Assert.Single(Text.RoleFaults(text)), StringComparison.Ordinal);

    public static readonly TheoryData<string> RoundTrips = new(
        $"{Head}",
        "kind: role\nversion: v3\nmetadata: {name: dba}\nspec: {allow: {logins: [postgres]}}\n",
        $"{Head}spec: {{allow: {{logins: [postgres, root], node_labels: {{'*': '*'}}}}}}\n",
        $"{Head}spec: {{allow: {{node_labels: {{env: [prod, 'st*'], no: 'on', '0777': ^a$, 'a b': ['\"q\"']}}}}, deny: {{logins: ['*'], node_labels: {{env: moon}}}}}}\n",
        $"{Head}spec: {{allow: {{request: {{roles: ['*', db-*, ^x$]}}}}, deny: {{request: {{roles: [root]}}}}, options: {{max_session_ttl: 1h30m}}}}\n",
        $"{Head}spec: {{allow: {{request: {{roles: [dba], max_duration: 36h, clock: approval}}}}}}\n",
        $"{Head}spec: {{allow: {{logins: ['{{{{internal.logins}}}}', root]}}, deny: {{logins: ['x{{{{external.y}}}}']}}}}\n",
        $"{Head}spec: {{options: {{forward_agent: yes, port_forwarding: on, permit_x11_forwarding: true, verify_required: true, force_command: 'a  b', source_address: [10.0.0.0/8, '::1']}}}}\n",
        $"{Head}spec: {{options: {{cert_extensions: [{{name: b@c, value: '{{{{external.x}}}}', type: ssh, mode: extension}}, {{name: a@b}}]}}}}\n",
        $"{Head}spec: {{allow: {{request: {{thresholds: [{{name: a, filter: 'equals(review.reason, \"x\")', approve: 2, deny: 1}}, {{approve: '1'}}], require: all}}}}}}\n",
        $"{Head}spec: {{allow: {{request: {{search_as_roles: ['db-*', ^ops.*$]}}}}, deny: {{request: {{search_as_roles: [db-root]}}}}}}\n",
        $"{Head}spec: {{allow: {{request: {{suggested_reviewers: [bob, carol], reason: {{mode: required, prompt: 'which ticket?'}}, annotations: {{services: [a, b], t: c}}}}}}}}\n",
        $"{Head}spec: {{allow: {{review_requests: {{roles: ['*'], where: 'contains(reviewer.roles, \"lead\")'}}}}, deny: {{review_requests: {{roles: [root]}}}}}}\n",
        $"{Head}spec: {{reviewers: [bob, 'role:leads'], options: {{request_access: reason, request_prompt: 'why?'}}}}\n",
        "kind: role\nversion: v5\nmetadata: {name: e, expires: '2027-01-31T18:00:00Z'}\n",
        "kind: role\nversion: v5\nmetadata: {name: '5', description: \"it's \\\"so\\\" — ü <&>\", labels: {'': x, n: '', t: 'true'}}\n");

    [Theory]
    [MemberData(nameof(RoundTrips))]
    public void Written_role_reads_back_as_the_same(string text)
    {
        var role = Text.Role(text) with { Id = Guid.NewGuid(), Revision = 7 };
        var written = RoleResource.Write(role);
        Assert.Equal(Show(role), Show(Text.Stored(RoleRow.Table, role) with { Id = role.Id, Revision = role.Revision }));
        Assert.Equal(Show(role), Show(Text.Role(written.ToString()) with { Id = role.Id, Revision = role.Revision }));
        Assert.Equal("7", written["metadata"]!["revision"]!.GetValue<string>());
    }

    [Fact]
    public void Revision_is_kept_and_must_be_a_number()
    {
        Assert.Equal(7, ResourceMetadata.Revision(Text.Parse("metadata: {revision: '7'}\n").Documents[0]));
        Assert.Null(ResourceMetadata.Revision(Text.Parse("metadata: {name: a}\n").Documents[0]));
        // An export of another program has its own; it says nothing about what is here.
        Assert.Null(ResourceMetadata.Revision(Text.Parse("metadata: {revision: 7f3c}\n").Documents[0]));
        Assert.Empty(Text.RoleFaults("kind: role\nversion: v8\nmetadata: {name: dba, revision: 7f3c}\n"));
    }

    private static int Line(string fault) => int.Parse(fault.Split(':')[1]);

    private static string Show(LabelSelector selector) => string.Join(' ', selector.Entries.Select(entry => $"{entry.Key}={string.Join(',', entry.Value)}"));

    private static string Show(RequestRules rules) =>
        $"{string.Join(' ', rules.Thresholds.Select(threshold => $"{threshold.Name}:{threshold.Filter}:{threshold.Approve}/{threshold.Deny}"))} {rules.RequireAll} {string.Join(',', rules.SuggestedReviewers)} "
        + $"{rules.ReasonRequired} \"{rules.ReasonPrompt}\" {string.Join(' ', rules.Annotations.Select(one => $"{one.Key}={string.Join(',', one.Value)}"))}";

    private static string Show(RoleConditions side) => $"[{string.Join(' ', side.Logins)}] [{Show(side.NodeLabels)}] [{string.Join(' ', side.RequestRoles)}] {side.MaxRequestDuration} {side.RequestClock} "
        + $"{Show(side.Asking)} [{string.Join(' ', side.Reviewing.Roles)}] {side.Reviewing.Where}";

    private static string Show(Role role) =>
        $"{role.Id} {role.Name} {role.Version} {role.Revision} \"{role.Description}\" {string.Join(' ', role.Labels)} {role.Expires} {Show(role.Allow)} {Show(role.Deny)} {Show(role.Options)} [{string.Join(' ', role.Reviewers)}]";

    private static string Show(RoleOptions options) =>
        $"{options.MaxSessionTtl} {options.ForwardAgent} {options.PortForwarding} {options.X11Forwarding} {options.VerifyRequired} \"{options.ForceCommand}\" "
        + $"{string.Join(',', options.SourceAddresses)} {string.Join(' ', options.Extensions)} {options.RequestAccess} \"{options.RequestPrompt}\"";
}
