using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Changing and removing users.</summary>
internal static class Users
{
    /// <summary>Replaces lists of a user. Empty items are dropped: the guide's own pipeline makes one for a user without roles.</summary>
    public static async Task<AppliedResources> Update(Ca ca, Administrator by, UpdateUser ask)
    {
        var now = ca.Now();
        var unixUsers = Items(ask.UnixUsers)?.Select(text => UnixUser.TryParse(text) ?? throw Verdicts.Invalid($"\"{text}\" is neither an account name nor a uid")).Distinct().ToList();
        await ca.Database.Commit(transaction =>
        {
            var old = Find(transaction, ask.Name);
            var user = old with
            {
                Roles = Items(ask.Roles) ?? old.Roles,
                UnixUsers = unixUsers is null ? old.UnixUsers : unixUsers.Count == 0 ? [UnixUser.Account(old.Name)] : [.. unixUsers],
                Traits = Items(ask.Logins) is { } logins ? old.Traits.SetItem("logins", logins) : old.Traits,
            };
            ExpectRoles(transaction, user);
            var changed = !JsonNode.DeepEquals(UserResource.WriteSpec(old), UserResource.WriteSpec(user));
            transaction.PutUser(changed ? user with { Revision = old.Revision + 1 } : old);
            transaction.Audit(by.Caller.Did("user.updated", now) with { User = user.Name, Resource = $"user/{user.Name}", Granted = [.. user.Roles] });
            return user;
        });
        return new AppliedResources([$"user '{ask.Name}' has been updated"], []);
    }

    /// <summary>Removes a user, ends his requests and revokes his certificates: who comes under the name next inherits nothing.</summary>
    public static async Task<UserRemoved> Remove(Ca ca, Administrator by, RemoveUser ask)
    {
        var now = ca.Now();
        var (revoked, ended) = await ca.Database.Commit(transaction =>
        {
            var user = Find(transaction, ask.Name);
            var open = transaction.RequestsOf(user).Where(request => request.StateAt(now) is RequestState.Pending or RequestState.Approved).ToList();
            foreach (var request in open)
            {
                var step = RequestTransitions.Find(request, RequestAction.Deny, RequestActor.Administrator, now).OrRefuse(ProblemCode.Conflict);
                var next = transaction.UpdateRequest(
                    request, Resolving.End(request, step, new RequestResolution(by.Caller.Name, now, "the user was removed")).OrRefuse());
                transaction.Audit(by.Caller.Did("request.denied", now) with
                {
                    User = user.Name,
                    Request = request.Id.ToString(),
                    State = RequestTransitions.Word(next.StoredState),
                    Asked = Shown.Names(request.Roles),
                    Reason = next.Resolution?.Reason,
                });
            }
            var revoked = Revocations.Revoke(transaction, by.Caller, transaction.LiveCertificates(user.Id, now), now);
            transaction.RemoveUser(user);
            transaction.Audit(by.Caller.Did("user.removed", now) with { User = user.Name, Resource = $"user/{user.Name}" });
            return (revoked, open);
        });
        ended.ForEach(request => ca.Watch.Changed(request.Id));
        if (revoked.Length > 0)
            await ca.Krl.Publish();
        return new UserRemoved(revoked, [.. ended.Select(request => request.Id.ToString())]);
    }

    /// <summary>Every assigned role must exist: a name that means nothing today would grant whatever bears it tomorrow.</summary>
    public static void ExpectRoles(Snapshot snapshot, User user)
    {
        var roles = snapshot.Policy().Roles;
        if (user.Roles.FirstOrDefault(name => !roles.ContainsKey(name)) is { } unknown)
            throw Verdicts.Invalid($"there is no role \"{unknown}\"; nothing was changed", roles.Count == 0 ? "create it with tctl create" : $"the roles are: {string.Join(", ", roles.Keys)}");
    }

    private static User Find(Snapshot snapshot, string name) =>
        snapshot.FindUser(name) ?? throw new ProblemException(new Problem(ProblemCode.NotFound, $"there is no user \"{name}\"", "tctl users ls lists them"));

    private static ImmutableArray<string>? Items(string[]? items) =>
        items is null ? null : [.. items.Select(item => item.Trim()).Where(item => item.Length > 0).Distinct(StringComparer.Ordinal)];
}
