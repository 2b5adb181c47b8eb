using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access;

namespace CertAuthority.Resources;

/// <summary><c>kind: role</c>: text to <see cref="Role"/> and back. Field by field as in the guide's files.</summary>
internal static class RoleResource
{
    /// <summary>Reads what is below <c>kind</c> and <c>version</c>. The role has no id and revision yet.</summary>
    public static Role Read(string version, Cursor root)
    {
        if (version is not ("v3" or "v4" or "v5" or "v6" or "v7" or "v8"))
            root.Fault("version", "a role has version v3 to v8");
        var metadata = root.Map("metadata");
        var name = ResourceMetadata.Name(metadata, Names.IsName, Names.Form);
        var description = ResourceMetadata.Description(metadata);
        var labels = metadata.TextMap("labels");
        metadata.NotYet("expires");
        metadata.Done();

        var spec = root.Map("spec");
        spec.NotYet("reviewers");
        var allow = ReadConditions(spec.Map("allow"), deny: false);
        var deny = ReadConditions(spec.Map("deny"), deny: true);
        var options = spec.Map("options");
        var ttl = options.Duration("max_session_ttl");
        options.NotYet("request_access", "request_prompt", "forward_agent", "port_forwarding", "permit_x11_forwarding", "source_address",
            "force_command", "verify_required", "cert_extensions", "pin_source_ip", "client_idle_timeout", "disconnect_expired_cert",
            "record_session", "require_session_mfa", "lock", "max_sessions", "max_connections");
        options.Done();
        spec.Done();
        root.Done();

        // v3 is the guide's own version, where logins alone mean all hosts. Later versions have no default.
        if (version == "v3" && allow.NodeLabels.IsNone && !allow.Logins.IsEmpty)
            allow = allow with { NodeLabels = LabelSelector.All };
        return new Role(Guid.Empty, name, version, 0, description, labels, allow, deny, ttl == TimeSpan.Zero ? null : ttl);
    }

    /// <summary>The spec as it would be written; what decides whether the revision counts up.</summary>
    public static JsonObject WriteSpec(Role role)
    {
        var spec = new JsonObject();
        Add(spec, "allow", WriteConditions(role.Allow));
        Add(spec, "deny", WriteConditions(role.Deny));
        if (role.MaxSessionTtl is { } ttl)
            spec["options"] = new JsonObject { ["max_session_ttl"] = Durations.Show(ttl) };
        return spec;
    }

    public static JsonObject Write(Role role) =>
        ResourceMetadata.Write("role", role.Version, role.Name, role.Revision, role.Description, role.Labels, WriteSpec(role));

    private static RoleConditions ReadConditions(Cursor side, bool deny)
    {
        var logins = ImmutableArray.CreateBuilder<string>();
        foreach (var (text, at) in side.Texts("logins"))
            if (text.Contains("{{", StringComparison.Ordinal))
                side.Fault(at, $"\"{text}\": templates are not yet supported");
            else if (deny && text.Contains('*', StringComparison.Ordinal) && text != "*")
                side.Fault(at, $"\"{text}\": in deny.logins a pattern is only \"*\", for every login");
            else if (Names.IsLogin(text) || (deny && text == "*"))
                logins.Add(text);
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
        request.NotYet("search_as_roles", "thresholds", "require", "suggested_reviewers", "max_duration", "clock", "reason", "annotations");
        request.Done();
        side.NotYet("review_requests");
        side.Done();
        return new RoleConditions(
            [.. logins.Distinct(StringComparer.Ordinal)], labels.Count == 0 ? LabelSelector.None : new LabelSelector(labels.ToImmutable()), roles);
    }

    private static ImmutableArray<NamePattern> Patterns(Cursor side, ImmutableArray<(string Text, ResourceNode At)> texts)
    {
        var patterns = ImmutableArray.CreateBuilder<NamePattern>();
        foreach (var (text, at) in texts)
            if (text.Length == 0 || !Names.IsPlainText(text))
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
            fields["logins"] = ResourceMetadata.Array(side.Logins);
        if (!side.NodeLabels.IsNone)
            fields["node_labels"] = new JsonObject(side.NodeLabels.Entries.Select(entry => KeyValuePair.Create<string, JsonNode?>(
                entry.Key, entry.Value is [var only] ? only.Text : ResourceMetadata.Array(entry.Value.Select(pattern => pattern.Text)))));
        if (!side.RequestRoles.IsEmpty)
            fields["request"] = new JsonObject { ["roles"] = ResourceMetadata.Array(side.RequestRoles.Select(pattern => pattern.Text)) };
        return fields;
    }

    private static void Add(JsonObject to, string name, JsonObject fields)
    {
        if (fields.Count > 0)
            to[name] = fields;
    }
}
