using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;

namespace CertAuthority.Access.Facts;

/// <summary>A login that an approval would open, on one set of hosts and under one set of conditions.</summary>
/// <param name="Login">The login.</param>
/// <param name="Nodes">The hosts, sorted by name; empty for every host that trusts the CA.</param>
/// <param name="Conditions">The conditions of each session, <c>runs only /usr/bin/restore</c>; null for none.</param>
public sealed record Opening(string Login, ImmutableArray<Node> Nodes, string? Conditions)
{
    /// <summary>Whether the login would be valid on every host that trusts the CA.</summary>
    public bool IsEverywhere => Nodes.IsEmpty;
}

/// <summary>What a login under an approved request opens that the requester's own roles do not.</summary>
/// <param name="Openings">The logins, sorted.</param>
/// <param name="Permissions">The permissions of the certificates that use the request.</param>
/// <param name="WhyNothing">Why it opens nothing; null if it opens something.</param>
internal sealed record Opened(
    ImmutableArray<Opening> Openings, ImmutableArray<SessionPermissions> Permissions, string? WhyNothing)
{
    /// <summary>Asks the policy, as a login at the first instant of the access would.</summary>
    /// <param name="approved">The request as its approval would leave it; its requester exists.</param>
    /// <param name="question">The question; it has the roles, nodes and locks.</param>
    public static Opened By(AccessRequest approved, FactsQuestion question)
    {
        // A security key passes every rule about keys; which key the requester will use is not known yet.
        var login = new IssuanceQuestion(
            question.Begins(approved), question.Requester!, [approved], question.Roles, question.Nodes, RequestedTtl: null, LiveSessions: 0,
            question.Limits)
        {
            Locks = question.Locks,
            IsSecurityKey = true,
        };
        if (!IssuancePolicy.AllowLogin(login).Holds(out var allowed, out var refusal))
            return new Opened([], [], refusal.Message);
        var elevated = allowed.Grants.Where(grant => grant.Requests.Contains(approved.Id)).ToList();
        if (elevated.Count == 0)
            return new Opened([], [], allowed.Missing.First(missing => missing.Requests.Contains(approved.Id)).Why.Message);
        var held = IssuancePolicy.AllowLogin(login with { Requests = [] }).Holds(out var everyday, out _) ? everyday.Grants : [];
        ImmutableArray<Opening> openings =
        [
            .. elevated.SelectMany(
                    grant => grant.Principals.Where(principal => !held.Any(other => Covers(other, grant, principal)))
                        .Select(principal => (principal.Login, principal.Node, Conditions: grant.Permissions.InWords)))
                .GroupBy(one => (one.Login, one.Conditions, IsEverywhere: one.Node is null))
                .OrderBy(same => same.Key.Login, StringComparer.Ordinal).ThenBy(same => same.Key.Conditions, StringComparer.Ordinal)
                .ThenByDescending(same => same.Key.IsEverywhere)
                .Select(
                    same => new Opening(
                        same.Key.Login,
                        same.Key.IsEverywhere
                            ? []
                            : [
                                .. same.Select(one => one.Node!).Distinct().Order(StringComparer.Ordinal)
                                    .Select(name => question.Nodes.Named(name)!)],
                        same.Key.Conditions)),
        ];
        return new Opened(
            openings, [.. elevated.Select(grant => grant.Permissions)],
            openings.IsEmpty ? $"nothing that the roles of {approved.UserName} do not open already" : null);
    }

    /// <summary>Whether a certificate that the requester can have already opens a principal, under no other conditions.</summary>
    private static bool Covers(IssuanceGrant held, IssuanceGrant elevated, Principal principal) =>
        (held.Permissions.IsUnconditional || held.Permissions.InWords == elevated.Permissions.InWords)
        && held.Principals.Any(own => own.Login == principal.Login && (own.Node is null || own.Node == principal.Node));
}
