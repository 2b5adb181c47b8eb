using System.Collections.Immutable;
using CertAuthority.Access.Predicates;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Reviews;

/// <summary>
/// A user as a reviewer, with their traits and roles at one moment. Roles gained through a request give no right to review.
/// </summary>
/// <param name="User">The user.</param>
/// <param name="Assigned">The assigned roles, as they count at that moment.</param>
/// <param name="RoleNames">The names of the assigned roles that have not expired.</param>
public sealed record Voter(User User, IReadOnlyList<Role> Assigned, ImmutableArray<string> RoleNames)
{
    /// <summary>Returns a user as a reviewer at an instant.</summary>
    public static Voter From(User user, IReadOnlyDictionary<string, Role> roles, DateTimeOffset now)
    {
        var assigned = user.AssignedAt(now, roles);
        return new Voter(user, assigned, [.. assigned.Where(role => !role.IsOver(now)).Select(role => role.Name)]);
    }

    /// <summary>The facts about the reviewer and a request that predicates can read.</summary>
    public ReviewFacts Facts(AccessRequest request, string reviewReason = "") =>
        new(RoleNames, User.Traits, [.. request.Roles.Select(role => role.Name)], request.Reason, request.Annotations, reviewReason);

    /// <summary>
    /// Whether their roles let them review a request: for each requested role, some allow covers it or the role names them as a reviewer,
    /// and no deny covers it. This does not check that the request is somebody else's.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="roles">Every role that exists.</param>
    public bool MayReview(AccessRequest request, IReadOnlyDictionary<string, Role> roles)
    {
        var facts = Facts(request);
        return request.Roles.Length > 0 && request.Roles.All(asked =>
            !Assigned.Any(role => role.Deny.Reviewing.Cover(asked.Name, facts))
            && (Assigned.Any(role => role.Allow.Reviewing.Cover(asked.Name, facts)) || IsNamedBy(asked, roles)));
    }

    /// <summary>Whether some role could let them review a request. For most users none can, which is known without any request.</summary>
    /// <param name="roles">Every role that exists.</param>
    public bool MayReviewAnything(IReadOnlyDictionary<string, Role> roles) =>
        Assigned.Any(role => !role.Allow.Reviewing.Roles.IsEmpty)
        || roles.Values.Any(role => role.Reviewers.Any(IsOf));

    // Only the role that was requested counts, not a later one with the same name.
    private bool IsNamedBy(PinnedRole asked, IReadOnlyDictionary<string, Role> roles) =>
        roles.TryGetValue(asked.Name, out var role) && role.Id == asked.Id
        && role.Reviewers.Any(IsOf);

    private bool IsOf(ReviewerEntry entry) => entry.IsRole ? RoleNames.Contains(entry.Name) : entry.Name == User.Name;
}
