namespace CertAuthority.Access;

/// <summary>Who answers, as far as the answer depends on it.</summary>
/// <param name="Identity">Who the kernel says is calling.</param>
/// <param name="IsRoot">Uid 0 or the daemon's own uid: they could write the database anyway, so they may answer their own request and the audit says so.</param>
public sealed record Answerer(UnixIdentity Identity, bool IsRoot);

/// <summary>What approving, denying, cancelling and dropping make of a request.</summary>
public static class Resolving
{
    /// <summary>Whether the request is the answerer's own: he filed it, or is an account of its user.</summary>
    public static bool IsOwn(AccessRequest request, User? requester, UnixIdentity answerer) =>
        request.CreatorUid == answerer.Uid || (requester is not null && requester.Id == request.UserId && requester.IsOwnedBy(answerer));

    /// <summary>
    /// The request as approved by an administrator: what was asked is granted. Refused when it is not pending, when a role
    /// changed since it was asked for, when the requester is gone or may not ask any more, and when it is his own.
    /// </summary>
    public static Outcome<AccessRequest> Approve(
        AccessRequest request, User? requester, Answerer by, IReadOnlyDictionary<string, Role> roles, RequestResolution resolution)
    {
        if (!RequestTransitions.Find(request, RequestAction.Approve, RequestActor.Administrator, resolution.At).Holds(out var step, out var refusal))
            return refusal;
        if (Names.ReasonFault(resolution.Reason) is { } fault)
            return fault;
        if (requester is null || requester.Id != request.UserId)
            return new Refusal($"user \"{request.UserName}\", who asked, is gone");
        if (!by.IsRoot && IsOwn(request, requester, by.Identity))
            return new Refusal("nobody approves his own request", "another administrator, or root, can");
        if (RequestUse.FirstChanged(request.Roles, roles) is { } changed)
            return new Refusal($"the role {changed.Name} changed after this request was made", "deny it, and let the requester ask again");
        var assigned = Requesting.Assigned(requester, roles);
        if (request.Roles.FirstOrDefault(asked => !Requesting.MayRequest(assigned, asked.Name)) is { } lost)
            return new Refusal($"user \"{requester.Name}\" can no longer request role \"{lost.Name}\"");
        return request with { StoredState = step.To, GrantedRoles = request.Roles, Resolution = resolution };
    }

    /// <summary>The request after an action that grants nothing.</summary>
    /// <param name="step">The step taken; it says whether what was issued must be revoked.</param>
    /// <param name="request">The request.</param>
    /// <param name="resolution">Who, when, why.</param>
    public static Outcome<AccessRequest> End(AccessRequest request, Transition step, RequestResolution resolution) =>
        Names.ReasonFault(resolution.Reason) is { } fault ? fault : request with { StoredState = step.To, Resolution = resolution };
}
