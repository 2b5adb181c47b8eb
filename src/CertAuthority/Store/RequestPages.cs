using System.Collections.Immutable;
using CertAuthority.Access.Requests;

namespace CertAuthority.Store;

/// <summary>Which requests are wanted; what is null or empty does not matter.</summary>
/// <param name="States">In one of these, by the clock.</param>
/// <param name="User">Of the user of this name.</param>
/// <param name="Role">That ask for, or were granted, this role.</param>
/// <param name="Since">Filed at this instant or later.</param>
/// <param name="Order">In which order.</param>
/// <param name="Limit">At most so many, from 1; null for all.</param>
/// <param name="After">Behind this place.</param>
internal sealed record RequestWish(
    ImmutableArray<RequestState> States, string? User, string? Role, DateTimeOffset? Since, RequestOrder Order, int? Limit,
    RequestPlace? After);

/// <summary>
/// Requests, a page at a time. A page is found where the one before ended, in an index that has the wanted order: it costs what is on
/// it, however many requests there are. A filter without an index of its own (a role, a state beside a user) costs what it skips, too.
/// </summary>
internal static class RequestPages
{
    /// <summary>A page, and where the next one begins; null where there is none.</summary>
    public static (List<AccessRequest> Requests, RequestPlace? Next) RequestPage(
        this Snapshot snapshot, RequestWish wish, DateTimeOffset now)
    {
        var found = new List<AccessRequest>();
        // One more than wanted tells whether there is another page.
        foreach (var part in Parts(wish))
            if (wish.Limit is not { } limit || found.Count <= limit)
                found.AddRange(snapshot.Query(
                    Sql(part), RequestTable.Row,
                    now, part.After?.Created, part.After?.Id, part.After?.Group, part.User, part.Role, part.Since,
                    part.Limit is { } most ? most + 1L - found.Count : -1L));
        if (found.Count <= (wish.Limit ?? int.MaxValue))
            return (snapshot.WithReviews(found), null);
        found.RemoveRange(wish.Limit!.Value, found.Count - wish.Limit.Value);
        return (snapshot.WithReviews(found), RequestPlace.From(found[^1], wish.Order, now));
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
                part.Role is null
                    ? ""
                    : "EXISTS (SELECT 1 FROM json_each(roles) WHERE value ->> 'name' = $6 UNION ALL SELECT 1 FROM json_each(granted_roles) WHERE value ->> 'name' = $6)",
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
