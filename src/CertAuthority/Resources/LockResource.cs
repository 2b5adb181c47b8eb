using System.Text.Json.Nodes;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Resources;

/// <summary>Converts <c>kind: lock</c> between text and <see cref="AccessLock"/>.</summary>
internal static class LockResource
{
    // Targets that Teleport's locks can name and that do not exist here, with what to write instead.
    private static readonly (string Field, string Why)[] Elsewhere =
    [
        ("access_request",
            "is the id of a request in Teleport, which nothing here has; lock a request of this daemon by request: ID, or the user by user: NAME"),
        ("server_id", "is the id of a server in Teleport, which nothing here has; lock the node by node: NAME"),
        ("mfa_device", "is a device that Teleport knows; lock whoever owns it by user: NAME"),
        ("device", "is a device that Teleport knows; lock whoever owns it by user: NAME"),
        ("windows_desktop", "is a desktop that Teleport reaches, and nothing here does; leave this lock out"),
        ("bot_instance_id", "is a bot in Teleport; lock the user that it acts as by user: NAME"),
        ("join_token", "is a token of Teleport's, and nothing joins here; leave this lock out"),
    ];

    private static readonly LockTarget Nobody = new(LockKind.User, "");

    /// <summary>Reads what is below <c>kind</c> and <c>version</c>. The lock has no ID and revision yet.</summary>
    public static AccessLock Read(string version, FieldReader root)
    {
        if (version != "v2")
            root.Fault("version", "a lock has version v2");
        var metadata = root.Map("metadata");
        var name = ResourceMetadata.Name(metadata, Names.IsName, Names.Form);
        metadata.NoEnd("expires", "the end of a lock stands in spec.expires");
        metadata.Foreign("labels", "description");
        metadata.Done();

        var spec = root.Map("spec");
        var target = ReadTarget(spec);
        var message = spec.Text("message") ?? "";
        if (Names.ReasonFault(message) is { } fault)
            spec.Fault("message", fault.Message.Replace("the reason", "spec.message", StringComparison.Ordinal));
        var expires = spec.Instant("expires");
        spec.Foreign("created_at", "created_by");
        spec.Done();
        root.Foreign("sub_kind", "scope");
        root.Done();
        return new AccessLock(Guid.Empty, name, 0, target, message, expires);
    }

    public static JsonObject WriteSpec(AccessLock one)
    {
        var spec = new JsonObject { ["target"] = new JsonObject { [LockTarget.Word(one.Target.Kind)] = one.Target.Name } };
        if (one.Message.Length > 0)
            spec["message"] = one.Message;
        if (one.Expires is { } end)
            spec["expires"] = Instants.Show(end);
        return spec;
    }

    public static JsonObject Write(AccessLock one) =>
        ResourceMetadata.Write(ResourceKinds.Lock, "v2", one.Name, one.Revision, "", new Dictionary<string, string>(), WriteSpec(one));

    // A lock has one target: if it had several, matching all of them would lock less than meant, and matching any of them more.
    private static LockTarget ReadTarget(FieldReader spec)
    {
        var fields = spec.Map("target");
        var targets = new List<LockTarget>();
        foreach (var kind in Enum.GetValues<LockKind>())
            if (fields.Text(LockTarget.Word(kind)) is { } name)
            {
                targets.Add(new LockTarget(kind, name));
                if (targets[^1].Fault is { } fault)
                    fields.Fault(LockTarget.Word(kind), fault);
            }
        // Never dropped: a lock without its target would lock nothing, or, with another target, the wrong thing.
        foreach (var (field, why) in Elsewhere)
            if (fields.Text(field) is { Length: > 0 })
            {
                fields.Fault(field, $"spec.target.{field} {why}");
                return Nobody;
            }
        fields.Done();
        if (targets.Count != 1)
            spec.Fault("target", "spec.target has one of user, role, login, node and request");
        return targets.FirstOrDefault() ?? Nobody;
    }
}
