using System.Collections.Immutable;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Notices;

/// <summary>
/// Decides who is notified of an event of a request: the suggested reviewers of a new request, or everybody who can review it if none is
/// suggested; and the requester of everything that follows. Nobody is notified of their own actions.
/// </summary>
public static class Recipients
{
    /// <summary>The user trait that contains their mail addresses.</summary>
    public const string AddressTrait = "email";

    /// <summary>The place of the user's name in a template of addresses.</summary>
    public const string NameInTemplate = "{user}";

    /// <summary>Returns the users to notify.</summary>
    /// <param name="what">One of <see cref="NoticeEvents.OfRequests"/>.</param>
    /// <param name="request">The request.</param>
    /// <param name="findUser">Finds a user by name; returns null if there is none, because a suggested reviewer need not exist.</param>
    /// <param name="reviewers">Returns everybody who can review the request; called only if nobody was suggested.</param>
    /// <param name="requester">The requester; null if they no longer exist.</param>
    /// <param name="by">The person who caused the event.</param>
    public static ImmutableArray<User> For(
        string what, AccessRequest request, Func<string, User?> findUser, Func<IEnumerable<User>> reviewers, User? requester,
        Answerer by)
    {
        var concerned = what != NoticeEvents.Created ? [requester]
            : request.SuggestedReviewers.IsEmpty ? reviewers()
            : request.SuggestedReviewers.Select(findUser);
        return [
            .. concerned.OfType<User>()
                .Where(user => (what != NoticeEvents.Created || user.Id != request.UserId) && !Is(user, by))];
    }

    /// <summary>The mail addresses of these users, each once.</summary>
    /// <param name="people">The users.</param>
    /// <param name="template">
    /// The address of a user whom groups define, with <see cref="NameInTemplate"/> for their name; null for none. Such a user has no
    /// traits.
    /// </param>
    public static ImmutableArray<string> Addresses(IEnumerable<User> people, string? template = null) =>
        [.. people.SelectMany(user => Of(user, template)).Distinct(StringComparer.OrdinalIgnoreCase)];

    private static IEnumerable<string> Of(User user, string? template)
    {
        var own = user.Traits.GetValueOrDefault(AddressTrait, []).Where(address => address.Length > 0);
        return template is not null && user.IsFromGroups && !own.Any() && IsPlain(user.Name)
            ? [template.Replace(NameInTemplate, user.Name, StringComparison.Ordinal)]
            : own;
    }

    // The directory chooses the names of accounts. A name that could end the local part, or quote or route, makes no address at all.
    private static bool IsPlain(string name) =>
        name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '+') && name is not (['.' or '-', ..] or [.., '.'] or [])
        && !name.Contains("..", StringComparison.Ordinal);

    // A person who uses sudo is still the same person.
    private static bool Is(User user, Answerer by) => user.IsOwnedBy(by.Identity) || (by.Login is { } login && user.IsOwnedBy(login));
}
