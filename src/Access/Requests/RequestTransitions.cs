using System.Collections.Immutable;
using CertAuthority.Access.Values;
using static CertAuthority.Access.Requests.RequestAction;
using static CertAuthority.Access.Requests.RequestActor;
using static CertAuthority.Access.Requests.RequestState;

namespace CertAuthority.Access.Requests;

/// <summary>An action on a request.</summary>
public enum RequestAction
{
    /// <summary>Grant it.</summary>
    Approve,

    /// <summary>Deny it, or withdraw an approval.</summary>
    Deny,

    /// <summary>Withdraw it before an answer.</summary>
    Cancel,

    /// <summary>Give up what it grants.</summary>
    Drop,
}

/// <summary>The relation of a person to a request.</summary>
public enum RequestActor
{
    /// <summary>Answers requests on the daemon's host.</summary>
    Administrator,

    /// <summary>The user who filed the request.</summary>
    Requester,

    /// <summary>A user who may review it, with the vote that reaches a threshold.</summary>
    Reviewer,

    /// <summary>Anybody else.</summary>
    Stranger,
}

/// <summary>One allowed step.</summary>
public sealed record Transition(RequestState From, RequestAction Action, RequestActor By, RequestState To)
{
    /// <summary>Ending an approved request revokes the certificates issued under it.</summary>
    public bool Revokes => From == Approved;
}

/// <summary>The life cycle of a request, as one table. A transition that is not in the table is refused.</summary>
public static class RequestTransitions
{
    /// <summary>Every allowed step. DENIED, CANCELLED and EXPIRED lead nowhere.</summary>
    public static readonly ImmutableArray<Transition> Table =
    [
        new(Pending,  Approve, Administrator, Approved),
        new(Pending,  Deny,    Administrator, Denied),
        new(Approved, Deny,    Administrator, Denied),
        new(Pending,  Cancel,  Requester,     Cancelled),
        new(Approved, Drop,    Requester,     Cancelled),
        new(Pending,  Approve, Reviewer,      Approved),
        new(Pending,  Deny,    Reviewer,      Denied),
    ];

    /// <summary>
    /// Finds the transition that <paramref name="by"/> may make from the current state of the request, or the refusal that the table
    /// implies.
    /// </summary>
    public static Outcome<Transition> Find(AccessRequest request, RequestAction action, RequestActor by, DateTimeOffset now)
    {
        var state = request.StateAt(now);
        if (Table.FirstOrDefault(t => t.From == state && t.Action == action && t.By == by) is { } step)
            return step;
        if (by == Reviewer && Table.Any(t => t.Action == action && t.By == by))
            return new Refusal(
                state == Expired
                    ? "the access request has expired"
                    : $"the access request has been already {Word(state).ToLowerInvariant()}", Kind: RefusalKind.Conflict);
        var from = Table.Where(t => t.Action == action && t.By == by).Select(t => Word(t.From)).ToList();
        return from.Count == 0
            ? new Refusal($"only the {Whose(action)} can {Verb(action)} a request")
            : new Refusal(
                $"request {request.Id} is {Word(state)}; only {string.Join(" or ", from)} requests can be {Participle(action)}",
                Kind: RefusalKind.Conflict);
    }

    /// <summary>Returns a state as people and JSON see it.</summary>
    public static string Word(RequestState state) => state switch
    {
        Pending => "PENDING",
        Approved => "APPROVED",
        Denied => "DENIED",
        Cancelled => "CANCELLED",
        _ => "EXPIRED",
    };

    private static string Whose(RequestAction action) => action is Approve or Deny ? "administrator or a reviewer" : "requester";

    private static string Verb(RequestAction action) =>
        action switch { Approve => "approve", Deny => "deny", Cancel => "cancel", _ => "drop" };

    private static string Participle(RequestAction action) =>
        action switch { Approve => "approved", Deny => "denied", Cancel => "cancelled", _ => "dropped" };
}
