using System.Text.Json.Nodes;
using CertAuthority.Access.Values;

namespace CertAuthority.Resources;

/// <summary>The parts that all kinds of resources share: kind, version and metadata around a spec.</summary>
internal static class ResourceMetadata
{
    public static string Name(FieldReader metadata, Func<string, bool> isName, string form)
    {
        var name = metadata.Required("name");
        if (name.Length > 0 && !isName(name))
            metadata.Fault("name", $"\"{name}\" is not a name; names have the form {form}");
        // A resource that the daemon returned can be applied again; applying it over a newer revision is rejected.
        if (metadata.Text("revision") is { } revision && !long.TryParse(revision, out _))
            metadata.Warn("revision", "metadata.revision is not a number, so it is none of this daemon's and counts for nothing");
        // Exports contain this field.
        metadata.Elsewhere("id");
        if (metadata.Text("namespace") is not (null or "default"))
            metadata.Fault("namespace", "there is no namespace here but default");
        return name;
    }

    /// <summary>Returns the revision that a file was made from; null if the file contains none.</summary>
    public static long? Revision(ResourceNode document) =>
        Child(Child(document, "metadata"), "revision") is ResourceNode.Scalar scalar && long.TryParse(scalar.Text, out var revision)
            ? revision
            : null;

    public static string Description(FieldReader metadata)
    {
        var description = metadata.Text("description") ?? "";
        if (!Names.IsPlainText(description))
            metadata.Fault("description", "metadata.description takes plain text without control or invisible characters");
        return description;
    }

    public static JsonObject Write(
        string kind, string version, string name, long revision, string description, IReadOnlyDictionary<string, string> labels,
        JsonObject spec, DateTimeOffset? expires = null)
    {
        var metadata = new JsonObject { ["name"] = name };
        if (description.Length > 0)
            metadata["description"] = description;
        if (labels.Count > 0)
            metadata["labels"] = new JsonObject(labels.Select(label => KeyValuePair.Create<string, JsonNode?>(label.Key, label.Value)));
        if (expires is { } end)
            metadata["expires"] = Instants.Show(end);
        metadata["revision"] = revision.ToString();
        return new JsonObject { ["kind"] = kind, ["version"] = version, ["metadata"] = metadata, ["spec"] = spec };
    }

    public static JsonArray Array(IEnumerable<string> texts) => [.. texts.Select(text => (JsonNode?)text)];

    private static ResourceNode? Child(ResourceNode? node, string field) =>
        node is ResourceNode.Map map ? map.Entries.FirstOrDefault(entry => entry.Key.Text == field).Value : null;

    public static void AddUnlessEmpty(JsonObject to, string name, JsonObject fields)
    {
        if (fields.Count > 0)
            to[name] = fields;
    }
}
