using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>
/// Explains why somebody can, or cannot, log in. It shows the decision of the issuance policy and the rules behind it, and decides nothing
/// itself.
/// </summary>
/// <param name="IsGranted">Whether the login is granted.</param>
/// <param name="Verdict">The decision, in one line.</param>
/// <param name="Validity">When a certificate would expire, and by which rule; null if there would be none.</param>
/// <param name="Roles">Every role that the decision uses.</param>
/// <param name="Locks">The locks that take something away.</param>
public sealed record Explanation(
    bool IsGranted, string Verdict, Validity? Validity, ImmutableArray<RoleAtWork> Roles, ImmutableArray<LockAtWork> Locks)
{
    /// <summary>
    /// Explains the result of <see cref="IssuancePolicy.Decide"/> for a question, for one login or for all; if the question names a node,
    /// on that node.
    /// </summary>
    /// <param name="question">The question, as a login would ask it.</param>
    /// <param name="login">The login; null for any.</param>
    /// <param name="assumed">Whether the question assumes something that is not true yet.</param>
    public static Explanation Explain(IssuanceQuestion question, string? login = null, bool assumed = false)
    {
        var node = question.OnlyNode;
        // The explanation is about what is granted: a certificate too small to hold everything refuses nobody. It covers every certificate
        // of the login, because with a request for some nodes, the everyday certificate opens other nodes.
        var weighed = IssuancePolicy.WeighLogin(question with { Node = null });
        var (roles, locks) = (weighed.Roles(question, login, node), weighed.Locks(question, login));
        var (grants, missing) = weighed.Outcome.Holds(out var allowed, out _) ? (allowed.Grants, allowed.Missing) : ([], []);
        var opened = Opened(grants, IsMeant);
        var closed = opened is [] || node is null ? null : weighed.WhyNoWay(question, node);
        var verdict = opened is []
            ? $"no: {WhyNot(question, login, node, weighed, roles, locks) ?? WhyRefused() ?? $"no role in use grants {login}"}"
            : $"yes, as {Few(opened.Select(one => $"{(one.Principal.Node is null ? $"{one.Principal.Login} (all hosts)" : one.Principal)}{(one.Grant.Permissions.InWords is { } conditions ? $", {conditions}" : "")}"))}{(closed is null ? "" : $"; but the way there is closed: {closed}")}";
        return new Explanation(
            opened is not [],
            $"{question.User.Name} {(assumed ? "could" : "can")} log in{(login is null ? "" : $" as {login}")}{(question.Node is null ? "" : $" on {question.Node}")}: {verdict}",
            opened is [var first, ..] ? UntilTheEnd(first.Grant.Validity, node) : null,
            roles,
            locks);

        bool IsMeant(Principal principal) => (login is null || principal.Login == login)
            && (question.Node is null || (node is not null && (principal.Node is null || principal.Node == node.Name)));

        string? WhyRefused() => !IssuancePolicy.AllowLogin(question).Holds(out _, out var refusal)
            ? refusal.Message
            : missing.FirstOrDefault(one => one.Principals.Any(IsMeant))?.Why.Message;
    }

    /// <summary>
    /// Returns the logins that grants open, each with the grant that is used for it: one without conditions, if there is one.
    /// </summary>
    /// <param name="grants">The grants of one login.</param>
    /// <param name="isMeant">Whether a principal is asked about.</param>
    internal static List<(Principal Principal, IssuanceGrant Grant)> Opened(
        ImmutableArray<IssuanceGrant> grants, Func<Principal, bool> isMeant)
    {
        var opened = grants.OrderBy(grant => grant.Permissions.IsUnconditional ? 0 : 1)
            .SelectMany(grant => grant.Principals.Where(isMeant).Select(principal => (Principal: principal, Grant: grant)))
            .DistinctBy(one => one.Principal).ToList();
        var everywhere = opened.Where(one => one.Principal.Node is null && one.Grant.Permissions.IsUnconditional)
            .Select(one => one.Principal.Login).ToHashSet(StringComparer.Ordinal);
        return opened.FindAll(one => one.Principal.Node is null || !everywhere.Contains(one.Principal.Login));
    }

    private static Validity UntilTheEnd(Validity validity, Node? node) =>
        node?.Expires < validity.Before ? validity with { Before = node.Expires.Value, LimitedBy = Lifetime.EndOf(node) } : validity;

    private static string Few(IEnumerable<string> names) => Names.Few([.. names]);

    /// <summary>Returns the rule that decides against the login, as a sentence; null if no rule of a role does.</summary>
    private static string? WhyNot(
        IssuanceQuestion question, string? login, Node? node, Weighed weighed, ImmutableArray<RoleAtWork> roles,
        ImmutableArray<LockAtWork> locks)
    {
        if (locks.Any(one => one.Effect == RuleEffect.Refuses))
            return null;
        var rules = roles.SelectMany(role => role.Rules.Select(rule => (Role: role.Name, Rule: rule))).ToList();
        if (rules.Exists(one => one.Rule.Effect == RuleEffect.Refuses) || (login is null && question.Node is null))
            return null;
        if (question.Node is not null && node is null)
            return question.Ended.Contains(question.Node)
                ? $"node \"{question.Node}\" has ended" : $"there is no node \"{question.Node}\"";
        if (login is not null && Names.DomainOf(login) is { } domain
            && !(node is null ? question.Nodes.Any(one => one.CanHave(login)) : node.CanHave(login)))
            return $"{node?.Name ?? "no node"} has {(node is null ? "the" : "no")} login_domain {domain}";
        // A lock on one login, or on one node, does not affect the others.
        if (locks.FirstOrDefault(
            one => one.Effect == RuleEffect.Denies
                && (one.Lock.Target.Kind == LockKind.Login ? login : question.Node) is not null) is { } locked)
            return locked.Lock.Refusal.Message;
        // A denial of one login does not affect the others.
        if (rules.Find(
            one => one.Rule.Effect == RuleEffect.Denies
                && (one.Rule.Field == Reached.DenyLogins
                    ? login is not null || one.Rule.Entry == "*"
                    : node is not null)) is { Rule: { } denied } by)
            return $"role {by.Role} denies {(denied.Field == Reached.DenyLogins ? login ?? "every login" : node!.Name)} ({denied.Field} {denied.Entry})";
        var near = roles.Where(role => role.Rules.Any(rule => rule.Effect == RuleEffect.Allows && rule.Field == Reached.AllowLogins))
            .ToList();
        if (near.Count == 0)
            return login is null
                ? null
                : $"no role in use allows the login {login}{IssuancePolicy.Gaps(weighed.Reached.Roles.Select(reach => reach.Role), question.User)}";
        var missed = near.Select(
            role => (role.Name,
                Rule: role.Rules.FirstOrDefault(
                    rule => rule.Effect == RuleEffect.Misses && rule.Field is Reached.AllowNodes or Reached.RequestResources))).ToList();
        return missed.Exists(role => role.Rule is null)
            ? null
            : $"role {missed[0].Name} allows {login ?? "logins"}, but {missed[0].Rule!.Why} ({missed[0].Rule!.Field} {missed[0].Rule!.Entry})";
    }
}
