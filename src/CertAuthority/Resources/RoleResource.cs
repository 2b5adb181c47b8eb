using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access;
using CertAuthority.OpenSsh;

namespace CertAuthority.Resources;

/// <summary><c>kind: role</c>: text to <see cref="Role"/> and back. Field by field as in the guide's files.</summary>
internal static class RoleResource
{
    private const int LongestCommand = 1024;

    // A few fit a certificate beside its principals; more belong into a firewall.
    private const int MostAddresses = 32;

    // What a person can still read, and a review evaluate.
    private const int MostThresholds = 16;
    private const int MostReviewers = 100;
    private const int LongestPrompt = 256;

    private static readonly string[] NotAboutLogins =
    [
        "account_assignments", "app_labels", "app_labels_expression", "aws_role_arns", "azure_identities", "cluster_labels", "cluster_labels_expression",
        "db_labels", "db_labels_expression", "db_names", "db_permissions", "db_roles", "db_service_labels", "db_service_labels_expression", "db_users",
        "desktop_groups", "gcp_service_accounts", "github_permissions", "group_labels", "group_labels_expression", "host_groups", "host_sudoers",
        "impersonate", "join_sessions", "kubernetes_groups", "kubernetes_labels", "kubernetes_labels_expression", "kubernetes_resources", "kubernetes_users",
        "mcp", "rules", "spiffe", "windows_desktop_labels", "windows_desktop_labels_expression", "windows_desktop_logins", "workload_identity_labels",
        "workload_identity_labels_expression",
    ];

    /// <summary>Reads what is below <c>kind</c> and <c>version</c>. The role has no id and revision yet.</summary>
    public static Role Read(string version, Cursor root)
    {
        if (version is not ("v3" or "v4" or "v5" or "v6" or "v7" or "v8"))
            root.Fault("version", "a role has version v3 to v8");
        var metadata = root.Map("metadata");
        var name = ResourceMetadata.Name(metadata, Names.IsName, Names.Form);
        var description = ResourceMetadata.Description(metadata);
        var labels = metadata.TextMap("labels");
        var expires = metadata.Instant("expires");
        // What exports carry.
        metadata.Elsewhere("id");
        if (metadata.Text("namespace") is not (null or "default"))
            metadata.Fault("namespace", "there is no namespace here but default");
        metadata.Done();

        var spec = root.Map("spec");
        var reviewers = ReadReviewers(spec);
        var allow = ReadConditions(spec.Map("allow"), deny: false);
        var deny = ReadConditions(spec.Map("deny"), deny: true);
        var options = ReadOptions(spec.Map("options"));
        spec.Done();
        root.Done();

        // v3 is the guide's own version, where logins alone mean all hosts. Later versions have no default.
        if (version == "v3" && allow.NodeLabels.IsNone && !allow.Logins.IsEmpty)
            allow = allow with { NodeLabels = LabelSelector.All };
        return new Role(Guid.Empty, name, version, 0, description, labels, expires, allow, deny, options) { Reviewers = reviewers };
    }

    /// <summary>The spec as it would be written; what decides whether the revision counts up.</summary>
    public static JsonObject WriteSpec(Role role)
    {
        var spec = new JsonObject();
        Add(spec, "allow", WriteConditions(role.Allow));
        Add(spec, "deny", WriteConditions(role.Deny));
        Add(spec, "options", WriteOptions(role.Options));
        if (!role.Reviewers.IsEmpty)
            spec["reviewers"] = ResourceMetadata.Array(role.Reviewers.Select(reviewer => reviewer.ToString()));
        return spec;
    }

    public static JsonObject Write(Role role) =>
        ResourceMetadata.Write("role", role.Version, role.Name, role.Revision, role.Description, role.Labels, WriteSpec(role), role.Expires);

