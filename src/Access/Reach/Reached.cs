using System.Collections.Immutable;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reach;

/// <summary>
/// The reach of one of the roles in use, after the denials of all of them. The principals of a certificate come only from this.
/// </summary>
/// <param name="Role">The role, filled in for the user.</param>
/// <param name="Logins">The allowed logins that are not denied.</param>
/// <param name="WhyNotBare">Why its logins are not valid on every host that trusts the CA; null if they are.</param>
/// <param name="Matched">The nodes that its labels select, including denied ones.</param>
/// <param name="Nodes">The nodes where its logins are valid, if the node can have such a login.</param>
internal sealed record RoleReach(
    RoleInUse Role, ImmutableArray<string> Logins, string? WhyNotBare, ImmutableArray<Node> Matched, ImmutableArray<Node> Nodes)
{
    /// <summary>Whether its logins are valid on every host that trusts the CA.</summary>
    public bool IsBare => WhyNotBare is null;
}

/// <summary>The reach of the roles in use, each with its own logins on its own hosts, and the rules behind it.</summary>
internal sealed class Reached
{
    /// <summary>The field that names logins to allow.</summary>
    public const string AllowLogins = TemplateGap.AllowLogins;

    /// <summary>The field that names hosts to allow.</summary>
    public const string AllowNodes = "allow.node_labels";

    /// <summary>The field that names logins to deny.</summary>
    public const string DenyLogins = TemplateGap.DenyLogins;

    /// <summary>The field that names hosts to deny.</summary>
    public const string DenyNodes = "deny.node_labels";

    /// <summary>The field of a request that names nodes.</summary>
    public const string RequestResources = "request.resources";

    private readonly NodeSet nodes;

    /// <summary>Determines the reach of each role.</summary>
    /// <param name="roles">The roles in use, each once.</param>
    /// <param name="denials">The denials of the roles and of locks.</param>
    /// <param name="nodes">Every node that exists.</param>
    public Reached(IReadOnlyCollection<RoleInUse> roles, Denials denials, NodeSet nodes)
    {
        this.nodes = nodes;
        Roles = [.. roles.Select(role => Reach(role, denials))];
    }

    /// <summary>The reach of each role.</summary>
    public ImmutableArray<RoleReach> Roles { get; }

    /// <summary>Returns the reach of some of the roles.</summary>
    public IEnumerable<RoleReach> Of(IEnumerable<RoleInUse> some)
    {
        var ids = some.Select(role => role.Role.Id).ToHashSet();
        return Roles.Where(reach => ids.Contains(reach.Role.Role.Id));
    }

    /// <summary>
    /// Returns the rules of a role that allow logins and hosts, as far as they concern one question, in the order of the resource.
    /// </summary>
    /// <param name="reach">The reach of the role.</param>
    /// <param name="user">The user who has the logins.</param>
    /// <param name="login">The login; null for any.</param>
    /// <param name="node">The node; null for any.</param>
    public static IEnumerable<RuleAtWork> Allowing(RoleReach reach, User user, string? login, Node? node)
    {
        var (id, allow) = (reach.Role.Role.Id, reach.Role.Role.Allow);
        if (allow.Logins.IsEmpty)
            return [new RuleAtWork(id, RuleEffect.Misses, AllowLogins, "", "it allows no login")];
        return AllowingLogins(reach, user, login, node).Concat(AllowingNodes(reach, login, node));
    }

    /// <summary>Returns the rules of a role that deny logins and hosts to every role in use.</summary>
    /// <param name="role">The role.</param>
    /// <param name="login">The login; null for any.</param>
    /// <param name="node">The node; null for any.</param>
    public IEnumerable<RuleAtWork> Denying(RoleInUse role, string? login, Node? node)
    {
        var (id, labels) = (role.Role.Id, role.Role.Deny.NodeLabels);
        foreach (var (entry, values) in role.Denied.Where(
            denied => login is null || denied.Values.Contains("*") || denied.Values.Contains(login)))
            yield return new RuleAtWork(
                id, RuleEffect.Denies, DenyLogins, entry.Text,
                $"takes {(entry.Text == "*" ? "every login" : string.Join(", ", values))} from every role in use");
        if (labels.IsNone)
            yield break;
        if (node is null)
            yield return new RuleAtWork(
                id, RuleEffect.Denies, DenyNodes, Entries(labels),
                $"takes from every role in use: {Few(nodes.Where(one => Denials.Deny(role, one)))}; none grants a bare login beside it");
        else if (Denials.Deny(role, node))
            yield return new RuleAtWork(
                id, RuleEffect.Denies, DenyNodes, Entries(labels),
                $"takes {node.Name} from every role in use: {string.Join(", ", labels.Entries.Keys.Select(key => Has(node, key)))}");
        else
            yield return new RuleAtWork(
                id, RuleEffect.Limits, DenyNodes, Entries(labels), $"not {node.Name}; but no role in use grants a bare login beside it");
    }

