using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Creating and reading roles, users, nodes and locks.</summary>
internal static class ResourceFiles
{
    private const int LargestFile = 1 << 20;

    /// <summary>Creates, or with force replaces, every resource of a file. All faults of the file are told at once, and then nothing is done.</summary>
    public static async Task<AppliedResources> Apply(Authority ca, Administrator by, ApplyResources ask)
    {
        if (ask.Content.Length > LargestFile)
            throw new ProblemException(new Problem(ProblemCode.Limited, $"a resource file has at most {LargestFile} bytes"));
        var (resources, remarks) = Parse(ca, ask);
        var now = ca.Now();
        var (done, warnings, withdrawn) = await ca.Database.Commit(transaction =>
        {
            var done = new List<string>();
            var warnings = new List<string>(remarks);
            var ended = new List<EndedRequest>();
            foreach (var (resource, madeFrom) in resources)
            {
                var applied = resource switch
                {
                    Role role => Put(ca, transaction, role, madeFrom, ask.Force, warnings, now),
                    User user => Put(transaction, by.Caller, user, madeFrom, ask.Force, ended, now),
                    Node node => Put(transaction, node, madeFrom, ask.Force),
                    AccessLock one => Put(transaction, one, madeFrom, ask.Force),
                    _ => throw new InvalidOperationException($"no table holds a {resource.GetType().Name}"),
                };
                if (ask.Edits is not null && applied.Verb == "created")
                    throw new ProblemException(new Problem(ProblemCode.Conflict, $"{ask.Edits} was removed meanwhile", Next: [new NextStep.Create()]));
                done.Add($"{applied.Kind} '{applied.Name}' has been {applied.Verb}");
                transaction.Audit(ResourceChanges.Entry(by.Caller, applied.Before, resource, now));
            }
            // After everything is in place: a file may hold a user before the role that is assigned to them.
            foreach (var (resource, _) in resources)
                if (resource is User user)
                    Users.ExpectRoles(transaction, user);
                else if (resource is Node node)
                    LoginDomains.Expect(transaction, node);
                else if (resource is Role role)
                    warnings.AddRange(LoginDomains.Warnings(transaction, role));
                else if (resource is AccessLock one)
                    warnings.AddRange(Locks.Warnings(transaction, one, now));
            warnings.AddRange(Users.Gaps(
                transaction, [.. resources.Select(one => one.Resource).OfType<Role>().Select(role => role.Name)], [.. resources.Select(one => one.Resource).OfType<User>().Select(user => user.Name)]));
            return (done, warnings, Withdrawals.Review(ca, transaction, by.Caller, now, ended));
        }, takesAway: !ask.Force && resources.TrueForAll(one => one.Resource is AccessLock));
        await Withdrawals.Publish(ca, withdrawn);
        return withdrawn.Show(done, warnings);
    }

    public static Task<ResourceList> Get(Authority ca, Administrator by, GetResources ask)
    {
        var found = ca.Database.Read(snapshot => ask.Kind switch
        {
            "role" => Named(snapshot.Policy().Roles.Values, role => role.Name, RoleResource.Write),
            "user" => Named(snapshot.Users().Where(user => ask.FromGroups || !user.IsFromGroups), user => user.Name, UserResource.Show),
            "node" => Named(snapshot.Policy().Nodes.Values, node => node.Name, NodeResource.Write),
            "lock" => Named(snapshot.Policy().Locks.Values, one => one.Name, LockResource.Write),
            // Of one moment, so that what users hold is there.
            "all" =>
            [
                .. Named(snapshot.Policy().Roles.Values, role => role.Name, RoleResource.Write),
                .. Named(snapshot.Policy().Nodes.Values, node => node.Name, NodeResource.Write),
                .. Named(snapshot.Users().Where(user => !user.IsFromGroups), user => user.Name, UserResource.Write),
                .. Named(snapshot.Policy().Locks.Values, one => one.Name, LockResource.Write),
            ],
            _ => throw ResourceChanges.NoSuchKind(ask.Kind),
        });
        return Task.FromResult(found.Length == 0 && ask.Name is not null
            ? throw Problems.NotFound($"there is no {ask.Kind} \"{ask.Name}\"", ask.Kind)
            : new ResourceList(found));

        JsonElement[] Named<T>(IEnumerable<T> all, Func<T, string> name, Func<T, JsonObject> write) =>
            [.. all.Where(one => ask.Name is null || name(one) == ask.Name).Select(one => JsonSerializer.SerializeToElement(write(one), ProtocolJson.Lenient.Of<JsonObject>()))];
    }

