using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Facts;

/// <summary>A pending request, and everything that the facts about it depend on, read at one moment.</summary>
/// <param name="Request">The request; it need not be filed yet.</param>
/// <param name="Requester">The requester's user as it is now; null if it no longer exists.</param>
/// <param name="Roles">Every role that exists.</param>
/// <param name="Nodes">Every node that exists.</param>
/// <param name="Limits">The limits of the site.</param>
/// <param name="Now">The present instant; whole seconds.</param>
public sealed record FactsQuestion(
    AccessRequest Request,
    User? Requester,
    IReadOnlyDictionary<string, Role> Roles,
    NodeSet Nodes,
    SiteLimits Limits,
    DateTimeOffset Now)
{
    /// <summary>What is locked now.</summary>
    public required LocksInForce Locks { get; init; }

    /// <summary>Which of the users, accounts and uids involved are the same person.</summary>
    public required People People { get; init; }

    /// <summary>The votes on the request, in the order in which they were cast.</summary>
    public IReadOnlyList<Vote> Votes { get; init; } = [];

    /// <summary>Users who might review the request.</summary>
    public IReadOnlyList<Voter> Reviewers { get; init; } = [];

    /// <summary>The user who looks at the request; null for an administrator, or for nobody in particular.</summary>
    public Voter? Reviewer { get; init; }

    /// <summary>The administrator who looks at the request; null for a user, or for nobody in particular.</summary>
    public Answerer? Administrator { get; init; }

    /// <summary>The roles that the approval would grant; default for the requested ones.</summary>
    public ImmutableArray<string> Granted { get; init; }

    /// <summary>How long the approval would let the access last at most; null for as long as the request says.</summary>
    public TimeSpan? AtMost { get; init; }

    /// <summary>The earlier requests of the requester for the same roles, within <see cref="History.Longest"/>.</summary>
    public ImmutableArray<EarlierRequest> Earlier { get; init; } = [];

    /// <summary>The logins that administer the daemon's host.</summary>
    public ImmutableHashSet<string> PrivilegedLogins { get; init; } = [];

    /// <summary>
    /// Returns the question as the votes leave it: an approval now would grant only what all counted approvals grant, and no more time than
    /// the shortest of them. An administrator decides alone, and votes do not bind them.
    /// </summary>
    internal FactsQuestion AfterVotes()
    {
        var own = AtMost is { } atMost ? new AccessLimit(atMost, "the approval") : null;
        if (Administrator is not null)
            return this with { Limit = own };
        var tally = Tally.Count(Request, People, Votes, Roles);
        return this with
        {
            Request = Request with { Terms = Request.Terms with { AssumeFrom = tally.AssumeFrom } },
            Granted = Votes.Count == 0
                ? Granted
                : [.. tally.InCommon.Where(name => Granted.IsDefault || Granted.Contains(name))],
            Limit = own is null || tally.Limit?.AtMost <= own.AtMost ? tally.Limit : own,
        };
    }

    /// <summary>The shortest limit that applies.</summary>
    internal AccessLimit? Limit { get; private init; }

    /// <summary>Returns the first instant at which the access can be used if it is approved now.</summary>
    internal DateTimeOffset Begins(AccessRequest approved) => approved.Terms.AssumeFrom > Now ? approved.Terms.AssumeFrom.Value : Now;
}
