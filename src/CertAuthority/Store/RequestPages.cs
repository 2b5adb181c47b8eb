using System.Collections.Immutable;
using CertAuthority.Access.Requests;

namespace CertAuthority.Store;

/// <summary>Selects requests; a filter that is null or empty matches everything.</summary>
/// <param name="States">The states, as of the current time.</param>
/// <param name="User">The name of the user.</param>
/// <param name="Role">A role that they request or were granted.</param>
/// <param name="Since">The earliest time of filing.</param>
/// <param name="Order">The order.</param>
/// <param name="Limit">The largest number of requests, from 1; null for all.</param>
/// <param name="After">The place after which the page begins.</param>
internal sealed record RequestWish(
    ImmutableArray<RequestState> States, string? User, string? Role, DateTimeOffset? Since, RequestOrder Order, int? Limit,
    RequestPlace? After);

/// <summary>
/// Returns requests a page at a time. An index in the wanted order finds the end of the previous page, so a page costs only what is on it,
/// however many requests there are. A filter without an index (a role, or a state together with a user) also costs what it skips.
/// </summary>
internal static class RequestPages
{
    /// <summary>Returns a page and the place where the next one begins; null if there is none.</summary>
    public static (List<AccessRequest> Requests, RequestPlace? Next) RequestPage(
        this Snapshot snapshot, RequestWish wish, DateTimeOffset now)
    {
        var found = new List<AccessRequest>();
        // One request more than wanted shows whether there is another page.
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

    /// <summary>
    /// Returns the statement for a part. Each of its branches reads one index in order; several branches are merged, not sorted.
    /// </summary>
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

    /// <summary>When sorting by state, each state is read separately, because no column contains EXPIRED.</summary>
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
