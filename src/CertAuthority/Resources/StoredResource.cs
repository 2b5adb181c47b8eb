using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Resources;

/// <summary>A resource in the database cannot be read. The message names it and every fault.</summary>
/// <param name="kind">Its kind, which is the name of its table in the singular.</param>
/// <param name="name">Its name.</param>
/// <param name="faults">A line for each.</param>
internal sealed class UnreadableResourceException(string kind, string name, IEnumerable<string> faults) : Exception($"{kind} \"{name}\": {string.Join("; ", faults)}")
{
    /// <summary>Its kind, which is the name of its table in the singular.</summary>
    public string Kind => kind;

    /// <summary>Its name.</summary>
    public string Name => name;
}

/// <summary>
/// Resources out of the database. The text was checked when it was written, so a fault here means that somebody edited the file,
/// or that an earlier version accepted what this one refuses.
/// </summary>
internal static class StoredResource
{
    public static Role Role(string json) => Read(json, RoleResource.Read);

    public static User User(string json) => Read(json, UserResource.Read);

    public static Node Node(string json) => Read(json, NodeResource.Read);

    public static AccessLock Lock(string json) => Read(json, LockResource.Read);

    private static T Read<T>(string json, Func<string, FieldReader, T> read)
    {
        var faults = new Faults("database", isStored: true);
        var root = ResourceText.Parse(Encoding.UTF8.GetBytes(json), faults) is [var document] ? FieldReader.Root(document, faults) : null;
        root?.Required("kind");
        var resource = root is null ? default : read(root.Required("version"), root);
        return resource is null || faults.Any ? throw Unreadable(json, faults) : resource;
    }

    private static Exception Unreadable(string json, Faults faults)
    {
        try
        {
            if (JsonNode.Parse(json) is JsonObject resource && resource["kind"]?.GetValue<string>() is { } kind && resource["metadata"] is JsonObject metadata && metadata["name"]?.GetValue<string>() is { } name)
                return new UnreadableResourceException(kind, name, faults.Lines);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not even a resource.
        }
        return new InvalidDataException($"a resource in the database cannot be read: {string.Join("; ", faults.Lines)}");
    }
}
