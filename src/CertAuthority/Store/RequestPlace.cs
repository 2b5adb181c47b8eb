using CertAuthority.Access.Requests;

namespace CertAuthority.Store;

/// <summary>The order of a list of requests. Within a user or a state, the newest come first.</summary>
internal enum RequestOrder
{
    Created,
    User,
    State,
}

/// <summary>
/// A place in a list of requests. It consists of the values by which the list is sorted, so it stays valid when the request is removed.
/// </summary>
/// <param name="Group">The user or the state if the list is sorted by it; otherwise empty.</param>
/// <param name="Created">When the request was filed.</param>
/// <param name="Id">The ID of the request.</param>
internal sealed record RequestPlace(string Group, DateTimeOffset Created, Guid Id)
{
    public static RequestPlace From(AccessRequest request, RequestOrder order, DateTimeOffset now) => new(
        order switch { RequestOrder.User => request.UserName, RequestOrder.State => Word(request.StateAt(now)), _ => "" }, request.Created,
        request.Id);

    /// <summary>Returns whether a request comes after this place, in a list by the time of filing.</summary>
    public bool IsBefore(AccessRequest request) =>
        (request.Created, string.CompareOrdinal(request.Id.ToString(), Id.ToString())).CompareTo((Created, 0)) < 0;

    /// <summary>Parses the output of <see cref="ToString"/>; null for any other text.</summary>
    public static RequestPlace? TryParse(string text) =>
        text.Split('-') is [.. var group, var created, var a, var b, var c, var d, var e]
        && long.TryParse(created, out var seconds) && seconds is >= 0 and < 253_402_300_800
            && Guid.TryParseExact($"{a}-{b}-{c}-{d}-{e}", "D", out var id)
            ? new(string.Join('-', group), DateTimeOffset.FromUnixTimeSeconds(seconds), id)
            : null;

    /// <summary><c>1795347674-b48cc9ff-…</c>, after its group if there is one.</summary>
    public override string ToString() => $"{(Group.Length > 0 ? $"{Group}-" : "")}{Created.ToUnixTimeSeconds()}-{Id}";

    public static string Word(RequestState state) => RequestTransitions.Word(state).ToLowerInvariant();
}