    private static RoleOptions ReadOptions(Cursor options)
    {
        var ttl = options.Duration("max_session_ttl");
        var read = new RoleOptions
        {
            MaxSessionTtl = ttl == TimeSpan.Zero ? null : ttl,
            ForwardAgent = options.Flag("forward_agent"),
            PortForwarding = options.Flag("port_forwarding") | ReadPortForwarding(options),
            X11Forwarding = options.Flag("permit_x11_forwarding"),
            ForceCommand = ReadForceCommand(options),
            SourceAddresses = ReadSourceAddresses(options),
            VerifyRequired = options.Flag("verify_required"),
            Extensions = ReadExtensions(options),
            RequestAccess = ReadRequestAccess(options),
            RequestPrompt = ReadPrompt(options, "request_prompt"),
        };
        foreach (var field in (string[])["disconnect_expired_cert", "pin_source_ip", "require_session_mfa"])
            options.Unenforceable(field, Cursor.IsNo);
        foreach (var field in (string[])["client_idle_timeout", "mfa_verification_interval"])
            options.Unenforceable(field, text => text is "0" or "never" || (Durations.TryParse(text, out var duration) && duration == TimeSpan.Zero));
        foreach (var field in (string[])["max_connections", "max_sessions"])
            options.Unenforceable(field, text => text == "0");
        options.Unenforceable("cert_format", text => text == "standard");
        options.Unenforceable("device_trust_mode", text => text is "off" or "optional");
        options.Unenforceable("enhanced_recording", _ => false);
        options.Unenforceable("lock", text => text == "best_effort");
        options.Unenforceable("ssh_file_copy", Cursor.IsYes);
        var recording = options.Map("record_session");
        recording.Elsewhere("desktop");
        recording.Unenforceable("default", Cursor.IsNo);
        recording.Unenforceable("ssh", Cursor.IsNo);
        recording.Done();
        options.Elsewhere(
            "create_db_user", "create_db_user_mode", "create_desktop_user", "create_host_user", "create_host_user_default_shell", "create_host_user_mode",
            "desktop_clipboard", "desktop_directory_sharing", "idp", "max_kubernetes_connections");
        options.Done();
        return read;
    }

    private static RequestAccess ReadRequestAccess(Cursor options)
    {
        switch (options.Text("request_access"))
        {
            case null or "optional":
                return RequestAccess.Optional;
            case "always":
                return RequestAccess.Always;
            case "reason":
                return RequestAccess.Reason;
            default:
                options.Fault("request_access", "spec.options.request_access takes optional, always or reason");
                return RequestAccess.Optional;
        }
    }

    // v8 parts the two directions; one extension of a certificate permits both.
    private static bool ReadPortForwarding(Cursor options)
    {
        var forwarding = options.Map("ssh_port_forwarding");
        var (local, remote) = (Enabled("local"), Enabled("remote"));
        forwarding.Done();
        if (local != remote)
            options.Unenforceable("ssh_port_forwarding");
        return local && remote;

        bool Enabled(string direction)
        {
            var side = forwarding.Map(direction);
            var enabled = side.Flag("enabled");
            side.Done();
            return enabled;
        }
    }

    private static string? ReadForceCommand(Cursor options)
    {
        var command = options.Text("force_command");
        if (command is not null && (command.Length is 0 or > LongestCommand || !Names.IsPlainText(command)))
            options.Fault("force_command", $"spec.options.force_command takes one line of 1 to {LongestCommand} characters");
        return command;
    }

    private static ImmutableArray<AddressRange> ReadSourceAddresses(Cursor options)
    {
        var ranges = ImmutableArray.CreateBuilder<AddressRange>();
        var texts = options.Texts("source_address");
        foreach (var (text, at) in texts)
            if (AddressRange.TryParse(text, out var range))
                ranges.Add(range);
            else
                options.Fault(at, $"\"{text}\" is not an address or a prefix such as 10.0.0.0/8 or 2001:db8::/32, without bits beyond the prefix");
        if (texts.Length > MostAddresses)
            options.Fault("source_address", $"spec.options.source_address takes at most {MostAddresses} entries");
        return [.. ranges.Distinct()];
    }

    private static ImmutableSortedDictionary<string, Template> ReadExtensions(Cursor options)
    {
        var extensions = RoleOptions.None.Extensions.ToBuilder();
        foreach (var extension in options.Maps("cert_extensions"))
        {
            var name = extension.Required("name");
            var text = extension.Text("value") ?? "";
            if (name.Length > 0 && !UserCertificate.IsOthersName(name))
                extension.Fault("name", $"\"{name}\" is not the name of an extension; those of others have the form name@domain");
            else if (extensions.ContainsKey(name))
                extension.Fault("name", $"the extension {name} stands in this role twice");
            else if (Template.TryParse(text, out var fault) is not { } value)
                extension.Fault("value", $"\"{text}\": {fault}");
            else if (value.IsLiteral && !RoleInUse.IsExtensionValue(text))
                extension.Fault("value", "the value of an extension is printable ASCII of at most 256 characters");
            else
                extensions[name] = value;
            if (extension.Text("type") is not (null or "ssh"))
                extension.Fault("type", "the type of an extension is ssh");
            if (extension.Text("mode") is not (null or "extension"))
                extension.Fault("mode", "the mode of an extension is extension");
            extension.Done();
        }
        return extensions.ToImmutable();
    }

