using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Changing users.</summary>
internal static class Users
{
    /// <summary>The word that takes every role from a user, which an empty list, the usual slip of a script, does not.</summary>
    public const string NoRoles = "none";

    /// <summary>Replaces lists of a user.</summary>
    public static async Task<AppliedResources> Update(Authority ca, Administrator by, UpdateUser ask)
    {
        var now = ca.Now();
        var unixUsers = Items(ask.UnixUsers)?.Select(text => UnixUser.TryParse(text) ?? throw Problems.Invalid($"\"{text}\" is neither an account name nor a uid")).Distinct().ToList();
        var logins = Items(ask.Logins);
        if (logins?.FirstOrDefault(login => !Names.IsGrantable(login)) is { } odd)
            throw Problems.Invalid($"\"{odd}\" is {Names.LoginFault(odd)}; nothing was changed", $"logins have the form {Names.LoginForm}; other values belong to another trait", new NextStep.Edit($"user/{ask.Name}"));
        var (warnings, withdrawn) = await ca.Database.Commit(transaction =>
        {
            var old = FindResource(transaction, ask.Name);
            var user = old with
            {
                Roles = ask.Roles is [NoRoles] ? [] : Items(ask.Roles) ?? old.Roles,
                UnixUsers = unixUsers is null ? old.UnixUsers : [.. unixUsers],
                Traits = logins is { } given ? old.Traits.SetItem("logins", given) : old.Traits,
            };
            ExpectRoles(transaction, user);
            var changed = !JsonNode.DeepEquals(UserResource.WriteSpec(old), UserResource.WriteSpec(user));
            transaction.PutUser(changed ? user with { Revision = old.Revision + 1 } : old);
            transaction.Audit(ResourceChanges.Entry(by.Caller, old, user, now) with { Granted = [.. user.Roles] });
            var taken = old.Roles.Except(user.Roles, StringComparer.Ordinal).ToList();
            return ((string[])[.. taken.Count > 0 ? [$"user '{user.Name}' no longer holds: {string.Join(", ", taken)}"] : (string[])[], .. Gaps(transaction, [], [user.Name])], Withdrawals.Review(ca, transaction, by.Caller, now));
        });
        await Withdrawals.Publish(ca, withdrawn);
        return withdrawn.Show([$"user '{ask.Name}' has been updated"], warnings);
    }

    /// <summary>Every assigned role must exist: a name that means nothing today would grant whatever bears it tomorrow.</summary>
    public static void ExpectRoles(Snapshot snapshot, User user)
    {
        var roles = snapshot.Policy().Roles;
        if (user.Roles.FirstOrDefault(name => !roles.ContainsKey(name)) is { } unknown)
            throw Problems.Invalid($"there is no role \"{unknown}\"; nothing was changed", roles.Count == 0 ? null : $"the roles are: {string.Join(", ", roles.Keys)}", roles.Count == 0 ? [new NextStep.Create()] : []);
    }

    /// <summary>Templates that stand for nothing: of these roles for whoever holds them, and of whatever these users hold. Users with the same gap share a line.</summary>
    /// <param name="snapshot">The state after the change.</param>
    /// <param name="roles">The names of the roles that changed.</param>
    /// <param name="users">The names of the users that changed.</param>
    public static IReadOnlyList<string> Gaps(Snapshot snapshot, HashSet<string> roles, HashSet<string> users)
    {
        var existing = snapshot.Policy().Roles;
        return
        [
            .. snapshot.Users()
                .SelectMany(user => user.Roles.Where(role => users.Contains(user.Name) || roles.Contains(role)).Where(existing.ContainsKey)
                    .SelectMany(role => RoleInUse.GapsOf(existing[role], user).Select(gap => (Role: role, Gap: gap, User: user.Name))))
                .GroupBy(one => (one.Role, one.Gap), one => one.User)
                .Select(same => same.Key.Gap.Said(same.Key.Role, same)),
        ];
    }

    public static User Find(Snapshot snapshot, string name) =>
        snapshot.FindUser(name) ?? throw Problems.NotFound($"there is no user \"{name}\"", NextStep.List.User);

    /// <summary>One that has a resource to change.</summary>
    public static User FindResource(Snapshot snapshot, string name) => Find(snapshot, name) is var user && !user.IsFromGroups
        ? user
        : throw new ProblemException(new Problem(
            ProblemCode.Conflict,
            $"user \"{name}\" comes from {(user.FromGroups.Length == 1 ? "the group" : "the groups")} {string.Join(", ", user.FromGroups)} and has no resource",
            "change the groups of the account, or users_from_groups in the configuration",
            Next: [new NextStep.AddUser(Name: name)]));

    private static ImmutableArray<string>? Items(string[]? items) =>
        items is null ? null : [.. items.Select(item => item.Trim()).Distinct(StringComparer.Ordinal)];
}
