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
        spec.NotYet("reviewers");
        var allow = ReadConditions(spec.Map("allow"), deny: false);
        var deny = ReadConditions(spec.Map("deny"), deny: true);
        var options = ReadOptions(spec.Map("options"));
        spec.Done();
        root.Done();

        // v3 is the guide's own version, where logins alone mean all hosts. Later versions have no default.
        if (version == "v3" && allow.NodeLabels.IsNone && !allow.Logins.IsEmpty)
            allow = allow with { NodeLabels = LabelSelector.All };
        return new Role(Guid.Empty, name, version, 0, description, labels, expires, allow, deny, options);
    }

    /// <summary>The spec as it would be written; what decides whether the revision counts up.</summary>
    public static JsonObject WriteSpec(Role role)
    {
        var spec = new JsonObject();
        Add(spec, "allow", WriteConditions(role.Allow));
        Add(spec, "deny", WriteConditions(role.Deny));
        Add(spec, "options", WriteOptions(role.Options));
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
        };
        options.NotYet("request_access", "request_prompt");
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
        request.NotYet("search_as_roles", "thresholds", "require", "suggested_reviewers", "reason", "annotations");
        request.Done();
        side.NotYet("review_requests");
        side.Unenforceable("node_labels_expression", _ => false);
        side.Unenforceable("require_session_join", _ => false);
        side.Elsewhere(NotAboutLogins);
        side.Done();
        return new RoleConditions(
            [.. logins.DistinctBy(login => login.Text)], labels.Count == 0 ? LabelSelector.None : new LabelSelector(labels.ToImmutable()), roles)
        {
            MaxRequestDuration = maxDuration == TimeSpan.Zero ? null : maxDuration,
            RequestClock = clock,
        };
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
        if (side.MaxRequestDuration is { } duration)
            request["max_duration"] = Durations.Show(duration);
        if (side.RequestClock == RequestClock.Approval)
            request["clock"] = "approval";
        Add(fields, "request", request);
        return fields;
    }

    private static void Add(JsonObject to, string name, JsonObject fields)
    {
        if (fields.Count > 0)
            to[name] = fields;
    }
}
