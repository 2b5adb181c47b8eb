using System.Text.Json.Nodes;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>What the audit says of a role, user, node or lock that was created, changed or removed: what it was, and what it became.</summary>
internal static class ResourceChanges
{
    /// <summary>The entry of one change. It is the same whichever command made it.</summary>
    /// <param name="by">Who made it.</param>
    /// <param name="before">The resource, or the row that could not be read; null where there was none.</param>
    /// <param name="after">The resource; null where it is gone.</param>
    /// <param name="now">When.</param>
    public static AuditEntry Entry(Caller by, object? before, object? after, DateTimeOffset now)
    {
        var (kind, name) = (after ?? before) switch
        {
            Role role => ("role", role.Name),
            User user => ("user", user.Name),
            Node node => ("node", node.Name),
            AccessLock one => ("lock", one.Name),
            Unreadable row => (row.Kind, row.Name),
            _ => throw new InvalidOperationException("there is no resource"),
        };
        var verb = after is null ? "removed" : before is null or Unreadable ? "created" : "updated";
        var target = ((after ?? before) as AccessLock)?.Target;
        return (by.Did($"{kind}.{verb}", now) with
        {
            User = kind == "user" ? name : target?.Kind == LockKind.User ? target.Name : null,
            Request = target?.Kind == LockKind.Request ? target.Name : null,
            Resource = $"{kind}/{name}",
            Reason = (after ?? before) switch
            {
                AccessLock one => one.Message.Length > 0 ? $"{one.Target}: {one.Message}" : one.Target.ToString(),
                Unreadable => "it could not be read",
                _ => null,
            },
        }).Changing(Fields(before), Fields(after));
    }

    /// <summary>The entry with how something changed.</summary>
    public static AuditEntry Changing(this AuditEntry entry, JsonObject? before, JsonObject? after)
    {
        var (changes, leftOut) = ResourceDifference.Between(before, after);
        return entry with { Changes = changes.IsEmpty ? null : [.. changes], ChangesLeftOut = leftOut > 0 ? leftOut : null };
    }

    private static JsonObject? Fields(object? resource) => resource switch
    {
        null => null,
        Role role => Fields(RoleResource.Write(role)),
        User user => Fields(Owned(user)),
        Node node => Fields(NodeResource.Write(node)),
        AccessLock one => Fields(LockResource.Write(one)),
        // Nobody knows what it says, so it is one text.
        Unreadable row => new JsonObject { ["text"] = row.Text },
        _ => throw new InvalidOperationException($"nothing writes a {resource.GetType().Name}"),
    };

    /// <summary>Also the account that a user has without saying so, for a change may take it away.</summary>
    private static JsonObject Owned(User user)
    {
        var resource = UserResource.Show(user);
        var spec = resource["spec"]!.AsObject();
        if (!spec.ContainsKey("unix_users"))
            spec.Insert(1, "unix_users", ResourceMetadata.Array(user.UnixUsers.Select(entry => entry.ToString())));
        return resource;
    }

    /// <summary>What it says first, then what is said about it. Its kind and name are in the entry already, and the revision is only how often it was changed.</summary>
    private static JsonObject Fields(JsonObject resource)
    {
        if (resource["metadata"] is JsonObject metadata)
        {
            metadata.Remove("name");
            metadata.Remove("revision");
            if (metadata.Count == 0)
                resource.Remove("metadata");
        }
        resource.Remove("kind");
        if (resource["spec"] is { } spec)
        {
            resource.Remove("spec");
            resource.Insert(0, "spec", spec);
        }
        return resource;
    }

    /// <summary>The refusal for a kind that does not exist.</summary>
    public static ProblemException NoSuchKind(string kind) => Problems.Invalid($"there is no kind of resource \"{kind}\"", "the kinds are role, user, node and lock");
}
