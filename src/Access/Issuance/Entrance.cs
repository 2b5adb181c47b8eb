using System.Collections.Immutable;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;

namespace CertAuthority.Access.Issuance;

/// <summary>One way of a user into a node. It is the decision of the issuance policy, and decides nothing itself.</summary>
/// <param name="Request">The approved request that is used; null for the assigned roles alone.</param>
/// <param name="Logins">The logins, sorted; at least one.</param>
public sealed record Entrance(AccessRequest? Request, ImmutableArray<EntranceLogin> Logins)
{
    /// <summary>
    /// Returns every way into a node: by the assigned roles, then by each request, with the logins that only the request opens. Several
    /// requests in one login open no more than each of them does.
    /// </summary>
    /// <param name="question">The question, as a login would ask it with every request that the user could use.</param>
    /// <param name="node">The node.</param>
    /// <param name="login">The login; null for any.</param>
    public static ImmutableArray<Entrance> Into(Node node, IssuanceQuestion question, string? login = null) => Ways(node, question, login);

    /// <summary>
    /// Returns every way into a host that trusts the CA and is not enrolled: the logins that are valid on every host.
    /// </summary>
    /// <inheritdoc cref="Into"/>
    public static ImmutableArray<Entrance> Everywhere(IssuanceQuestion question, string? login = null) => Ways(null, question, login);

    private static ImmutableArray<Entrance> Ways(Node? node, IssuanceQuestion question, string? login)
    {
        var there = question with { Nodes = node is null ? [] : [node], Node = null };
        var standing = Opened(there with { Requests = [] }, node, login, null);
        return
        [
            .. question.Requests.OrderBy(request => request.AccessUntil).ThenBy(request => request.Id)
                .Select(
                    request => new Entrance(
                        request, Opened(there with { Requests = [request] }, node, login, request).RemoveAll(one => one.IsAmong(standing))))
                .Prepend(new Entrance(null, standing))
                .Where(entrance => !entrance.Logins.IsEmpty),
        ];
    }

    private static ImmutableArray<EntranceLogin> Opened(IssuanceQuestion question, Node? node, string? login, AccessRequest? request)
    {
        var weighed = IssuancePolicy.WeighLogin(question);
        if (!weighed.Outcome.Holds(out var allowed, out _))
            return [];
        return
        [
            .. Explanation.Opened(
                    [.. allowed.Grants.Where(grant => request is null || grant.Requests.Contains(request.Id))],
                    principal => (login is null || principal.Login == login) && (principal.Node is null || principal.Node == node?.Name))
                .Select(
                    one => new EntranceLogin(one.Principal.Login, Roles(one.Grant, one.Principal.Login), one.Grant.Permissions.InWords))
                .OrderBy(one => one.Login, StringComparer.Ordinal),
        ];

        ImmutableArray<string> Roles(IssuanceGrant grant, string opened) =>
        [
            .. weighed.Reached.Roles
                .Where(
                    reach => reach.Logins.Contains(opened) && grant.Roles.Any(role => role.Id == reach.Role.Role.Id)
                        && (reach.IsBare || reach.Nodes.Any(one => one.Name == node?.Name)))
                .Select(reach => reach.Role.Role.Name).Order(StringComparer.Ordinal),
        ];
    }
}

/// <summary>A login that a way into a node opens there.</summary>
/// <param name="Login">The login.</param>
/// <param name="Roles">The names of the roles that allow it, sorted.</param>
/// <param name="Conditions">The conditions of each session, <c>runs only /usr/bin/restore</c>; null for none.</param>
public sealed record EntranceLogin(string Login, ImmutableArray<string> Roles, string? Conditions)
{
    /// <summary>Whether one of these is the same login under no other conditions.</summary>
    internal bool IsAmong(ImmutableArray<EntranceLogin> others) =>
        others.Any(other => other.Login == Login && (other.Conditions is null || other.Conditions == Conditions));
}
