using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;

namespace CertAuthority.Tctl;

/// <summary>The resource of a node, as an enrollment creates, changes and restores it.</summary>
internal static class NodeResources
{
    /// <summary>Returns the resource of a node that does not exist yet.</summary>
    public static JsonObject New(EnrollingHost host, EnrollmentTerms terms, string[] otherCas)
    {
        var name = host.At.Host.Contains(':') ? $"[{host.At.Host}]" : host.At.Host;
        var spec = new JsonObject { ["addr"] = terms.Address ?? (host.At.Port is { } port ? $"{name}:{port}" : name) };
        if (otherCas.Length > 0)
            spec["other_cas"] = Keys(otherCas);
        if (terms.Via is { } via)
            spec["via"] = via;
        if (terms.Jump)
            spec["jump"] = true;
        if (terms.KeepKeys == true)
            spec["keep_keys"] = true;
        return new JsonObject
        {
            ["kind"] = ResourceKinds.Node,
            ["version"] = "v2",
            ["metadata"] = new JsonObject
            {
                ["name"] = host.Node,
                ["labels"] = new JsonObject(host.Labels.Select(label => KeyValuePair.Create<string, JsonNode?>(label.Key, label.Value))),
            },
            ["spec"] = spec,
        };
    }

    /// <summary>
    /// Returns a resource that the daemon listed, without its revision, because it is to replace whatever is there.
    /// </summary>
    public static JsonObject Plain(JsonElement resource)
    {
        var plain = JsonObject.Create(resource)!.DeepClone().AsObject();
        plain["metadata"]!.AsObject().Remove("revision");
        return plain;
    }

    /// <summary>Returns the resource with another value of a setting.</summary>
    public static JsonObject With(this JsonObject resource, string setting, JsonNode value)
    {
        var changed = resource.DeepClone().AsObject();
        changed["spec"]!.AsObject()[setting] = value;
        return changed;
    }

    /// <summary>Returns the value of a list of keys.</summary>
    public static JsonArray Keys(string[] keys) => new([.. keys.Select(key => JsonValue.Create(key))]);

    /// <summary>Creates the node, or, with <paramref name="replaces"/>, replaces it.</summary>
    public static Task<AppliedResources> Apply(this CaClient ca, JsonObject resource, bool replaces, CancellationToken cancellation) =>
        ca.Send(
            Routes.ApplyResources,
            new ApplyResources(Encoding.UTF8.GetBytes(resource.ToJsonString()), ResourceKinds.Node, Force: replaces), cancellation);
}
