using CertAuthority.Access.Requests;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Lists everybody's requests, filtered and sorted, a page at a time.</summary>
internal static class RequestLists
{
    public static Task<RequestList> List(Authority ca, Administrator by, ListRequests ask)
    {
        var now = ca.Now();
        var wish = RequestedTtl(ask, now);
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var (requests, next) = snapshot.RequestPage(wish with { Node = Concerning(snapshot, ask.Node) }, now);
            var persons = Persons.Last(ca, snapshot);
            return new RequestList(persons.ShowAll(requests, now), next?.ToString());
        }));
    }

    private static RequestWish RequestedTtl(ListRequests ask, DateTimeOffset now)
    {
        var order = ask.Sort switch
        {
            null or RequestSorts.Created => RequestOrder.Created,
            RequestSorts.User => RequestOrder.User,
            RequestSorts.State => RequestOrder.State,
            var other => throw Problems.InvalidField("sort", $"takes created, user or state, not \"{other}\""),
        };
        var after = ask.After is null ? null : RequestPlace.TryParse(ask.After);
        if (ask.After is not null
            && (after is null || (after.Group.Length == 0) != (order == RequestOrder.Created)
                || (order == RequestOrder.State && State(after.Group) is null)))
            throw Problems.InvalidField(
                "after",
                $"takes the place where a page sorted by {ask.Sort ?? RequestSorts.Created} ended, not \"{ask.After}\"");
        var (states, role, since) = Filter(ask.State, ask.Role, ask.Since, now);
        return new RequestWish(states, ask.User, role, since, order, Pages.Size(ask.Limit), after);
    }

    /// <summary>Finds what concerns a node; null for null. A node that is gone is reached by no role.</summary>
    public static NodeFilter? Concerning(Snapshot snapshot, string? node)
    {
        if (node is null)
            return null;
        var policy = snapshot.Policy();
        return new NodeFilter(
            node,
            [
                .. policy.OnlyNode(node).SelectMany(one => policy.Roles.Values.Where(role => role.Allow.Reach(one.Labels)))
                    .Select(role => role.Name)]);
    }

    /// <summary>Reads the filters of a call.</summary>
    /// <exception cref="ProblemException">A filter has no meaning.</exception>
    public static RequestFilter Filter(string? states, string? role, string? since, DateTimeOffset now) => new(
        [.. (states ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(
                word => State(word.ToLowerInvariant())
                    ?? throw Problems.InvalidField("state", $"takes pending, approved, denied, cancelled or expired, not \"{word}\""))
            .Distinct()],
        role, since is null ? null : Problems.Since(since, now));

    private static RequestState? State(string word) =>
        Enum.GetValues<RequestState>().Where(state => RequestPlace.Word(state) == word).Select(state => (RequestState?)state)
            .FirstOrDefault();
}
