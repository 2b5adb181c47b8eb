using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>Everything that a login decision depends on, read in one transaction.</summary>
/// <param name="Now">The instant of issue; whole seconds.</param>
/// <param name="User">The user who logs in.</param>
/// <param name="Requests">The approved requests to use; all belong to this user.</param>
/// <param name="Roles">Every role that exists, by name.</param>
/// <param name="Nodes">Every node that exists; those that have ended open nothing.</param>
/// <param name="RequestedTtl">The requested lifetime; null for none.</param>
/// <param name="LiveSessions">
/// How many login sessions of this user, apart from the one that this login belongs to, have a live certificate.
/// </param>
/// <param name="Limits">The limits of the site.</param>
public sealed record IssuanceQuestion(
    DateTimeOffset Now,
    User User,
    ImmutableArray<AccessRequest> Requests,
    IReadOnlyDictionary<string, Role> Roles,
    NodeSet Nodes,
    TimeSpan? RequestedTtl,
    int LiveSessions,
    SiteLimits Limits)
{
    /// <summary>The nodes that have not ended.</summary>
    public NodeSet Nodes
    {
        get;
        init => (field, Ended) = (value.Standing(Now), Over(value, Now));
    } = Nodes.Standing(Now);

    /// <summary>The names of the nodes that have ended. They matter only to the words of a refusal.</summary>
    internal ImmutableArray<string> Ended { get; private init; } = Over(Nodes, Now);

    /// <summary>What is locked now, even if <see cref="Now"/> is an earlier instant.</summary>
    public required LocksInForce Locks { get; init; }

    /// <summary>Whether the key to certify is in a FIDO authenticator.</summary>
    public bool IsSecurityKey { get; init; }

    /// <summary>The only node that the certificate is for; null for all that the roles reach.</summary>
    public string? Node { get; init; }

    /// <summary>
    /// The groups that a certificate may name instead of their hosts, and none for a certificate of one node. The members of each are all
    /// the nodes that it selects, even if <see cref="Nodes"/> has fewer.
    /// </summary>
    public ImmutableArray<GroupMembers> Groups { get; init; } = [];

    /// <summary>Members, each with its group, that did not confirm that they accept the token of the group.</summary>
    public IReadOnlySet<(Guid Group, Guid Node)> Unconfirmed { get; init; } = ImmutableHashSet<(Guid, Guid)>.Empty;

    /// <summary>When the login session that the certificate belongs to ends; null if this login begins a session.</summary>
    public DateTimeOffset? SessionEnds { get; init; }

    /// <summary>The end of the certificate that is judged; null for a new one, which ends as the policy says.</summary>
    internal DateTimeOffset? LastsUntil { get; init; }

    /// <summary>
    /// The nodes that the requests name, if any. If there are some, the whole certificate is limited to them, including the assigned roles
    /// in it: a user who requested one host brings nothing else there.
    /// </summary>
    internal ImmutableArray<PinnedNode> Resources => [.. Requests.SelectMany(request => request.Resources).Distinct()];

    /// <summary>The node that <see cref="Node"/> names; null if there is none, or if it has ended.</summary>
    internal Node? OnlyNode => Node is null ? null : Nodes.Named(Node);

    private static ImmutableArray<string> Over(NodeSet nodes, DateTimeOffset now) => [.. nodes.Ended(now).Select(node => node.Name)];
}
