using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Resources;

/// <summary>Converts <c>kind: role</c> between text and <see cref="Role"/>, field by field as in the guide's files.</summary>
internal static class RoleResource
{
    private const int MostReviewers = 100;

    /// <summary>Reads what is below <c>kind</c> and <c>version</c>. The role has no ID and revision yet.</summary>
    public static Role Read(string version, FieldReader root)
    {
        if (version is not ("v3" or "v4" or "v5" or "v6" or "v7" or "v8"))
            root.Fault("version", "a role has version v3 to v8");
        var metadata = root.Map("metadata");
        var name = ResourceMetadata.Name(metadata, Names.IsName, Names.Form);
        var description = ResourceMetadata.Description(metadata);
        var labels = metadata.TextMap("labels");
        var expires = metadata.Instant("expires");
        metadata.Done();

        var spec = root.Map("spec");
        var reviewers = ReadReviewers(spec);
        var allow = RoleConditionsResource.Read(spec.Map("allow"), deny: false);
        var deny = RoleConditionsResource.Read(spec.Map("deny"), deny: true);
        var options = RoleOptionsResource.Read(spec.Map("options"));
        spec.Done();
        root.Foreign("sub_kind", "scope");
        root.Done();

        // v3 is the version that the guide uses; in it, logins alone mean all hosts. Later versions have no default.
        if (version == "v3" && allow.NodeLabels.IsNone && !allow.Logins.IsEmpty)
            allow = allow with { NodeLabels = LabelSelector.All };
        return new Role(Guid.Empty, name, version, 0, description, labels, expires, allow, deny, options) { Reviewers = reviewers };
    }

    /// <summary>Writes the spec as a file would contain it. A change of it increases the revision.</summary>
    public static JsonObject WriteSpec(Role role)
    {
        var spec = new JsonObject();
        ResourceMetadata.AddUnlessEmpty(spec, "allow", RoleConditionsResource.Write(role.Allow));
        ResourceMetadata.AddUnlessEmpty(spec, "deny", RoleConditionsResource.Write(role.Deny));
        ResourceMetadata.AddUnlessEmpty(spec, "options", RoleOptionsResource.Write(role.Options));
        if (!role.Reviewers.IsEmpty)
            spec["reviewers"] = ResourceMetadata.Array(role.Reviewers.Select(reviewer => reviewer.ToString()));
        return spec;
    }

    public static JsonObject Write(Role role) =>
        ResourceMetadata.Write(
            ResourceKinds.Role, role.Version, role.Name, role.Revision, role.Description, role.Labels, WriteSpec(role), role.Expires);

    private static ImmutableArray<ReviewerEntry> ReadReviewers(FieldReader spec)
    {
        var reviewers = ImmutableArray.CreateBuilder<ReviewerEntry>();
        foreach (var (text, at) in spec.Texts("reviewers"))
            if (ReviewerEntry.TryParse(text) is { } reviewer)
                reviewers.Add(reviewer);
            else
                spec.Fault(at, $"\"{text}\" is neither the name of a user nor role:NAME");
        if (reviewers.Count > MostReviewers)
            spec.Fault("reviewers", $"spec.reviewers takes at most {MostReviewers} entries");
        return [.. reviewers.Distinct()];
    }
}
