using System.Collections.Immutable;

namespace CertAuthority.Access;

/// <summary>Everything a login decision depends on, as it stood in one transaction.</summary>
/// <param name="Now">The instant of issue; whole seconds.</param>
/// <param name="User">Who logs in.</param>
/// <param name="Requests">The approved requests to use; all of this user.</param>
/// <param name="Roles">Every role that exists, by name.</param>
/// <param name="Nodes">Every node that exists.</param>
/// <param name="Wish">The lifetime asked for, or null.</param>
/// <param name="Limits">The bounds of the site.</param>
public sealed record IssuanceQuestion(
    DateTimeOffset Now,
    User User,
    ImmutableArray<AccessRequest> Requests,
    IReadOnlyDictionary<string, Role> Roles,
    IReadOnlyCollection<Node> Nodes,
    TimeSpan? Wish,
    SiteLimits Limits);

/// <summary>What gets signed: principals, lifetime, permissions, in this order, each by its own rules.</summary>
public static class IssuancePolicy
{
    /// <summary>How many requests one certificate can draw on; their ids have to fit the key id.</summary>
    public const int MaxRequests = 5;

    /// <summary>The one way to a grant that can be signed.</summary>
    public static Outcome<IssuanceGrant> Decide(IssuanceQuestion question)
    {
        if (!Allow(question).Holds(out var allowed, out var refusal))
            return refusal;
        return Principals.Fit(allowed.Principals)
            ? allowed
            : new Refusal($"these roles reach {allowed.Principals.Length} logins on hosts, more than one certificate holds", "log in with fewer roles");
    }

    /// <summary>What the rules allow, whether or not one certificate can hold it.</summary>
    internal static Outcome<IssuanceGrant> Allow(IssuanceQuestion question)
    {
        var (user, roles) = (question.User, question.Roles);
        if (question.Requests.Length > MaxRequests)
            return new Refusal($"at most {MaxRequests} requests fit one certificate");

        // A role that is assigned but does not exist might have held a deny: without it nothing can be granted.
        if (user.Roles.FirstOrDefault(name => !roles.ContainsKey(name)) is { } missing)
            return new Refusal($"the role {missing}, assigned to user \"{user.Name}\", does not exist", "an administrator creates it, or takes it away with tctl users update");
        var inUse = user.Roles.Select(name => roles[name]).ToList();
        foreach (var request in question.Requests)
        {
            if (!RequestUse.Grants(request, user, roles, question.Now).Holds(out var granted, out var ended))
                return ended;
            inUse.AddRange(granted);
        }
        inUse = [.. inUse.DistinctBy(role => role.Id)];

        var principals = Principals.Resolve(inUse, question.Nodes);
        if (principals.IsEmpty)
            return new Refusal(NoLogin(user, inUse), Requesting.Requestable(user, roles) is { IsEmpty: false } requestable
                ? $"you can request: {string.Join(", ", requestable)}"
                : null);

        if (!Lifetime.Decide(question.Now, inUse, question.Requests, question.Wish, question.Limits).Holds(out var validity, out var tooLong))
            return tooLong;

        return new IssuanceGrant(
            user,
            [.. inUse.Select(role => role.Pin())],
            [.. question.Requests.Select(request => request.Id)],
            principals,
            validity,
            Permissions.Decide());
    }

    private static string NoLogin(User user, IReadOnlyList<Role> inUse) => inUse.Count == 0
        ? $"user \"{user.Name}\" has no roles, so there is no login to certify"
        : $"no login is granted to user \"{user.Name}\" by the roles in use: {string.Join(", ", inUse.Select(role => role.Name))}";
}