    private RoleReach Reach(RoleInUse role, Denials denials)
    {
        var matched = nodes.Selected(role.Role.Allow.NodeLabels);
        return new RoleReach(
            role,
            [.. role.Logins.Where(login => Names.IsGrantable(login) && !denials.Deny(login))],
            denials.WhyNotBare(role),
            matched,
            [.. matched.Where(node => role.OnlyOn?.Contains(node.Id) != false && !denials.Deny(node))]);
    }

    private static IEnumerable<RuleAtWork> AllowingLogins(RoleReach reach, User user, string? login, Node? node)
    {
        var (id, role) = (reach.Role.Role.Id, reach.Role);
        var granting = role.Allowed.Where(entry => login is null ? !entry.Values.IsEmpty : entry.Values.Contains(login)).ToList();
        foreach (var (entry, values) in granting)
            yield return new RuleAtWork(
                id, RuleEffect.Allows, AllowLogins, entry.Text,
                entry.IsLiteral ? $"the login {entry}" : $"{string.Join(", ", values)}, from the traits of {user.Name}");
        // A gap changes nothing if another entry grants the login.
        if (login is null || granting.Count == 0)
            foreach (var gap in role.Gaps.Where(gap => gap.Field == AllowLogins))
                yield return new RuleAtWork(id, RuleEffect.Misses, AllowLogins, gap.Entry, $"it grants nothing: {gap.Why}");
        if (login is not null && granting.Count == 0 && role.Logins.Length > 0)
            yield return new RuleAtWork(
                id, RuleEffect.Misses, AllowLogins, string.Join(", ", role.Role.Allow.Logins), $"{login} is none of these");
        else if (login is not null && node?.CanHave(login) == false)
            yield return new RuleAtWork(
                id, RuleEffect.Misses, AllowLogins, login,
                $"{node.Name} has no login_domain {Names.DomainOf(login)}, so there is no such account");
    }

    private static IEnumerable<RuleAtWork> AllowingNodes(RoleReach reach, string? login, Node? node)
    {
        var (id, labels) = (reach.Role.Role.Id, reach.Role.Role.Allow.NodeLabels);
        if (labels.IsNone)
            return [new RuleAtWork(id, RuleEffect.Misses, AllowNodes, "", "it names no host")];
        if (labels.IsAll)
            return [new RuleAtWork(id, RuleEffect.Allows, AllowNodes, Entry(labels, "*"), EveryHost(reach, login))];
        return node is null
            ? [
                new RuleAtWork(
                    id, reach.Matched.IsEmpty ? RuleEffect.Misses : RuleEffect.Allows, AllowNodes, Entries(labels), Few(reach.Matched))]
            : labels.EachKey(node.Labels)
                .Select(
                    key => new RuleAtWork(
                        id, key.Matches ? RuleEffect.Allows : RuleEffect.Misses, AllowNodes, Entry(labels, key.Key), Has(node, key.Key)));
    }

    private static string EveryHost(RoleReach reach, string? login) =>
        login is not null && Names.DomainOf(login) is { } domain ? $"every host with the login_domain {domain}, one by one"
        : reach.IsBare ? "every host: a bare login, valid wherever the CA is trusted"
        : $"every host, one by one: no bare login, since {reach.WhyNotBare}";

    private static string Few(IEnumerable<Node> some) =>
        some.Select(one => one.Name).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } names ? Names.Few(names) : "no host today";

    private static string Has(Node node, string key) =>
        key == "*"
            ? $"{node.Name} is a host"
            : node.Labels.TryGetValue(key, out var value) ? $"{node.Name} has {key}: {value}" : $"{node.Name} has no label {key}";

    private static string Entries(LabelSelector labels) => string.Join("; ", labels.Entries.Keys.Select(key => Entry(labels, key)));

    private static string Entry(LabelSelector labels, string key) => $"{key}: {string.Join(", ", labels.Entries[key])}";
}
