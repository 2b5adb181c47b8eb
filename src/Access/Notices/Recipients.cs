using System.Collections.Immutable;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Notices;

/// <summary>
/// Decides who is notified of an event of a request: the suggested reviewers of a new request, and the requester of everything that
/// follows. Nobody is notified of their own actions.
/// </summary>
public static class Recipients
{
    /// <summary>The user trait that contains their mail addresses.</summary>
    public const string AddressTrait = "email";

    /// <summary>Returns the users to notify.</summary>
    /// <param name="what">One of <see cref="NoticeEvents.OfRequests"/>.</param>
    /// <param name="request">The request.</param>
    /// <param name="findUser">Finds a user by name; returns null if there is none, because a suggested reviewer need not exist.</param>
    /// <param name="requester">The requester; null if they no longer exist.</param>
    /// <param name="by">The person who caused the event.</param>
    public static ImmutableArray<User> For(string what, AccessRequest request, Func<string, User?> findUser, User? requester, Answerer by)
    {
        var concerned = what == NoticeEvents.Created
            ? request.SuggestedReviewers.Select(findUser).Where(reviewer => reviewer?.Id != request.UserId)
            : [requester];
        return [.. concerned.OfType<User>().Where(user => !Is(user, by))];
    }

    /// <summary>The mail addresses of these users, each once.</summary>
    public static ImmutableArray<string> Addresses(IEnumerable<User> people) =>
        [
            .. people.SelectMany(user => user.Traits.GetValueOrDefault(AddressTrait, [])).Where(address => address.Length > 0)
                .Distinct(StringComparer.OrdinalIgnoreCase)];

    // A person who uses sudo is still the same person.
    private static bool Is(User user, Answerer by) => user.IsOwnedBy(by.Identity) || (by.Login is { } login && user.IsOwnedBy(login));
}
