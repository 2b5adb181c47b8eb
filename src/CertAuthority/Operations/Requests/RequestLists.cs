using CertAuthority.Access.Requests;
using CertAuthority.Access.Values;
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
            var (requests, next) = snapshot.RequestPage(wish, now);
            var persons = Persons.Last(ca, snapshot);
            persons.Behind(
                requests.Where(request => request.Reviews.Length > 0 && request.StateAt(now) == RequestState.Pending)
                    .SelectMany(People.Aliases));
            return new RequestList([.. requests.Select(request => persons.Show(request, now))], next?.ToString());
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
            throw Problems.Invalid(
                $"\"{ask.After}\" is no place in a list sorted by {ask.Sort ?? RequestSorts.Created}",
                "take the one that the page before ended with");
        return new RequestWish(
            [.. (ask.State ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(
                    word => State(word.ToLowerInvariant())
                        ?? throw Problems.InvalidField("state", $"takes pending, approved, denied, cancelled or expired, not \"{word}\""))
                .Distinct()],
            ask.User, ask.Role, ask.Since is null ? null : Since(ask.Since, now), order, Pages.Size(ask.Limit), after);
    }

    private static RequestState? State(string word) =>
        Enum.GetValues<RequestState>().Where(state => RequestPlace.Word(state) == word).Select(state => (RequestState?)state)
            .FirstOrDefault();

    private static DateTimeOffset Since(string text, DateTimeOffset now) =>
        Durations.TryParse(text, out var ago) ? now - ago
        : Instants.TryParse(text, out var instant) ? instant
        : throw Problems.InvalidField(
            "since", $"takes a time such as 2027-01-31T18:00:00Z, or a duration before now such as 24h, not \"{text}\"");
}
