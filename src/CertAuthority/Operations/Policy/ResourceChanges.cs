using System.Text.Json.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// What the audit says of a role, user, node or lock that was created, changed or removed: what it was, and what it became.
/// </summary>
internal static class ResourceChanges
{
    /// <summary>The entry of one change. It is the same whichever command made it.</summary>
    /// <param name="by">Who made it.</param>
    /// <param name="before">The resource, or the row that could not be read; null where there was none.</param>
    /// <param name="after">The resource; null where it is gone.</param>
    /// <param name="now">When.</param>
    public static AuditEntry Entry(Caller by, object? before, Resource? after, DateTimeOffset now)
    {
        var resource = after ?? before as Resource;
        var (kind, name) = (resource, before) switch
        {
            ({ } one, _) => (KindTable.Of(one), one.Name),
            (_, Unreadable row) => (KindTable.Named(row.Kind), row.Name),
            _ => throw new InvalidOperationException("there is no resource"),
        };
        var verb = after is null ? "removed" : before is Resource ? "updated" : "created";
        var entry = by.Did($"{kind.Name}.{verb}", now) with
        {
            Resource = $"{kind.Name}/{name}",
            Reason = resource is null ? "it could not be read" : null
        };
        return kind.About(entry, name, resource).Changing(Fields(before), Fields(after));
    }

    /// <summary>The entry with how something changed.</summary>
    public static AuditEntry Changing(this AuditEntry entry, JsonObject? before, JsonObject? after)
    {
        var (changes, leftOut) = ResourceDifference.Between(before, after);
        return entry with { Changes = changes.IsEmpty ? null : [.. changes], ChangesLeftOut = leftOut > 0 ? leftOut : null };
    }

    private static JsonObject? Fields(object? before) => before switch
    {
        null => null,
        // Nobody knows what it says, so it is one text.
        Unreadable row => new JsonObject { ["text"] = row.Text },
        Resource one => Fields(KindTable.Of(one).Compared(one)),
        _ => throw new InvalidOperationException($"a {before.GetType().Name} is no resource"),
    };

    /// <summary>
    /// What it says first, then what is said about it. Its kind and name are in the entry already, and the revision is only how often it
    /// was changed.
    /// </summary>
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
}
