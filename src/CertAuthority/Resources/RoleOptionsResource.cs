using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;

namespace CertAuthority.Resources;

/// <summary>Reads the options of a role: the limits of its sessions, and what they may do.</summary>
internal static class RoleOptionsResource
{
    // A certificate has room for a few next to its principals; more addresses belong in a firewall.
    private const int MostEntries = 32;

    public static RoleOptions Read(FieldReader options)
    {
        var ttl = options.Duration("max_session_ttl");
        var read = new RoleOptions
        {
            MaxSessionTtl = ttl == TimeSpan.Zero ? null : ttl,
            ForwardAgent = options.Flag("forward_agent"),
            PortForwarding = options.Flag("port_forwarding") | ReadPortForwarding(options),
            X11Forwarding = options.Flag("permit_x11_forwarding"),
            Conditions = ReadConditions(options),
            Extensions = ReadExtensions(options),
            RequestAccess = ReadRequestAccess(options),
            RequestPrompt = RequestRulesResource.ReadPrompt(options, "request_prompt"),
        };
        foreach (var field in (string[])["disconnect_expired_cert", "pin_source_ip", "require_session_mfa"])
            options.Unenforceable(field, FieldReader.IsNo);
        foreach (var field in (string[])["client_idle_timeout", "mfa_verification_interval"])
            options.Unenforceable(
                field, text => text is "0" or "never" || (Durations.TryParse(text, out var duration) && duration == TimeSpan.Zero));
        foreach (var field in (string[])["max_connections", "max_sessions"])
            options.Unenforceable(field, text => text == "0");
        options.Unenforceable("cert_format", text => text == "standard");
        options.Unenforceable("device_trust_mode", text => text is "off" or "optional");
        options.Unenforceable("enhanced_recording", _ => false);
        options.Unenforceable("lock", text => text == "best_effort");
        options.Unenforceable("ssh_file_copy", FieldReader.IsYes);
        var recording = options.Map("record_session");
        recording.Elsewhere("desktop");
        recording.Unenforceable("default", FieldReader.IsNo);
        recording.Unenforceable("ssh", FieldReader.IsNo);
        recording.Done();
        options.Elsewhere(
            "create_db_user", "create_db_user_mode", "create_desktop_user", "create_host_user", "create_host_user_default_shell",
            "create_host_user_mode",
            "desktop_clipboard", "desktop_directory_sharing", "idp", "max_kubernetes_connections");
        options.Done();
        return read;
    }

    public static JsonObject Write(RoleOptions options)
    {
        var fields = new JsonObject();
        if (options.MaxSessionTtl is { } ttl)
            fields["max_session_ttl"] = Durations.Show(ttl);
        foreach (var (field, set) in new[]
                 {
                     ("forward_agent", options.ForwardAgent),
                     ("port_forwarding", options.PortForwarding),
                     ("permit_x11_forwarding", options.X11Forwarding),
                 })
            if (set)
                fields[field] = true;
        if (options.RequestAccess != RequestAccess.Optional)
            fields["request_access"] = options.RequestAccess.ToString().ToLowerInvariant();
        if (options.RequestPrompt.Length > 0)
            fields["request_prompt"] = options.RequestPrompt;
        foreach (var condition in SessionCondition.All)
            if (options.Conditions.TryGetValue(condition.Name, out var value))
                fields[condition.Field] = condition.Form switch
                {
                    ConditionForm.Flag => true,
                    ConditionForm.List => ResourceMetadata.Array(value.Split(',')),
                    _ => value,
                };
        if (!options.Extensions.IsEmpty)
            fields["cert_extensions"] = new JsonArray(
                [.. options.Extensions.Select(extension => new JsonObject { ["name"] = extension.Key, ["value"] = extension.Value.Text })]);
        return fields;
    }

    private static RequestAccess ReadRequestAccess(FieldReader options)
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

    // v8 separates the two directions; one extension of a certificate permits both.
    private static bool ReadPortForwarding(FieldReader options)
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

    private static ImmutableSortedDictionary<string, string> ReadConditions(FieldReader options) =>
        SessionCondition.All.Aggregate(SessionConditions.None, (conditions, condition) => conditions.With(condition, condition.Form switch
        {
            ConditionForm.Flag => options.Flag(condition.Field) ? "" : null,
            ConditionForm.List => ReadList(options, condition),
            _ => ReadText(options, condition),
        }));

    private static string? ReadText(FieldReader options, SessionCondition condition)
    {
        if (options.Text(condition.Field) is not { } text)
            return null;
        if (condition.Read(text) is { } value && Names.IsPlainText(value))
            return value;
        options.Fault(condition.Field, $"spec.options.{condition.Field} takes {condition.Takes}");
        return null;
    }

    private static string? ReadList(FieldReader options, SessionCondition condition)
    {
        var values = new List<string>();
        var texts = options.TextsUnlessEmpty(condition.Field, condition.Absent);
        foreach (var (text, at) in texts)
            if (condition.Read(text) is { } value)
                values.Add(value);
            else
                options.Fault(at, $"\"{text}\" is not {condition.Takes}");
        if (texts.Length > MostEntries)
            options.Fault(condition.Field, $"spec.options.{condition.Field} takes at most {MostEntries} entries");
        return values is [] ? null : string.Join(',', values.Distinct(StringComparer.Ordinal));
    }

    private static ImmutableSortedDictionary<string, Template> ReadExtensions(FieldReader options)
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
            else if (!Names.IsPlainText(text))
                extension.Fault("value", "the value of an extension has control or invisible characters");
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
}
