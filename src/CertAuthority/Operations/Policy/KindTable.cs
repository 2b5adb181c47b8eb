using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// The kinds of resources, one row for each. All code that handles any kind of resource walks this table; a new kind is one more row.
/// </summary>
internal static class KindTable
{
    private static readonly ResourceKind<Role> Roles = new(RoleRow.Table, RoleResource.Read, RoleResource.Write)
    {
        Columns =
        [
            new("Role", "metadata.name"), new("Logins", "spec.allow.logins"), new("Node Labels", "spec.allow.node_labels"),
            new("May Request", "spec.allow.request.roles"), new("Max Session", "spec.options.max_session_ttl"),
        ],
        Listing = snapshot => snapshot.Policy().Roles.Values,
        Finding = (snapshot, name) => snapshot.Policy().Roles.GetValueOrDefault(name),
        Checking = (_, role, root) =>
        {
            if (role.Name == HeldRoles.None)
                root.Fault(
                    "metadata", $"\"{HeldRoles.None}\" stands for no role where the roles of a user are set; call the role something else");
        },
        Preparing = (to, role) =>
        {
            if (role.IsOver(to.Now))
                to.Warnings.Add(
                    $"role '{role.Name}' is over since {Instants.Show(role.Expires!.Value)}: it grants nothing, and what it denies and limits stays");
            if (role.Allow.Logins.IsEmpty && role.Allow.RequestRoles.IsEmpty && role.Allow.Reviewing.Roles.IsEmpty)
                to.Warnings.Add($"role '{role.Name}' grants no login");
            if (role.Allow.MaxRequestDuration > to.Ca.Limits.Access)
                to.Warnings.Add(
                    $"role '{role.Name}' has a max_duration of {Durations.Show(role.Allow.MaxRequestDuration.Value)}; access ends after the site's maximum of {Durations.Show(to.Ca.Limits.Access)}");
        },
        Accepting = (snapshot, role, _) => LoginDomains.Warnings(snapshot, role),
        Ending = HeldRoles.TakeFromHolders,
        Keeping = _ => null,
    };

    private static readonly ResourceKind<Node> Nodes = new(NodeRow.Table, NodeResource.Read, NodeResource.Write)
    {
        Columns = [new("Node", "metadata.name"), new("Address", "spec.addr"), new("Labels", "metadata.labels")],
        RemovingTakesAway = true,
        Listing = snapshot => snapshot.Policy().Nodes.Values,
        Finding = (snapshot, name) => snapshot.Policy().Nodes.GetValueOrDefault(name),
        Checking = (ca, node, root) =>
        {
            if (node.OtherCas.Select(line => OwnKey(ca, line)).FirstOrDefault(own => own is not null) is { } mine)
                root.Fault("spec", $"spec.other_cas has the {mine} of this authority, which is no other");
        },
        Keeping = one => ((Node)one).Push ? "the daemon writes to it" : null,
        // A node's labels are policy as much as its spec.
        Counting = node => NodeResource.Write(node with { Revision = 0 }),
        Accepting = (snapshot, node, now) =>
        {
            LoginDomains.Expect(snapshot, node);
            JumpHosts.Expect(snapshot, node);
            return node.IsOver(now) ? [$"node '{node.Name}' is over since {Instants.Show(node.Expires!.Value)}: nothing opens it"] : [];
        },
        Ending = removal => EndAll(
            removal, removal.Id is { } id ? removal.Transaction.OpenRequestsFor(id, removal.Now) : [],
            $"the node {removal.Name} was removed"),
    };

    private static readonly ResourceKind<NodeGroup> NodeGroups = new(NodeGroupRow.Table, NodeGroupResource.Read, NodeGroupResource.Write)
    {
        Columns = [new("Group", "metadata.name"), new("Node Labels", "spec.node_labels")],
        RemovingTakesAway = true,
        Listing = snapshot => snapshot.Policy().DeclaredGroups.Select(members => members.Group),
        // A group with other hosts is another one for whoever holds its token.
        Completing = (old, given) => given with
        {
            Token = old?.Selector.IsLike(given.Selector) == true ? old.Token : NodeGroupRow.NewToken(given.Name),
        },
        Keeping = _ => null,
    };