    private static JsonObject WriteOptions(RoleOptions options)
    {
        var fields = new JsonObject();
        if (options.MaxSessionTtl is { } ttl)
            fields["max_session_ttl"] = Durations.Show(ttl);
        foreach (var (field, set) in new[]
                 {
                     ("forward_agent", options.ForwardAgent), ("port_forwarding", options.PortForwarding), ("permit_x11_forwarding", options.X11Forwarding),
                     ("verify_required", options.VerifyRequired),
                 })
            if (set)
                fields[field] = true;
        if (options.RequestAccess != RequestAccess.Optional)
            fields["request_access"] = options.RequestAccess.ToString().ToLowerInvariant();
        if (options.RequestPrompt.Length > 0)
            fields["request_prompt"] = options.RequestPrompt;
        if (options.ForceCommand is { } command)
            fields["force_command"] = command;
        if (!options.SourceAddresses.IsEmpty)
            fields["source_address"] = ResourceMetadata.Array(options.SourceAddresses.Select(range => range.ToString()));
        if (!options.Extensions.IsEmpty)
            fields["cert_extensions"] = new JsonArray([.. options.Extensions.Select(extension => new JsonObject { ["name"] = extension.Key, ["value"] = extension.Value.Text })]);
        return fields;
    }

    private static RoleConditions ReadConditions(Cursor side, bool deny)
    {
        var logins = ImmutableArray.CreateBuilder<Template>();
        foreach (var (text, at) in side.Texts("logins"))
            if (deny && text.Contains('*', StringComparison.Ordinal) && text != "*")
                side.Fault(at, $"\"{text}\": in deny.logins a pattern is only \"*\", for every login");
            else if (Template.TryParse(text, out var fault) is not { } login)
                side.Fault(at, $"\"{text}\": {fault}");
            else if (!login.IsLiteral || Names.IsLogin(text) || (deny && text == "*"))
                logins.Add(login);
            else
                side.Fault(at, $"\"{text}\" is not a login; logins have the form {Names.LoginForm}");

        var labels = ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<NamePattern>>(StringComparer.Ordinal);
        foreach (var (key, values) in side.TextLists("node_labels"))
        {
            if (values.IsEmpty)
                side.Fault(key, $"the label {key.Text} has no value, so it would select nothing");
            else if (key.Text == "*" && values is not [("*", _)])
                side.Fault(key, "the label '*' goes only with the value '*'");
            else
                labels[key.Text] = Patterns(side, values);
        }

        var request = side.Map("request");
        var roles = Patterns(request, request.Texts("roles"));
        var (maxDuration, clock) = deny ? (null, RequestClock.Creation) : (request.Duration("max_duration"), ReadClock(request));
        var asking = deny ? RequestRules.None : ReadRules(request);
        var searching = Patterns(request, request.Texts("search_as_roles"));
        request.Done();
        var reviewing = ReadReviewing(side.Map("review_requests"));
        side.Unenforceable("node_labels_expression", _ => false);
        side.Unenforceable("require_session_join", _ => false);
        side.Elsewhere(NotAboutLogins);
        side.Done();
        return new RoleConditions(
            [.. logins.DistinctBy(login => login.Text)], labels.Count == 0 ? LabelSelector.None : new LabelSelector(labels.ToImmutable()), roles)
        {
            SearchAsRoles = searching,
            MaxRequestDuration = maxDuration == TimeSpan.Zero ? null : maxDuration,
            RequestClock = clock,
            Asking = asking,
            Reviewing = reviewing,
        };
    }

