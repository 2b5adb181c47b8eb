using System.Text;
using CertAuthority.Access;

namespace CertAuthority.Resources;

/// <summary>Resources out of the database: the text was checked when it was written, so a fault here means that somebody edited the file.</summary>
internal static class StoredResource
{
    public static Role Role(string json) => Read(json, RoleResource.Read);

    public static User User(string json) => Read(json, UserResource.Read);

    public static Node Node(string json) => Read(json, NodeResource.ReadStored);

    public static AccessLock Lock(string json) => Read(json, LockResource.Read);

    private static T Read<T>(string json, Func<string, Cursor, T> read)
    {
        var faults = new Faults("database");
        var root = ResourceText.Parse(Encoding.UTF8.GetBytes(json), faults) is [var document] ? Cursor.Root(document, faults) : null;
        root?.Required("kind");
        var resource = root is null ? default : read(root.Required("version"), root);
        return resource is null || faults.Any ? throw new InvalidDataException($"a resource in the database can not be read: {string.Join("; ", faults.Lines)}") : resource;
    }
}
