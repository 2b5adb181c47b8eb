using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>The checks made each time an approved request is used: an approval is a permission to ask, not a ticket.</summary>
public static class RequestUse
{
    /// <summary>Returns the roles that the request grants its user now, or why it grants nothing.</summary>
    /// <param name="request">
    /// The request. The caller has checked that it belongs to <paramref name="user"/>, so that "not found" and "not yours" are one answer.
    /// </param>
    /// <param name="user">The user as it is now.</param>
    /// <param name="roles">Every role that exists now.</param>
    /// <param name="locks">What is locked now.</param>
    /// <param name="now">The instant of use.</param>
    public static Outcome<IReadOnlyList<Role>> Grants(
        AccessRequest request, User user, IReadOnlyDictionary<string, Role> roles, LocksInForce locks, DateTimeOffset now)
    {
        // The user must be the same one, not merely have the same name.
        if (request.UserId != user.Id)
            return new Refusal($"request {request.Id} does not exist or is not yours");
        switch (request.StateAt(now))
        {
            case RequestState.Approved:
                break;
            case RequestState.Pending:
                return new Refusal($"request {request.Id} is not approved yet") { Remedy = new Remedy.WaitFor(request.Id) };
            case RequestState.Denied:
                return new Refusal($"request {request.Id} was denied{Because(request)}");
            case var ended:
                return new Refusal(
                    $"request {request.Id} is {RequestTransitions.Word(ended)}",
                    Kind: ended == RequestState.Expired ? RefusalKind.Expired : RefusalKind.Denied)
                { Remedy = Again(request) };
        }
        if (locks.On(LockKind.Request, request.Id.ToString()) is { } locked)
            return locked.Refusal;
        if (now < request.Terms.AssumeFrom)
            return new Refusal(
                $"access request cannot be assumed until {Instants.Show(request.Terms.AssumeFrom.Value)}", Kind: RefusalKind.Conflict)
            {
                Remedy = new Remedy.LogInWith(request.Id)
            };
        var assigned = user.AssignedAt(now, roles);
        if (request.Roles.FirstOrDefault(asked => !RequestRights.MayRequest(assigned, asked.Name, request.Kind)) is { } lost)
            return new Refusal($"user \"{user.Name}\" can no longer request role \"{lost.Name}\"");
        if (FirstChanged(request.GrantedRoles, roles) is { } changed)
            return new Refusal($"the role {changed.Name} changed after this approval; ask again", Kind: RefusalKind.Conflict);
        if (request.GrantedRoles.FirstOrDefault(granted => roles[granted.Name].IsOver(now)) is { } over)
            return new Refusal($"the role {over.Name} has expired", Kind: RefusalKind.Expired);
        return request.GrantedRoles.Select(granted => roles[granted.Name]).ToImmutableArray();
    }

    /// <summary>Returns the first pinned role that no longer exists, was created again, or has another spec.</summary>
    public static PinnedRole? FirstChanged(IEnumerable<PinnedRole> pinned, IReadOnlyDictionary<string, Role> roles) =>
        pinned.FirstOrDefault(pin => !roles.TryGetValue(pin.Name, out var role) || role.Pin() != pin);

    /// <summary>
    /// Returns the first role of a pending request that is no longer as it was at the filing: then no reviewer can approve the request. The
    /// roles that let the requester ask count, too.
    /// </summary>
    public static PinnedRole? FirstChanged(AccessRequest request, IReadOnlyDictionary<string, Role> roles) =>
        FirstChanged([.. request.Roles, .. request.Thresholds.Select(set => set.By)], roles);

    private static Remedy Again(AccessRequest request) => request.Resources.IsEmpty
        ? new Remedy.RequestRolesAgain([.. request.Roles.Select(role => role.Name)])
        : new Remedy.RequestNodesAgain([.. request.Resources.Select(node => node.Name)]);

    private static string Because(AccessRequest request) =>
        request.Resolution is { Reason.Length: > 0 } resolution ? $": {resolution.Reason}" : "";
}
