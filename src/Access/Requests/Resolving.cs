using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>Who answers, as far as the answer depends on it.</summary>
/// <param name="Identity">Who the kernel says is calling.</param>
/// <param name="IsRoot">
/// Uid 0 or the daemon's own uid: they could write the database anyway, so they may answer their own request and the audit says so.
/// </param>
/// <param name="Login">As whom they once logged in, where that is known: sudo and su leave it as it is.</param>
public sealed record Answerer(UnixIdentity Identity, bool IsRoot, UnixIdentity? Login = null);

/// <summary>What approving, denying, cancelling and dropping make of a request.</summary>
public static class Resolving
{
    /// <summary>
    /// Whether the request is the answerer's own: the account that they call as, or the one that they logged in as, is the same person as
    /// its requester.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="people">Which users, accounts and uids are one person, with what the request recorded.</param>
    /// <param name="answerer">Who answers.</param>
    public static bool IsOwn(AccessRequest request, People people, Answerer answerer) =>
        answerer.Identity.Aliases.Concat(answerer.Login is { } login ? login.Aliases : [])
            .Any(alias => people.AreOne(alias, Alias.User(request.UserId)));

    /// <summary>
    /// The request as approved by an administrator. Refused when it is not pending, when a role changed since it was asked
    /// for, when the requester is gone or may not ask any more, when it is the answerer's own, and while something in it is locked.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="requester">Its user as they are now, or null.</param>
    /// <param name="by">Who answers.</param>
    /// <param name="people">Which users, accounts and uids are one person, with what the request recorded.</param>
    /// <param name="roles">Every role that exists.</param>
    /// <param name="resolution">Who, when, why.</param>
    /// <param name="limits">The bounds of the site.</param>
    /// <param name="locks">What is locked now.</param>
    /// <param name="instead">
    /// The roles to grant instead of those asked for; default for those, and never empty. Any role that exists will do: what was asked
    /// stays on record beside it.
    /// </param>
    /// <param name="force">Approves although a role changed since it was asked for: as it is now.</param>
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
        bool force = false)
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
        if (!force && RequestUse.FirstChanged(request.Roles, roles) is { } changed)
            return new Refusal($"the role {changed.Name} changed after this request was made", Kind: RefusalKind.Conflict)
            {
                Remedy = new Remedy.ApproveAnyway(request.Id)
            };
        return Grant(
            request, step, requester, roles, resolution, limits, locks,
            instead.IsDefault ? request.Roles.Select(asked => asked.Name) : instead);
    }

    /// <summary>The request with its step to APPROVED taken, whoever takes it: what it grants, and until when.</summary>
    internal static Outcome<AccessRequest> Grant(
        AccessRequest request,
        Transition step,
        User requester,
        IReadOnlyDictionary<string, Role> roles,
        RequestResolution resolution,
        SiteLimits limits,
        LocksInForce locks,
        IEnumerable<string> roleNames)
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
        if (!AccessWindow.Approve(request, resolution.At, granted, assigned, limits).Holds(out var window, out var refusal))
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

    /// <summary>The request after an action that grants nothing.</summary>
    /// <param name="step">The step taken; it says whether what was issued must be revoked.</param>
    /// <param name="request">The request.</param>
    /// <param name="resolution">Who, when, why.</param>
    public static Outcome<AccessRequest> End(AccessRequest request, Transition step, RequestResolution resolution) =>
        Names.ReasonFault(resolution.Reason) is { } fault ? fault : request with { StoredState = step.To, Resolution = resolution };
}
