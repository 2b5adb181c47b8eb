using System.Collections.Immutable;
using CertAuthority.Access.Requests;

namespace CertAuthority.Store;

/// <summary>What must be true of requests in a list of one user; null or empty matches everything.</summary>
/// <param name="States">The states, as of the current time.</param>
/// <param name="Role">A role that they request or were granted.</param>
/// <param name="Since">The earliest time of filing.</param>
internal sealed record RequestFilter(ImmutableArray<RequestState> States, string? Role, DateTimeOffset? Since)
{
    /// <summary>The condition that a request asks for the role <c>$6</c>, or was granted it.</summary>
    internal const string HasRole =
        "EXISTS (SELECT 1 FROM json_each(roles) WHERE json_extract(value, '$.name') = $6 UNION ALL SELECT 1 FROM json_each(granted_roles) WHERE json_extract(value, '$.name') = $6)";

    /// <summary>Matches every request.</summary>
    public static readonly RequestFilter None = new([], null, null);

    /// <summary>The node that they concern.</summary>
    public NodeFilter? Node { get; init; }

    /// <summary>The name of the requester.</summary>
    public string? Requester { get; init; }

    /// <summary>Whether a request matches.</summary>
    public bool Lets(AccessRequest request, DateTimeOffset now) =>
        (States.IsEmpty || States.Contains(request.StateAt(now)))
        && (Role is null || request.Roles.Concat(request.GrantedRoles).Any(role => role.Name == Role))
        && (Since is null || request.Created >= Since)
        && Node?.Lets(request) != false
        && (Requester is null || request.UserName == Requester);

    /// <summary>
    /// Returns the same as conditions of a statement, each with AND before it: <c>$1</c> is the current time, <c>$6</c> the role and
    /// <c>$7</c> the time of filing, <c>$9</c> and <c>$10</c> the node, <c>$11</c> the requester. No state chooses the index.
    /// </summary>
    public string Sql() => string.Concat(
        States.IsEmpty ? "" : $" AND ({string.Join(" OR ", States.SelectMany(StateCondition.Of).Select(one => $"({one.Unindexed})"))})",
        Role is null ? "" : $" AND {HasRole}", Since is null ? "" : " AND created >= $7", Node is null ? "" : $" AND {NodeFilter.Sql}",
        Requester is null ? "" : " AND user_name || '' = $11");
}

/// <summary>A condition on the state of a request at the time <c>$1</c>; the columns do not contain EXPIRED.</summary>
/// <param name="Sql">The condition; empty for every state.</param>
/// <param name="IsOpen">Whether it matches only requests that are pending or in use.</param>
internal sealed record StateCondition(string Sql, bool IsOpen)
{
    /// <summary>The same, so that the state does not decide which index is read.</summary>
    public string Unindexed => $"state || ''{Sql["state".Length..]}";

    /// <summary>Returns the conditions of which one is true of each request in a state.</summary>
    public static StateCondition[] Of(RequestState state) => state switch
    {
        RequestState.Pending => [new("state = 'PENDING' AND pending_until > $1", IsOpen: true)],
        RequestState.Approved => [new("state = 'APPROVED' AND access_until > $1", IsOpen: true)],
        RequestState.Expired => [
            new("state = 'PENDING' AND +pending_until <= $1", IsOpen: false), new("state = 'APPROVED' AND +access_until <= $1", IsOpen: false)],
        var final => [new($"state = '{RequestTransitions.Word(final)}'", IsOpen: false)],
    };
}
