using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Resources;

/// <summary>Converts <c>kind: user</c> between text and <see cref="User"/>.</summary>
internal static class UserResource
{
    /// <summary>Reads what is below <c>kind</c> and <c>version</c>. The user has no ID and revision yet.</summary>
    public static User Read(string version, FieldReader root)
    {
        if (version != "v2")
            root.Fault("version", "a user has version v2");
        var metadata = root.Map("metadata");
        var name = ResourceMetadata.Name(metadata, Names.IsName, Names.Form);
        metadata.NoEnd("expires", "give the user roles with metadata.expires");
        metadata.Foreign("labels", "description");
        metadata.Done();

        var spec = root.Map("spec");
        var roles = ImmutableArray.CreateBuilder<string>();
        foreach (var (text, at) in spec.Texts("roles"))
            if (Names.IsName(text))
                roles.Add(text);
            else
                spec.Fault(at, $"\"{text}\" is not the name of a role");

        var unixUsers = ImmutableArray.CreateBuilder<UnixUser>();
        foreach (var (text, at) in spec.TextsUnlessEmpty("unix_users", "the account of the user's name"))
            if (UnixUser.TryParse(text) is { } entry)
                unixUsers.Add(entry);
            else
                spec.Fault(at, $"\"{text}\" is neither an account name nor a uid");

        var traits = ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<string>>(StringComparer.Ordinal);
        foreach (var (key, values) in spec.TextLists("traits"))
        {
            foreach (var (text, at) in values)
                if (!Names.IsPlainText(text))
                    spec.Fault(at, "the value of a trait has control or invisible characters");
            traits[key.Text] = [.. values.Select(value => value.Text)];
        }
        spec.NoEnd("expires", "give the user roles with metadata.expires");
        spec.Foreign("created_by", "local_auth", "oidc_identities", "saml_identities", "github_identities", "trusted_device_ids");
        var status = spec.Map("status");
        if (status.Flag("is_locked"))
            status.Fault(
                "is_locked", $"the user is locked there, and could log in here; lock them first, then take spec.status out",
                new NextStep.Lock(name));
        status.Foreign("locked_message", "locked_time", "lock_expires", "recovery_attempt_lock_expires");
        status.Done();
        spec.Done();
        root.Foreign("sub_kind", "scope", "status");
        root.Done();
        return new User(
            Guid.Empty,
            name,
            0,
            [.. roles.Distinct(StringComparer.Ordinal)],
            unixUsers.Count == 0 ? [UnixUser.Account(name)] : [.. unixUsers.Distinct()],
            traits.ToImmutable());
    }

    public static JsonObject WriteSpec(User user)
    {
        var spec = new JsonObject { ["roles"] = ResourceMetadata.Array(user.Roles) };
        // The default is not written: when read back, a name of digits would become a uid.
        if (user.UnixUsers is not [var only] || only != UnixUser.Account(user.Name))
            spec["unix_users"] = ResourceMetadata.Array(user.UnixUsers.Select(entry => entry.ToString()));
        if (!user.Traits.IsEmpty)
            spec["traits"] = new JsonObject(
                user.Traits.Select(trait => KeyValuePair.Create<string, JsonNode?>(trait.Key, ResourceMetadata.Array(trait.Value))));
        return spec;
    }

    /// <summary>Writes a user for a list: a user from groups is marked as such, and cannot be applied again.</summary>
    public static JsonObject Write(User user)
    {
        var resource = ResourceMetadata.Write(
            ResourceKinds.User, "v2", user.Name, user.Revision, "", ImmutableSortedDictionary<string, string>.Empty, WriteSpec(user));
        if (user.IsFromGroups)
            resource["metadata"]!["from_groups"] = ResourceMetadata.Array(user.FromGroups);
        return resource;
    }

    /// <summary>Includes the account that a user has by default, because a change may take it away.</summary>
    public static JsonObject WriteOwned(User user)
    {
        var resource = Write(user);
        var spec = resource["spec"]!.AsObject();
        if (!spec.ContainsKey("unix_users"))
            spec.Insert(1, "unix_users", ResourceMetadata.Array(user.UnixUsers.Select(entry => entry.ToString())));
        return resource;
    }
}
