using System.Text;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Access.Values;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Resources;

/// <summary>A file's text through the reader, as a person would write it.</summary>
internal static class Text
{
    public static Role Role(string text) => One(text, RoleResource.Read);

    public static User User(string text) => One(text, UserResource.Read);

    public static Node Node(string text) => One(text, NodeResource.Read);

    public static AccessLock Lock(string text) => One(text, LockResource.Read);

    public static string[] RoleFaults(string text) => Read(Encoding.UTF8.GetBytes(text), RoleResource.Read).Faults;

    /// <summary>A line each.</summary>
    public static (string Faults, string Warnings) RoleRemarks(string text, bool dropsUnenforceable = false)
    {
        var faults = new Faults("f", dropsUnenforceable);
        Read(Encoding.UTF8.GetBytes(text), RoleResource.Read, faults);
        return (string.Join('\n', faults.Lines), string.Join('\n', faults.Warnings));
    }

    public static Role RoleDropping(string text) => Assert.Single(Read(Encoding.UTF8.GetBytes(text), RoleResource.Read, new Faults("f", dropsUnenforceable: true)));

    /// <summary>What is wrong with the resources of an export, and what was dropped from them.</summary>
    public static (string[] Faults, string[] Dropped) Dropping<T>(string text, Func<string, FieldReader, T> read)
    {
        var faults = new Faults("f", dropsUnenforceable: true);
        Read(Encoding.UTF8.GetBytes(text), read, faults);
        return (faults.Lines, [.. faults.Warnings]);
    }

    /// <summary>What would help against what is still wrong with an export after drops.</summary>
    public static NextStep[]? Next<T>(string text, Func<string, FieldReader, T> read)
    {
        var faults = new Faults("f", dropsUnenforceable: true);
        Read(Encoding.UTF8.GetBytes(text), read, faults);
        return faults.Next;
    }

    public static string[] UserFaults(string text) => Read(Encoding.UTF8.GetBytes(text), UserResource.Read).Faults;

    public static string[] LockFaults(string text) => Read(Encoding.UTF8.GetBytes(text), LockResource.Read).Faults;

    public static string[] NodeFaults(string text) => Read(Encoding.UTF8.GetBytes(text), NodeResource.Read).Faults;

    public static (IReadOnlyList<ResourceNode> Documents, string[] Faults) Parse(string text) => Parse(Encoding.UTF8.GetBytes(text));

    public static (IReadOnlyList<ResourceNode> Documents, string[] Faults) Parse(byte[] bytes)
    {
        var faults = new Faults("f");
        return (ResourceText.Parse(bytes, faults), faults.Lines);
    }

    /// <summary>A resource as the next start of the daemon reads it.</summary>
    public static T Stored<T>(ResourceTable<T> table, T one) where T : Resource => table.Read(table.Write(one), one.Name);

    private static T One<T>(string text, Func<string, FieldReader, T> read)
    {
        var (resources, faults) = Read(Encoding.UTF8.GetBytes(text), read);
        Assert.Empty(faults);
        return Assert.Single(resources);
    }

    private static (List<T> Resources, string[] Faults) Read<T>(byte[] bytes, Func<string, FieldReader, T> read)
    {
        var faults = new Faults("f");
        return (Read(bytes, read, faults), faults.Lines);
    }

    private static List<T> Read<T>(byte[] bytes, Func<string, FieldReader, T> read, Faults faults)
    {
        var resources = new List<T>();
        foreach (var document in ResourceText.Parse(bytes, faults))
            if (FieldReader.Root(document, faults) is { } root)
            {
                root.Required("kind");
                resources.Add(read(root.Required("version"), root));
            }
        return resources;
    }
}
