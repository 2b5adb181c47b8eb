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
    /// <summary>The trait of a user with their mail addresses.</summary>
    public const string AddressTrait = "email";

    /// <summary>Those who hear of it.</summary>
    /// <param name="what">One of <see cref="NoticeEvents.OfRequests"/>.</param>
    /// <param name="request">The request.</param>
    /// <param name="findUser">A user by name, null where there is none: what was suggested need not exist.</param>
    /// <param name="requester">Who asked, null when they are gone.</param>
    /// <param name="by">Who did it.</param>
    public static ImmutableArray<User> For(string what, AccessRequest request, Func<string, User?> findUser, User? requester, Answerer by)
    {
        var concerned = what == NoticeEvents.Created
            ? request.SuggestedReviewers.Select(findUser).Where(reviewer => reviewer?.Id != request.UserId)
            : [requester];
        return [.. concerned.OfType<User>().Where(user => !Is(user, by))];
    }

    /// <summary>The addresses of people, each once.</summary>
    public static ImmutableArray<string> Addresses(IEnumerable<User> people) =>
        [
            .. people.SelectMany(user => user.Traits.GetValueOrDefault(AddressTrait, [])).Where(address => address.Length > 0)
                .Distinct(StringComparer.OrdinalIgnoreCase)];

    // sudo does not make somebody else of anybody.
    private static bool Is(User user, Answerer by) => user.IsOwnedBy(by.Identity) || (by.Login is { } login && user.IsOwnedBy(login));
}
