using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>Everything a login decision depends on, as it stood in one transaction.</summary>
/// <param name="Now">The instant of issue; whole seconds.</param>
/// <param name="User">Who logs in.</param>
/// <param name="Requests">The approved requests to use; all of this user.</param>
/// <param name="Roles">Every role that exists, by name.</param>
/// <param name="Nodes">Every node that exists.</param>
/// <param name="RequestedTtl">The lifetime asked for, or null.</param>
/// <param name="LiveSessions">
/// How many login sessions of this user have a certificate out already, beside the one that this belongs to.
/// </param>
/// <param name="Limits">The bounds of the site.</param>
public sealed record IssuanceQuestion(
    DateTimeOffset Now,
    User User,
    ImmutableArray<AccessRequest> Requests,
    IReadOnlyDictionary<string, Role> Roles,
    IReadOnlyCollection<Node> Nodes,
    TimeSpan? RequestedTtl,
    int LiveSessions,
    SiteLimits Limits)
{
    /// <summary>What is locked now, also where <see cref="Now"/> is an earlier instant.</summary>
    public required LocksInForce Locks { get; init; }

    /// <summary>Whether the key to certify lives in a FIDO authenticator.</summary>
    public bool IsSecurityKey { get; init; }

    /// <summary>The one node that the certificate is for; null for all that the roles reach.</summary>
    public string? Node { get; init; }

    /// <summary>When the login session ends that the certificate belongs to; null for one that begins a session.</summary>
    public DateTimeOffset? SessionEnds { get; init; }

    /// <summary>
    /// The nodes that the requests name, where they name some. Then the whole certificate is for these, the assigned roles in it
    /// too: who asked for one host carries nothing else there.
    /// </summary>
    internal ImmutableArray<PinnedNode> Resources => [.. Requests.SelectMany(request => request.Resources).Distinct()];
}