    private static RequestRules ReadRules(Cursor request)
    {
        var thresholds = request.Maps("thresholds").Select(ReadThreshold).ToImmutableArray();
        if (thresholds.Length > MostThresholds)
            request.Fault("thresholds", $"spec.allow.request.thresholds takes at most {MostThresholds} entries");
        if (!thresholds.IsEmpty && thresholds.All(threshold => threshold.Approve == 0))
            request.Warn("thresholds", "no threshold approves, so only an administrator does");
        var require = request.Text("require");
        if (require is not (null or "any" or "all"))
            request.Fault("require", "spec.allow.request.require takes any or all");
        var reason = request.Map("reason");
        var mode = reason.Text("mode");
        if (mode is not (null or "optional" or "required"))
            reason.Fault("mode", "spec.allow.request.reason.mode takes optional or required");
        var prompt = ReadPrompt(reason, "prompt");
        reason.Done();

        var suggested = ImmutableArray.CreateBuilder<string>();
        foreach (var (text, at) in request.Texts("suggested_reviewers"))
            if (Names.IsName(text))
                suggested.Add(text);
            else
                request.Fault(at, $"\"{text}\" is not the name of a user");
        if (suggested.Count > Requesting.MaxSuggestedReviewers)
            request.Fault("suggested_reviewers", $"spec.allow.request.suggested_reviewers takes at most {Requesting.MaxSuggestedReviewers} entries");

        var annotations = RequestRules.None.Annotations.ToBuilder();
        foreach (var (key, values) in request.TextLists("annotations"))
        {
            foreach (var (text, at) in values)
                if (text.Contains("{{", StringComparison.Ordinal))
                    request.Fault(at, $"\"{text}\": templates stand in logins and in values of cert_extensions only");
                else if (!Names.IsPlainText(text))
                    request.Fault(at, "the value of an annotation has control characters");
            annotations[key.Text] = [.. values.Select(value => value.Text)];
        }
        return new RequestRules(thresholds, require == "all", [.. suggested.Distinct(StringComparer.Ordinal)], mode == "required", prompt, annotations.ToImmutable());
    }

    private static ReviewThreshold ReadThreshold(Cursor threshold)
    {
        var name = threshold.Text("name") ?? "";
        if (name.Length > LongestPrompt || !Names.IsPlainText(name))
            threshold.Fault("name", $"the name of a threshold is one line of at most {LongestPrompt} characters");
        var read = new ReviewThreshold(
            name, ReadPredicate(threshold, "filter", PredicateScope.Filter), threshold.Number("approve", 0, Requesting.MaxReviews) ?? 0, threshold.Number("deny", 0, Requesting.MaxReviews) ?? 0);
        if (read is { Approve: 0, Deny: 0 })
            threshold.Warn("name", "a threshold without approve and deny decides nothing");
        threshold.Done();
        return read;
    }

    private static ReviewConditions ReadReviewing(Cursor reviewing)
    {
        var read = new ReviewConditions(Patterns(reviewing, reviewing.Texts("roles")), ReadPredicate(reviewing, "where", PredicateScope.Where));
        reviewing.NotYet("claims_to_roles", "preview_as_roles");
        reviewing.Done();
        return read;
    }

    private static Predicate? ReadPredicate(Cursor map, string field, PredicateScope scope)
    {
        // A field without a text says nothing, as in people's files.
        if (map.Text(field) is not { Length: > 0 } text)
            return null;
        if (!Names.IsPlainText(text.ReplaceLineEndings(" ")))
            map.Fault(field, $"{map.Full(field)} has control characters");
        else if (Predicate.TryParse(text, scope, out var fault) is { } predicate)
            return predicate;
        else
            map.Fault(field, $"{map.Full(field)}, column {fault!.Column}: {fault.What}");
        return null;
    }

    private static string ReadPrompt(Cursor map, string field)
    {
        var prompt = map.Text(field) ?? "";
        if (prompt.Length > LongestPrompt || !Names.IsPlainText(prompt))
            map.Fault(field, $"{map.Full(field)} takes one line of at most {LongestPrompt} characters");
        return prompt;
    }

    private static ImmutableArray<ReviewerEntry> ReadReviewers(Cursor spec)
    {
        var reviewers = ImmutableArray.CreateBuilder<ReviewerEntry>();
        foreach (var (text, at) in spec.Texts("reviewers"))
            if (ReviewerEntry.TryParse(text) is { } reviewer)
                reviewers.Add(reviewer);
            else
                spec.Fault(at, $"\"{text}\" is neither the name of a user nor role:NAME");
        if (reviewers.Count > MostReviewers)
            spec.Fault("reviewers", $"spec.reviewers takes at most {MostReviewers} entries");
        return [.. reviewers.Distinct()];
    }

