using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Writes audit entries for a role, user, node or lock that was created, changed or removed: its state before and after.</summary>
internal static class ResourceChanges
{
    // Letters as they are, as other programs write them too.
    private static readonly JsonSerializerOptions AsTyped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Creates the entry of one change. It is the same for every command that makes the change.</summary>
    /// <param name="by">The caller who made the change.</param>
    /// <param name="before">The resource, or the row that could not be read; null if there was none.</param>
    /// <param name="after">The resource after the change; null if it was removed.</param>
    /// <param name="now">The time of the change.</param>
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
        var entry = by.Did(AuditEvents.Of(kind.Name, verb), now) with
        {
            Resource = $"{kind.Name}/{name}",
            Reason = resource is null ? "it could not be read" : null,
            Digest = after is null ? null : Digest(kind.Write(after)),
        };
        return kind.About(entry, name, resource).Changing(Fields(before), Fields(after));
    }

    /// <summary>Adds to the entry how something changed.</summary>
    public static AuditEntry Changing(this AuditEntry entry, JsonObject? before, JsonObject? after)
    {
        var (changes, leftOut) = ResourceDifference.Between(before, after);
        return entry with { Changes = changes.IsEmpty ? null : [.. changes], ChangesLeftOut = leftOut > 0 ? leftOut : null };
    }

    /// <summary>Returns the SHA-256, in hex, of the resource as a file on one line, without its revision.</summary>
    private static string Digest(JsonObject resource)
    {
        if (resource["metadata"] is JsonObject metadata)
            metadata.Remove("revision");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(resource.ToJsonString(AsTyped))));
    }

    private static JsonObject? Fields(object? before) => before switch
    {
        null => null,
        // The content of an unreadable row is unknown, so it is kept as one text.
        Unreadable row => new JsonObject { ["text"] = row.Text },
        Resource one => Fields(KindTable.Of(one).Compared(one)),
        _ => throw new InvalidOperationException($"a {before.GetType().Name} is no resource"),
    };

    /// <summary>
    /// Returns the fields of the resource, the spec first. The entry already has the kind and name, and the revision only counts changes.
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