    private static readonly ResourceKind<User> Users = new(UserRow.Table, UserResource.Read, UserResource.Write)
    {
        Columns =
        [
            new("User", "metadata.name"), new("Roles", "spec.roles"), new("Logins", "spec.traits.logins"),
            new("Unix Users", "spec.unix_users"),
            new("From Groups", "metadata.from_groups", WhereAny: true),
        ],
        RemovingTakesAway = true,
        WithoutFile = HeldRoles.WithoutFile,
        Keeping = _ => null,
        Checking = (_, user, root) =>
        {
            if (user.Traits.TryGetValue("logins", out var logins) && logins.FirstOrDefault(login => !Names.IsGrantable(login)) is { } odd)
                root.Fault(
                    "spec",
                    $"\"{odd}\" is {Names.LoginFault(odd)}; the values of the trait logins have the form {Names.LoginForm}, and other values belong to another trait");
        },
        Comparing = UserResource.WriteOwned,
        Concerning = (entry, name, _) => entry with { User = name },
        // A user from groups is not a resource that a file can replace: it is removed with all that it had, because from now on the file
        // defines the user of that name.
        Preparing = (to, user) =>
        {
            if (to.Transaction.FindUser(user.Name) is not { IsFromGroups: true } old)
                return;
            to.Ended.AddRange(
                RequestChanges.EndAllOf(to.Transaction, to.By, old.Id, "a user resource took the place of the user from groups", to.Now));
            UserRow.Table.Remove(to.Transaction, old);
            to.Replaced.Add((old, "replaced by a resource"));
        },
        // A file may contain a user before the role that is assigned to them.
        Accepting = (snapshot, user, _) =>
        {
            HeldRoles.Expect(snapshot, user);
            return [];
        },
        Ending = removal => removal.Id is { } id
            ? new ResourceEnding(RequestChanges.EndAllOf(removal.Transaction, removal.By, id, "the user was removed", removal.Now), [], [])
            : ResourceEnding.Nothing,
    };

    private static readonly ResourceKind<AccessLock> Locks = new(LockRow.Table, LockResource.Read, LockResource.Write)
    {
        Columns = [new("Lock", "metadata.name"), new("Target", "spec.target"), new("Message", "spec.message"),
            new("Expires", "spec.expires")],
        CreatingTakesAway = true,
        HasIds = true,
        Listing = snapshot => snapshot.Policy().Locks.Values,
        Finding = (snapshot, name) => snapshot.Policy().Locks.GetValueOrDefault(name),
        Concerning = (entry, _, one) => one is null ? entry : entry with
        {
            User = one.Target.Kind == LockKind.User ? one.Target.Name : null,
            Request = one.Target.Kind == LockKind.Request ? one.Target.Name : null,
            Reason = one.Message.Length > 0 ? $"{one.Target}: {one.Message}" : one.Target.ToString(),
        },
        Accepting = LockTargets.Warnings,
    };

    /// <summary>All kinds, in an order in which their resources can be created.</summary>
    public static readonly IReadOnlyList<ResourceKind> Rows = [Roles, Nodes, NodeGroups, Users, Locks];

    /// <summary>Finds the kind with this name.</summary>
    /// <exception cref="ProblemException">There is no such kind.</exception>
    public static ResourceKind Named(string name) => Rows.FirstOrDefault(kind => kind.Name == name)
        ?? throw Problems.Invalid(
            $"there is no kind of resource \"{name}\"", $"the kinds are {List}",
            [.. NextSteps.Meant(name, Rows.Select(kind => kind.Name))]);

    /// <summary>Finds the kind of a resource.</summary>
    public static ResourceKind Of(Resource one) => Rows.First(kind => kind.Has(one));

    /// <summary>The names of all kinds, for use in a sentence.</summary>
    public static string List => $"{string.Join(", ", Rows.SkipLast(1).Select(kind => kind.Name))} and {Rows[^1].Name}";

    private static ResourceEnding EndAll(ResourceRemoval removal, IEnumerable<AccessRequest> requests, string reason) =>
        new(
            [
                .. requests.Select(
                    request => RequestChanges.EndBecause(
                        removal.Transaction, removal.By, request, RequestAction.Deny, reason, removal.Now))], [], []);

    // A line that is not a key has its own fault already.
    private static string? OwnKey(Authority ca, string line)
    {
        try
        {
            return ca.Keys.Owns(PublicKey.ParseOtherAuthority(line));
        }
        catch (SshFormatException)
        {
            return null;
        }
    }
}
