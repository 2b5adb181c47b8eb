using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>The person who answers, as far as the answer depends on them.</summary>
/// <param name="Identity">The identity of the caller, as the kernel reports it.</param>
/// <param name="IsRoot">
/// Uid 0 or the daemon's own uid: they could write the database anyway, so they may answer their own request and the audit says so.
/// </param>
/// <param name="Login">The account under which they originally logged in, if known; sudo and su do not change it.</param>
public sealed record Answerer(UnixIdentity Identity, bool IsRoot, UnixIdentity? Login = null);

/// <summary>Applies approving, denying, cancelling and dropping to a request.</summary>
public static class Resolving
{
    /// <summary>
    /// Whether the request is the answerer's own: the account that they call as, or the one that they logged in as, is the same person as
    /// its requester.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="people">Which users, accounts and uids are the same person, including the links that the request recorded.</param>
    /// <param name="answerer">The person who answers.</param>
    public static bool IsOwn(AccessRequest request, People people, Answerer answerer) =>
        answerer.Identity.Aliases.Concat(answerer.Login is { } login ? login.Aliases : [])
            .Any(alias => people.AreOne(alias, Alias.User(request.UserId)));

    /// <summary>
    /// Approves the request as an administrator. The result is a refusal if the request is not pending, if a role has changed since it was
    /// filed, if the requester no longer exists or may no longer request it, if it is the answerer's own, or while something in it is
    /// locked.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="requester">The requester's user as it is now; null if it no longer exists.</param>
    /// <param name="by">The person who answers.</param>
    /// <param name="people">Which users, accounts and uids are the same person, including the links that the request recorded.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="resolution">The account, time and reason of the answer.</param>
    /// <param name="limits">The limits of the site.</param>
    /// <param name="locks">What is locked now.</param>
    /// <param name="instead">
    /// The roles to grant instead of the requested ones; default for the requested ones, and never empty. Any existing role is allowed,
    /// because the requested roles stay on record as well.
    /// </param>
    /// <param name="force">Approves even if a role has changed since the request was filed; grants the role as it is now.</param>
    /// <param name="limit">The limit that the approval sets; null for as long as the request says.</param>
    public static Outcome<AccessRequest> Approve(
        AccessRequest request,
        User? requester,
        Answerer by,
        People people,
        IReadOnlyDictionary<string, Role> roles,
        RequestResolution resolution,
        SiteLimits limits,
        LocksInForce locks,
        ImmutableArray<string> instead = default,
        bool force = false,
        AccessLimit? limit = null)
    {
        if (!RequestTransitions.Find(request, RequestAction.Approve, RequestActor.Administrator, resolution.At)
            .Holds(out var step, out var refusal))
            return refusal;
        if (Names.ReasonFault(resolution.Reason) is { } fault)
            return fault;
        if (requester is null || requester.Id != request.UserId)
            return new Refusal($"user \"{request.UserName}\", who asked, is gone", Kind: RefusalKind.Conflict);
        if (!by.IsRoot && IsOwn(request, people, by))
            return new Refusal("nobody approves their own request", "another administrator, or root, can");
        if (instead is { IsDefault: false, IsEmpty: true })
            return new Refusal("an approval that names roles names at least one", Kind: RefusalKind.Invalid);
        if (AccessWindow.NotLess(request, limit?.AtMost) is { } notLess)
            return notLess;
        if (!force && RequestUse.FirstChanged(request.Roles, roles) is { } changed)
            return new Refusal($"the role {changed.Name} changed after this request was made", Kind: RefusalKind.Conflict)
            {
                Remedy = new Remedy.ApproveAnyway(request.Id)
            };
        return Grant(
            request, step, requester, roles, resolution, limits, locks,
            instead.IsDefault ? request.Roles.Select(asked => asked.Name) : instead, limit);
    }

    /// <summary>Moves the request to APPROVED, whoever approves, and sets what it grants and until when.</summary>
    internal static Outcome<AccessRequest> Grant(
        AccessRequest request,
        Transition step,
        User requester,
        IReadOnlyDictionary<string, Role> roles,
        RequestResolution resolution,
        SiteLimits limits,
        LocksInForce locks,
        IEnumerable<string> roleNames,
        AccessLimit? limit)
    {
        var assigned = requester.AssignedAt(resolution.At, roles);
        if (request.Roles.FirstOrDefault(asked => !RequestRights.MayRequest(assigned, asked.Name, request.Kind)) is { } lost)
            return new Refusal($"user \"{requester.Name}\" can no longer request role \"{lost.Name}\"");
        var names = roleNames.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (names.FirstOrDefault(name => !roles.TryGetValue(name, out var role) || role.IsOver(resolution.At)) is { } unknown)
            return new Refusal($"there is no role \"{unknown}\"", Kind: RefusalKind.Invalid);
        var granted = names.ConvertAll(name => roles[name]);
        if ((locks.On(LockKind.Request, request.Id.ToString()) ?? locks.On(requester, [.. requester.Roles, .. names])) is { } locked)
            return locked.Refusal;
        if (!AccessWindow.Approve(request, resolution.At, granted, assigned, limits, limit).Holds(out var window, out var refusal))
            return refusal;
        return request with
        {
            StoredState = step.To,
            GrantedRoles = [.. granted.Select(role => role.Pin())],
            AccessUntil = window.AccessUntil,
            Terms = window.Terms,
            Resolution = resolution,
        };
    }

    /// <summary>Applies an action that grants nothing.</summary>
    /// <param name="step">The transition; it says whether certificates must be revoked.</param>
    /// <param name="request">The request.</param>
    /// <param name="resolution">The account, time and reason of the answer.</param>
    public static Outcome<AccessRequest> End(AccessRequest request, Transition step, RequestResolution resolution) =>
        Names.ReasonFault(resolution.Reason) is { } fault ? fault : request with { StoredState = step.To, Resolution = resolution };
}
