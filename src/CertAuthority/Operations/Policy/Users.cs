using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Changes users.</summary>
internal static class Users
{
    /// <summary>Replaces lists of a user, such as their roles.</summary>
    public static async Task<AppliedResources> Update(Authority ca, Administrator by, UpdateUser ask)
    {
        var now = ca.Now();
        var unixUsers = Items(
            ask.UnixUsers)?.Select(
                text => UnixUser.TryParse(text) ?? throw Problems.Invalid($"\"{text}\" is neither an account name nor a uid")).Distinct()
                .ToList();
        var logins = Items(ask.Logins);
        if (logins?.FirstOrDefault(login => !Names.IsGrantable(login)) is { } odd)
            throw Problems.Invalid(
                $"\"{odd}\" is {Names.LoginFault(odd)}; nothing was changed",
                $"logins have the form {Names.LoginForm}; other values belong to another trait", new NextStep.Edit($"user/{ask.Name}"));
        var (warnings, withdrawn) = await ca.Database.Commit(transaction =>
        {
            var old = HeldRoles.FindResource(transaction, ask.Name);
            var user = old with
            {
                Roles = ask.Roles is [HeldRoles.None] ? [] : Items(ask.Roles) ?? old.Roles,
                UnixUsers = unixUsers is null ? old.UnixUsers : [.. unixUsers],
                Traits = logins is { } given ? old.Traits.SetItem("logins", given) : old.Traits,
            };
            HeldRoles.Expect(transaction, user);
            var changed = !JsonNode.DeepEquals(UserResource.WriteSpec(old), UserResource.WriteSpec(user));
            UserRow.Table.Put(transaction, changed ? user with { Revision = old.Revision + 1 } : old);
            transaction.Audit(ResourceChanges.Entry(by.Caller, old, user, now) with { Granted = [.. user.Roles] });
            var taken = old.Roles.Except(user.Roles, StringComparer.Ordinal).ToList();
            return (
                taken.Count > 0 ? [$"user '{user.Name}' no longer holds: {string.Join(", ", taken)}"] : (string[])[],
                Withdrawals.Review(ca, transaction, by.Caller, now));
        });
        withdrawn = await OwedWithdrawals.Finish(ca, by.Caller, withdrawn);
        var gaps = ca.Database.Read(snapshot => HeldRoles.Gaps(
            snapshot, policy: null, ImmutableDictionary<Guid, User?>.Empty, [], [ask.Name]));
        return withdrawn.Show([new AppliedResource(ResourceKinds.User, ask.Name, AppliedStates.Updated)], [.. warnings, .. gaps]);
    }

    private static ImmutableArray<string>? Items(string[]? items) =>
        items is null ? null : [.. items.Select(item => item.Trim()).Distinct(StringComparer.Ordinal)];
}