    private static (List<(object Resource, long? MadeFrom)> Resources, IReadOnlyList<string> Remarks) Parse(Authority ca, ApplyResources ask)
    {
        if (ask.Revision is not null && !long.TryParse(ask.Revision, out _))
            throw Problems.Invalid($"\"{ask.Revision}\" is not a revision");
        var faults = new Faults(ask.File, ask.DropUnenforceable);
        var resources = new List<(object, long?)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var document in ResourceText.Parse(ask.Content, faults))
        {
            if (FieldReader.Root(document, faults) is not { } root)
                continue;
            var kind = root.Required("kind");
            var version = root.Required("version");
            object? resource = kind switch
            {
                "role" => RoleResource.Read(version, root),
                "user" => UserResource.Read(version, root),
                "node" => NodeResource.Read(version, root),
                "lock" => LockResource.Read(version, root),
                _ => null,
            };
            if (resource is null && kind.Length > 0)
                root.Fault("kind", $"there is no kind \"{kind}\"; the kinds are role, user, node and lock");
            if (resource is User { Traits: var traits } && traits.TryGetValue("logins", out var logins) && logins.FirstOrDefault(login => !Names.IsGrantable(login)) is { } odd)
                root.Fault("spec", $"\"{odd}\" is {Names.LoginFault(odd)}; the values of the trait logins have the form {Names.LoginForm}, and other values belong to another trait");
            if (resource is Role { Name: Users.NoRoles })
                root.Fault("metadata", $"\"{Users.NoRoles}\" stands for no role where the roles of a user are set; call the role something else");
            if (resource is Node { OtherCas: var others } && others.Select(other => Own(ca, other)).FirstOrDefault(own => own is not null) is { } mine)
                root.Fault("spec", $"spec.other_cas has the {mine} of this authority, which is no other");
            var name = resource switch { Role role => role.Name, User user => user.Name, Node node => node.Name, AccessLock one => one.Name, _ => "" };
            if (name.Length > 0 && !names.Add($"{kind}/{name}"))
                root.Fault("metadata", $"{kind} \"{name}\" stands in this file twice");
            else if (name.Length > 0 && ask.Edits is { } edits && edits != $"{kind}/{name}")
                root.Fault("metadata", $"this is {kind}/{name}, and {edits} was to be edited; create another one from a file of its own");
            if (resource is not null)
                resources.Add((resource, ask.Revision is { } from ? long.Parse(from) : ResourceMetadata.Revision(document)));
        }
        if (faults.Any)
            throw new ProblemException(new Problem(ProblemCode.Invalid, $"{ask.File} has faults; nothing was changed", Faults: faults.Lines, Next: faults.Next));
        return resources.Count > 0 ? (resources, faults.Warnings) : throw Problems.Invalid($"{ask.File} holds no resource");
    }

    // A line that is no key has its fault already.
    private static string? Own(Authority ca, string line)
    {
        try
        {
            return ca.Owns(PublicKey.ParseOtherAuthority(line));
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    private static Applied Put(Authority ca, Transaction transaction, Role role, long? madeFrom, bool force, List<string> warnings, DateTimeOffset now)
    {
        if (role.IsOver(now))
            warnings.Add($"role '{role.Name}' is over since {Instants.Show(role.Expires!.Value)}: it grants nothing, and what it denies and limits stays");
        if (role.Allow.Logins.IsEmpty && role.Allow.RequestRoles.IsEmpty && role.Allow.Reviewing.Roles.IsEmpty)
            warnings.Add($"role '{role.Name}' grants no login");
        if (role.Allow.MaxRequestDuration > ca.Limits.Access)
            warnings.Add($"role '{role.Name}' has a max_duration of {Durations.Show(role.Allow.MaxRequestDuration.Value)}; access ends after the site's maximum of {Durations.Show(ca.Limits.Access)}");
        var old = transaction.Policy().Roles.GetValueOrDefault(role.Name);
        var applied = Next("role", role.Name, old?.Id, old?.Revision, madeFrom, force, old is null ? null : RoleResource.WriteSpec(old), RoleResource.WriteSpec(role));
        transaction.PutRole(role with { Id = applied.Id, Revision = applied.Revision });
        return applied with { Before = old };
    }

    /// <summary>One that comes from groups is no resource to be replaced: it goes, and what it had ends, for who gets the name now is whom the file says.</summary>
    private static Applied Put(Transaction transaction, Caller by, User user, long? madeFrom, bool force, List<EndedRequest> ended, DateTimeOffset now)
    {
        var old = transaction.FindUser(user.Name);
        if (old is { IsFromGroups: true })
        {
            ended.AddRange(RequestChanges.EndAllOf(transaction, by, old, "a user resource took the place of the user from groups", now));
            transaction.RemoveUser(old);
            transaction.Audit(ResourceChanges.Entry(by, old, null, now) with { Reason = "replaced by a resource" });
            old = null;
        }
        var applied = Next("user", user.Name, old?.Id, old?.Revision, madeFrom, force, old is null ? null : UserResource.WriteSpec(old), UserResource.WriteSpec(user));
        transaction.PutUser(user with { Id = applied.Id, Revision = applied.Revision });
        return applied with { Before = old };
    }

    private static Applied Put(Transaction transaction, Node node, long? madeFrom, bool force)
    {
        var old = transaction.Policy().Nodes.GetValueOrDefault(node.Name);
        var unreadable = old is null ? transaction.FindUnreadable("node", node.Name) : null;
        var applied = Next("node", node.Name, old?.Id, old?.Revision, madeFrom, force, old is null ? null : Everything(old), Everything(node));
        transaction.PutNode(node with { Id = applied.Id, Revision = applied.Revision });
        return applied with { Before = (object?)old ?? unreadable };

        static JsonObject Everything(Node node) => NodeResource.Write(node with { Revision = 0 });
    }

    private static Applied Put(Transaction transaction, AccessLock one, long? madeFrom, bool force)
    {
        var old = transaction.Policy().Locks.GetValueOrDefault(one.Name);
        var applied = Next("lock", one.Name, old?.Id, old?.Revision, madeFrom, force, old is null ? null : LockResource.WriteSpec(old), LockResource.WriteSpec(one));
        transaction.PutLock(one with { Id = applied.Id, Revision = applied.Revision });
        return applied with { Before = old };
    }

    /// <summary>The id and the revision that a resource gets: its own again when it is replaced, and a new revision only with a new spec.</summary>
    private static Applied Next(
        string kind, string name, Guid? oldId, long? oldRevision, long? madeFrom, bool force, JsonObject? oldSpec, JsonObject spec)
    {
        if (oldId is null)
            return new Applied(kind, name, "created", Guid.NewGuid(), 1);
        if (!force)
            throw new ProblemException(new Problem(ProblemCode.Conflict, $"{kind} '{name}' exists already", Next: [new NextStep.Create(Replace: true)]));
        if (madeFrom is { } revision && revision != oldRevision)
            throw new ProblemException(new Problem(
                ProblemCode.Conflict, $"{kind} '{name}' was changed since this file was made from it: revision {revision} then, {oldRevision} now", "get it again, or take metadata.revision out of the file"));
        return new Applied(kind, name, "updated", oldId.Value, JsonNode.DeepEquals(oldSpec, spec) ? oldRevision!.Value : oldRevision!.Value + 1);
    }

    private sealed record Applied(string Kind, string Name, string Verb, Guid Id, long Revision)
    {
        /// <summary>What was in its place; null for nothing.</summary>
        public object? Before { get; init; }
    }
}
