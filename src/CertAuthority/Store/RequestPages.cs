using System.Collections.Immutable;
using System.Data.Common;
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
    RequestPlace? After)
{
    /// <summary>The node that they concern.</summary>
    public NodeFilter? Node { get; init; }

    /// <summary>Whether they name the node: they are found by its name then.</summary>
    internal bool NamesNode { get; init; }
}

/// <summary>
/// Returns requests a page at a time. An index in the wanted order finds the end of the previous page, so a page costs only what is on it,
/// however many requests there are. The requests that concern a node are read for its name and for each role that reaches it, a page each,
/// and merged. A filter without an index (a state together with a user, a role or a node; a role or a node in a list by user; a node
/// together with a user or a role) also costs what it skips.
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
                found.AddRange(snapshot.Read(part, now, part.Limit is { } most ? most + 1 - found.Count : null));
        if (found.Count <= (wish.Limit ?? int.MaxValue))
            return (snapshot.WithReviews(found), null);
        found.RemoveRange(wish.Limit!.Value, found.Count - wish.Limit.Value);
        return (snapshot.WithReviews(found), RequestPlace.From(found[^1], wish.Order, now));
    }

    private static IEnumerable<AccessRequest> Read(this Snapshot snapshot, RequestWish part, DateTimeOffset now, int? most)
    {
        if (Readings(part).ToList() is not [_, _, ..] several)
            return Query(part, RequestTable.Columns, RequestTable.Row);
        // Only the places are merged; most of them are not on the page.
        var places = several.SelectMany(one => Query(one, "id, created", row => (Created: row.Time("created"), Id: row.Id("id"))))
            .Distinct().OrderByDescending(place => place.Created).ThenByDescending(place => $"{place.Id}", StringComparer.Ordinal);
        return (most is { } limit ? places.Take(limit) : places).Select(place => snapshot.FindRequest(place.Id)).OfType<AccessRequest>();

        List<T> Query<T>(RequestWish wish, string columns, Func<DbDataReader, T> row) => snapshot.Query(
            Sql(wish, columns), row,
            now, wish.After?.Created, wish.After?.Id, wish.After?.Group, wish.User, wish.Role, wish.Since, most ?? long.MaxValue,
            wish.Node?.Node, wish.Node?.RolesAsJson);
    }

    /// <summary>
    /// Returns the wishes that together find a part. What concerns a node is found by its name and by each role that reaches it, unless
    /// there is another way that reads less: what is pending or in use is short, and so is what one user asked for.
    /// </summary>
    internal static IEnumerable<RequestWish> Readings(RequestWish part)
    {
        if (part is not { Node: { } node, User: null, Role: null, Order: not RequestOrder.User })
            return [part];
        var open = part.States.RemoveAll(state => state is not (RequestState.Pending or RequestState.Approved));
        var over = part with { States = part.States.RemoveAll(open.Contains) };
        return [
            .. open.IsEmpty ? (RequestWish[])[] : [part with { States = open }],
            .. open.Length == part.States.Length && open.Length > 0
                ? [] : node.Roles.Select(role => over with { Role = role }).Append(over with { NamesNode = true })];
    }

    /// <summary>
    /// Returns the statement for a part. Each of its branches reads one index in order, and several branches are merged, not sorted. Only
    /// requests that are pending or in use are sorted: an index that has nothing but them is short, however many are over.
    /// </summary>
    internal static string Sql(RequestWish part, string columns)
    {
        var isByRole = part is { Role: not null, User: null, Order: not RequestOrder.User };
        var isFoundOtherwise = isByRole || part.NamesNode || part.User is not null || part.Order == RequestOrder.User;
        var arms =
            from state in part.States.IsEmpty ? [new StateCondition("", IsOpen: false)] : part.States.SelectMany(StateCondition.Of)
            let reads = state.IsOpen ? Reads.Open : part.NamesNode ? Reads.ByNode : isByRole ? Reads.ByRole : Reads.InOrder
            from place in Behind(part, reads)
            let conditions = new[]
            {
                // A plus sign, or an empty text, keeps a column from deciding which index is read.
                reads != Reads.Open && isFoundOtherwise && state.Sql.Length > 0 ? state.Unindexed : state.Sql,
                place,
                part.User is null ? "" : "user_name = $5",
                reads == Reads.ByRole ? "role = $6" : "",
                reads == Reads.ByNode ? "node = $9" : "",
                part.Role is null ? "" : RequestFilter.HasRole,
                part.Node is null ? "" : NodeFilter.Sql,
                part.Since is null ? "" : reads == Reads.Open ? "+created >= $7" : "created >= $7",
            }.Where(condition => condition.Length > 0).ToList()
            let table = reads switch
            {
                Reads.ByRole => "request_roles JOIN requests USING (id, created)",
                Reads.ByNode => "request_nodes JOIN requests USING (id, created)",
                _ => "requests",
            }
            select $"SELECT {columns} FROM {table}{(conditions.Count > 0 ? $" WHERE {string.Join(" AND ", conditions)}" : "")}";
        return $"{string.Join(" UNION ALL ", arms)} ORDER BY {(part.Order == RequestOrder.User ? "user_name, " : "")}created DESC, id DESC LIMIT $8";
    }

    /// <summary>When sorting by state, each state is read separately, because no column contains EXPIRED.</summary>
    internal static IEnumerable<RequestWish> Parts(RequestWish wish) => wish.Order != RequestOrder.State
        ? [wish]
        : Enum.GetValues<RequestState>()
            .Where(state => wish.States.IsEmpty || wish.States.Contains(state))
            .SkipWhile(state => wish.After is { } after && RequestPlace.Word(state) != after.Group)
            .Select(state => wish with { States = [state], After = RequestPlace.Word(state) == wish.After?.Group ? wish.After : null });

    private static string[] Behind(RequestWish part, Reads reads) => (part.After, part.Order) switch
    {
        (null, _) => [""],
        (_, RequestOrder.User) when reads == Reads.Open =>
            ["(user_name > $4 OR (user_name = $4 AND (+created, id || '') < ($2, $3)))"],
        (_, RequestOrder.User) => ["user_name = $4 AND (created, id) < ($2, $3)", "user_name > $4"],
        _ when reads == Reads.Open => ["(+created, id || '') < ($2, $3)"],
        _ => ["(created, id) < ($2, $3)"],
    };

    /// <summary>How a branch of a statement finds its requests.</summary>
    private enum Reads
    {
        /// <summary>It walks an index in the wanted order.</summary>
        InOrder,

        /// <summary>It reads everything that is pending or in use.</summary>
        Open,

        /// <summary>It walks the requests for a role, newest first.</summary>
        ByRole,

        /// <summary>It walks the requests that name a node, newest first.</summary>
        ByNode,
    }
}
