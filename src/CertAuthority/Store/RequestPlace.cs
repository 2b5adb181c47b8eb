using CertAuthority.Access.Requests;

namespace CertAuthority.Store;

/// <summary>In which order requests are listed. Within a user or a state, newest first.</summary>
internal enum RequestOrder
{
    Created,
    User,
    State,
}

/// <summary>A place in a list of requests: the values that it is sorted by, so that it outlives the request that stood there.</summary>
/// <param name="Group">The user or the state, where it is sorted by that; else empty.</param>
/// <param name="Created">When the request was filed.</param>
/// <param name="Id">Its id.</param>
internal sealed record RequestPlace(string Group, DateTimeOffset Created, Guid Id)
{
    public static RequestPlace From(AccessRequest request, RequestOrder order, DateTimeOffset now) => new(
        order switch { RequestOrder.User => request.UserName, RequestOrder.State => Word(request.StateAt(now)), _ => "" }, request.Created,
        request.Id);

    /// <summary>Whether a request stands behind it, in a list by the time of filing.</summary>
    public bool IsBefore(AccessRequest request) =>
        (request.Created, string.CompareOrdinal(request.Id.ToString(), Id.ToString())).CompareTo((Created, 0)) < 0;

    /// <summary>Reads what <see cref="ToString"/> wrote; null for anything else.</summary>
    public static RequestPlace? TryParse(string text) =>
        text.Split('-') is [.. var group, var created, var a, var b, var c, var d, var e]
        && long.TryParse(created, out var seconds) && seconds is >= 0 and < 253_402_300_800
            && Guid.TryParseExact($"{a}-{b}-{c}-{d}-{e}", "D", out var id)
            ? new(string.Join('-', group), DateTimeOffset.FromUnixTimeSeconds(seconds), id)
            : null;

    /// <summary><c>1795347674-b48cc9ff-…</c>, behind its group where there is one.</summary>
    public override string ToString() => $"{(Group.Length > 0 ? $"{Group}-" : "")}{Created.ToUnixTimeSeconds()}-{Id}";

    public static string Word(RequestState state) => RequestTransitions.Word(state).ToLowerInvariant();
}
