using CertAuthority.Access.Reach;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Users and the roles that they hold.</summary>
internal static class HeldRoles
{
    /// <summary>The word that takes every role from a user. An empty list, a common mistake in scripts, does not.</summary>
    public const string None = "none";

    /// <summary>Finds a user, with a resource or from groups.</summary>
    /// <exception cref="ProblemException">There is no such user.</exception>
    public static User Find(Snapshot snapshot, string name) =>
        snapshot.FindUser(name)
            ?? throw Problems.NotFound(
                $"there is no user \"{name}\"", NextStep.List.User, name, snapshot.Users().Select(user => user.Name));

    /// <summary>Finds a user that has a resource to change.</summary>
    /// <exception cref="ProblemException">There is no such user, or it comes from groups.</exception>
    public static User FindResource(Snapshot snapshot, string name) =>
        Find(snapshot, name) is var user && WithoutFile(user) is { } why ? throw why : user;

    /// <summary>Returns why a user cannot be changed or removed; null if they can.</summary>
    public static ProblemException? WithoutFile(User user) => !user.IsFromGroups
        ? null
        : new ProblemException(new Problem(
            ProblemCode.Conflict,
            $"user \"{user.Name}\" comes from {(user.FromGroups.Length == 1 ? "the group" : "the groups")} {string.Join(", ", user.FromGroups)} and has no resource",
            "change the groups of the account, or users_from_groups in the configuration",
            Next: [new NextStep.AddUser(Name: user.Name)]));

    /// <summary>Checks that every assigned role exists: a name without a role today would grant whatever gets that name later.</summary>
    public static void Expect(Snapshot snapshot, User user)
    {
        var roles = snapshot.Policy().Roles;
        if (user.Roles.FirstOrDefault(name => !roles.ContainsKey(name)) is { } unknown)
            throw Problems.Invalid(
                $"there is no role \"{unknown}\"; nothing was changed",
                roles.Count == 0 ? null : $"the roles are: {string.Join(", ", roles.Keys)}",
                roles.Count == 0 ? [new NextStep.Create()] : [.. NextSteps.Meant(unknown, roles.Keys)]);
    }

    /// <summary>
    /// Finds templates without a value: in these roles for every user who holds them, and in all roles that these users hold. Users with
    /// the same gap share a line. It reads every holder of a role with templates, so call it outside the transaction of the change.
    /// </summary>
    /// <param name="snapshot">The database: after the change, or before one that was only rehearsed.</param>
    /// <param name="policy">The policy after a rehearsed change; null for that of the database.</param>
    /// <param name="rehearsed">The users whom a rehearsed change writes or removes, by ID; null for those that are gone.</param>
    /// <param name="roles">The names of the roles that changed.</param>
    /// <param name="users">The names of the users that changed.</param>
    public static IReadOnlyList<string> Gaps(
        Snapshot snapshot, Policy? policy, IReadOnlyDictionary<Guid, User?> rehearsed, HashSet<string> roles, HashSet<string> users)
    {
        var existing = (policy ?? snapshot.Policy()).Roles;
        return
        [
            .. Holders(snapshot, roles.Where(role => existing.TryGetValue(role, out var changed) && changed.HasTemplates))
                .Concat(users.Select(snapshot.FindUser).OfType<User>()).Where(user => !rehearsed.ContainsKey(user.Id))
                .Concat(rehearsed.Values.OfType<User>()).DistinctBy(user => user.Id)
                .OrderBy(user => user.Name, StringComparer.Ordinal)
                .SelectMany(user => user.Roles.Where(role => users.Contains(user.Name) || roles.Contains(role)).Where(existing.ContainsKey)
                    .SelectMany(role => RoleInUse.GapsOf(existing[role], user).Select(gap => (Role: role, Gap: gap, User: user.Name))))
                .GroupBy(one => (one.Role, one.Gap), one => one.User)
                .Select(same => same.Key.Gap.Said(same.Key.Role, same)),
        ];
    }

    /// <summary>
    /// Handles the removal of a role in use: without force, the error names its holders; with force, they lose the role. Users who have it
    /// from groups keep its name and are refused, because only the configuration can change that.
    /// </summary>
    /// <exception cref="ProblemException">A user holds the role, and it is removed without force.</exception>
    public static ResourceEnding TakeFromHolders(ResourceRemoval removal)
    {
        var (transaction, role) = (removal.Transaction, removal.Name);
        var holders = Holders(transaction, [role]);
        if (holders.Count > 0 && !removal.Force)
            throw new ProblemException(new Problem(
                ProblemCode.Conflict,
                $"role '{role}' is held by {string.Join(", ", holders.Select(user => user.Name))}",
                Next: [new NextStep.AssignRoles(holders[0].Name), new NextStep.Remove($"role/{role}")]));
        var changed = new List<(Resource, Resource, string)>();
        foreach (var user in holders.Where(user => !user.IsFromGroups))
        {
            var without = user with { Roles = user.Roles.Remove(role), Revision = user.Revision + 1 };
            UserRow.Table.Put(transaction, without);
            changed.Add((user, without, $"role {role} was removed"));
        }
        return new ResourceEnding([], changed, holders.Exists(user => user.IsFromGroups)
            ? [
                $"users_from_groups still gives role '{role}', so whoever has it from a group cannot log in: take it out of the configuration, or create it again"]
            : []);
    }

    private static List<User> Holders(Snapshot snapshot, IEnumerable<string> roles) =>
    [
        .. roles.SelectMany(snapshot.HoldersOf).Distinct().Select(snapshot.FindUser).OfType<User>()
            .OrderBy(user => user.Name, StringComparer.Ordinal),
    ];
}