    private static RequestClock ReadClock(Cursor request)
    {
        var clock = request.Text("clock");
        if (clock is not (null or "creation" or "approval"))
            request.Fault("clock", "spec.allow.request.clock takes creation or approval");
        return clock == "approval" ? RequestClock.Approval : RequestClock.Creation;
    }

    private static ImmutableArray<NamePattern> Patterns(Cursor side, ImmutableArray<(string Text, ResourceNode At)> texts)
    {
        var patterns = ImmutableArray.CreateBuilder<NamePattern>();
        foreach (var (text, at) in texts)
            if (text.Contains("{{", StringComparison.Ordinal))
                side.Fault(at, $"\"{text}\": templates stand in logins and in values of cert_extensions only");
            else if (text.Length == 0 || !Names.IsPlainText(text))
                side.Fault(at, "a name or pattern is empty or has control characters");
            else if (NamePattern.TryParse(text, out var fault) is { } pattern)
                patterns.Add(pattern);
            else
                side.Fault(at, $"\"{text}\": {fault}");
        return patterns.ToImmutable();
    }

    private static JsonObject WriteConditions(RoleConditions side)
    {
        var fields = new JsonObject();
        if (!side.Logins.IsEmpty)
            fields["logins"] = ResourceMetadata.Array(side.Logins.Select(login => login.Text));
        if (!side.NodeLabels.IsNone)
            fields["node_labels"] = new JsonObject(side.NodeLabels.Entries.Select(entry => KeyValuePair.Create<string, JsonNode?>(
                entry.Key, entry.Value is [var only] ? only.Text : ResourceMetadata.Array(entry.Value.Select(pattern => pattern.Text)))));
        var request = new JsonObject();
        if (!side.RequestRoles.IsEmpty)
            request["roles"] = ResourceMetadata.Array(side.RequestRoles.Select(pattern => pattern.Text));
        if (!side.SearchAsRoles.IsEmpty)
            request["search_as_roles"] = ResourceMetadata.Array(side.SearchAsRoles.Select(pattern => pattern.Text));
        if (side.MaxRequestDuration is { } duration)
            request["max_duration"] = Durations.Show(duration);
        if (side.RequestClock == RequestClock.Approval)
            request["clock"] = "approval";
        WriteRules(request, side.Asking);
        Add(fields, "request", request);
        var reviewing = new JsonObject();
        if (!side.Reviewing.Roles.IsEmpty)
            reviewing["roles"] = ResourceMetadata.Array(side.Reviewing.Roles.Select(pattern => pattern.Text));
        if (side.Reviewing.Where is { } where)
            reviewing["where"] = where.Text;
        Add(fields, "review_requests", reviewing);
        return fields;
    }

    private static void WriteRules(JsonObject request, RequestRules rules)
    {
        if (!rules.Thresholds.IsEmpty)
            request["thresholds"] = new JsonArray([.. rules.Thresholds.Select(WriteThreshold)]);
        if (rules.RequireAll)
            request["require"] = "all";
        if (!rules.SuggestedReviewers.IsEmpty)
            request["suggested_reviewers"] = ResourceMetadata.Array(rules.SuggestedReviewers);
        var reason = new JsonObject();
        if (rules.ReasonRequired)
            reason["mode"] = "required";
        if (rules.ReasonPrompt.Length > 0)
            reason["prompt"] = rules.ReasonPrompt;
        Add(request, "reason", reason);
        if (!rules.Annotations.IsEmpty)
            request["annotations"] = new JsonObject(rules.Annotations.Select(one => KeyValuePair.Create<string, JsonNode?>(one.Key, ResourceMetadata.Array(one.Value))));
    }

    // Counts as numbers, for jq; a reader takes them either way.
    private static JsonObject WriteThreshold(ReviewThreshold threshold)
    {
        var fields = new JsonObject();
        if (threshold.Name.Length > 0)
            fields["name"] = threshold.Name;
        if (threshold.Filter is { } filter)
            fields["filter"] = filter.Text;
        if (threshold.Approve > 0)
            fields["approve"] = threshold.Approve;
        if (threshold.Deny > 0)
            fields["deny"] = threshold.Deny;
        return fields;
    }

    private static void Add(JsonObject to, string name, JsonObject fields)
    {
        if (fields.Count > 0)
            to[name] = fields;
    }
}
