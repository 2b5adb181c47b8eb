using System.Collections.Immutable;
using CertAuthority.Access;

namespace CertAuthority.Store;

/// <summary>In which order requests are listed. Within a user or a state, newest first.</summary>
internal enum RequestOrder
{
    Created,
    User,
    State,
}

/// <summary>Which requests are wanted; what is null or empty does not matter.</summary>
/// <param name="States">In one of these, by the clock.</param>
/// <param name="User">Of the user of this name.</param>
/// <param name="Role">That ask for, or were granted, this role.</param>
/// <param name="Since">Filed at this instant or later.</param>
/// <param name="Order">In which order.</param>
/// <param name="Limit">At most so many, from 1; null for all.</param>
/// <param name="After">Behind this place.</param>
internal sealed record RequestWish(
    ImmutableArray<RequestState> States, string? User, string? Role, DateTimeOffset? Since, RequestOrder Order, int? Limit, RequestPlace? After);

/// <summary>A place in a list of requests: the values that it is sorted by, so that it outlives the request that stood there.</summary>
/// <param name="Group">The user or the state, where it is sorted by that; else empty.</param>
/// <param name="Created">When the request was filed.</param>
/// <param name="Id">Its id.</param>
internal sealed record RequestPlace(string Group, DateTimeOffset Created, Guid Id)
{
    public static RequestPlace Of(AccessRequest request, RequestOrder order, DateTimeOffset now) => new(
        order switch { RequestOrder.User => request.UserName, RequestOrder.State => Word(request.StateAt(now)), _ => "" }, request.Created, request.Id);

    /// <summary>Whether a request stands behind it, in a list by the time of filing.</summary>
    public bool IsBefore(AccessRequest request) =>
        (request.Created, string.CompareOrdinal(request.Id.ToString(), Id.ToString())).CompareTo((Created, 0)) < 0;

    /// <summary>Reads what <see cref="ToString"/> wrote; null for anything else.</summary>
    public static RequestPlace? TryParse(string text) =>
        text.Split('-') is [.. var group, var created, var a, var b, var c, var d, var e]
        && long.TryParse(created, out var seconds) && seconds is >= 0 and < 253_402_300_800 && Guid.TryParseExact($"{a}-{b}-{c}-{d}-{e}", "D", out var id)
            ? new(string.Join('-', group), DateTimeOffset.FromUnixTimeSeconds(seconds), id)
            : null;

    /// <summary><c>1795347674-b48cc9ff-…</c>, behind its group where there is one.</summary>
    public override string ToString() => $"{(Group.Length > 0 ? $"{Group}-" : "")}{Created.ToUnixTimeSeconds()}-{Id}";

    public static string Word(RequestState state) => RequestTransitions.Word(state).ToLowerInvariant();
}

/// <summary>
/// Requests, a page at a time. A page is found where the one before ended, in an index that has the wanted order: it costs what is on
/// it, however many requests there are. A filter without an index of its own (a role, a state beside a user) costs what it skips, too.
/// </summary>
internal static class RequestPages
{
    /// <summary>A page, and where the next one begins; null where there is none.</summary>
    public static (List<AccessRequest> Requests, RequestPlace? Next) RequestPage(this Snapshot snapshot, RequestWish wish, DateTimeOffset now)
    {
        var found = new List<AccessRequest>();
        // One more than wanted tells whether there is another page.
        foreach (var part in Parts(wish))
            if (wish.Limit is not { } limit || found.Count <= limit)
                found.AddRange(snapshot.Query(
                    Sql(part), RequestTable.Row,
                    now, part.After?.Created, part.After?.Id, part.After?.Group, part.User, part.Role, part.Since, part.Limit is { } most ? most + 1L - found.Count : -1L));
        if (found.Count <= (wish.Limit ?? int.MaxValue))
            return (snapshot.WithReviews(found), null);
        found.RemoveRange(wish.Limit!.Value, found.Count - wish.Limit.Value);
        return (snapshot.WithReviews(found), RequestPlace.Of(found[^1], wish.Order, now));
    }

    /// <summary>The statement for a part. Each arm of it reads one index in order; what has several is merged, not sorted.</summary>
    internal static string Sql(RequestWish part)
    {
        var arms =
            from state in part.States.IsEmpty ? [""] : part.States.SelectMany(InState)
            from place in Behind(part)
            let conditions = new[]
            {
                state, place,
                part.User is null ? "" : "user_name = $5",
                part.Role is null ? "" : "EXISTS (SELECT 1 FROM json_each(roles) WHERE value ->> 'name' = $6 UNION ALL SELECT 1 FROM json_each(granted_roles) WHERE value ->> 'name' = $6)",
                part.Since is null ? "" : "created >= $7",
            }.Where(condition => condition.Length > 0).ToList()
            select $"SELECT {RequestTable.Columns} FROM requests{(conditions.Count > 0 ? $" WHERE {string.Join(" AND ", conditions)}" : "")}";
        return $"{string.Join(" UNION ALL ", arms)} ORDER BY {(part.Order == RequestOrder.User ? "user_name, " : "")}created DESC, id DESC LIMIT $8";
    }

    /// <summary>Sorted by state, each state is read by itself: what is EXPIRED no column says.</summary>
    internal static IEnumerable<RequestWish> Parts(RequestWish wish) => wish.Order != RequestOrder.State
        ? [wish]
        : Enum.GetValues<RequestState>()
            .Where(state => wish.States.IsEmpty || wish.States.Contains(state))
            .SkipWhile(state => wish.After is { } after && RequestPlace.Word(state) != after.Group)
            .Select(state => wish with { States = [state], After = RequestPlace.Word(state) == wish.After?.Group ? wish.After : null });

    private static string[] InState(RequestState state) => state switch
    {
        RequestState.Pending => ["state = 'PENDING' AND pending_until > $1"],
        RequestState.Approved => ["state = 'APPROVED' AND access_until > $1"],
        RequestState.Expired => ["state = 'PENDING' AND pending_until <= $1", "state = 'APPROVED' AND access_until <= $1"],
        var final => [$"state = '{RequestTransitions.Word(final)}'"],
    };

    private static string[] Behind(RequestWish part) => (part.After, part.Order) switch
    {
        (null, _) => [""],
        (_, RequestOrder.User) => ["user_name = $4 AND (created, id) < ($2, $3)", "user_name > $4"],
        _ => ["(created, id) < ($2, $3)"],
    };
}
