using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>What the policy makes of a question, with the rules that it is made of: what is granted and why are one computation.</summary>
/// <param name="Outcome">What is allowed, or why nothing is.</param>
/// <param name="Drawn">Every role that it draws on.</param>
/// <param name="Denials">What the roles and the locks take away.</param>
/// <param name="Reached">What each role reaches.</param>
/// <param name="Bounds">The rules about lifetime and permissions.</param>
internal sealed record Weighed(
    Outcome<Allowed> Outcome, ImmutableArray<DrawnRole> Drawn, Denials Denials, Reached Reached, IEnumerable<RuleAtWork> Bounds)
{
    /// <summary>With requests in use, what the assigned roles alone come to, in the everyday certificates; otherwise null.</summary>
    public Weighed? Everyday { get; init; }

    /// <summary>The rules of each role drawn, in the order of the resource.</summary>
    /// <param name="question">The question that this answers.</param>
    /// <param name="login">The login that they are about; null for any.</param>
    /// <param name="node">The node that they are about; null for any.</param>
    public ImmutableArray<RoleAtWork> Roles(IssuanceQuestion question, string? login, Node? node)
    {
        var bounds = Bounds.Concat(Everyday?.Bounds ?? []).Where(rule => rule.Role is not null).ToLookup(rule => rule.Role!.Value);
        return [.. Drawn.Select(role => new RoleAtWork(role.Name, role.Request?.Id, [.. Rules(role, question, bounds, login, node)]))];
    }

    /// <summary>The locks that take something from what is asked.</summary>
    /// <param name="question">The question that this answers.</param>
    /// <param name="login">The login that it is about; null for any.</param>
    public ImmutableArray<LockAtWork> Locks(IssuanceQuestion question, string? login) =>
        [
            .. question.Locks.All.Select(one => (Lock: one, Effect: Effect(one, question, login))).Where(one => one.Effect is not null)
                .Select(one => new LockAtWork(one.Lock, one.Effect!.Value))];

    private IEnumerable<RuleAtWork> Rules(
        DrawnRole drawn, IssuanceQuestion question, ILookup<Guid, RuleAtWork> bounds, string? login, Node? node)
    {
        if (!drawn.Use.Holds(out var inUse, out var refusal))
            return [new RuleAtWork(null, RuleEffect.Refuses, drawn.Request is null ? "role" : "request", drawn.Name, refusal.Message)];
        // An assigned role is whole in the everyday certificate, whatever a request makes of it in the elevated one.
        var whole = drawn.Request is null ? Everyday ?? this : this;
        var own = bounds[inUse.Role.Id].DistinctBy(rule => (rule.Field, rule.Entry)).ToLookup(rule => rule.Field == Lifetime.Expires);
        return
        [
            .. own[true],
            // What is over has lost its allow already.
            .. inUse.Role.IsOver(question.Now)
                ? []
                : whole.Reached.Of([inUse]).SelectMany(reach => Reached.Allowing(reach, question.User, login, node))
                    .Concat(OnlyOn(drawn, inUse, question, node)),
            .. Reached.Denying(inUse, login, node),
            .. own[false],
        ];
    }

    /// <summary>What a request for nodes makes of a role.</summary>
    private static IEnumerable<RuleAtWork> OnlyOn(DrawnRole drawn, RoleInUse role, IssuanceQuestion question, Node? node)
    {
        if (role.OnlyOn is not { } some)
            yield break;
        var names = Names.Few([.. question.Resources.Where(one => some.Contains(one.Id)).Select(one => one.ToString())]);
        if (drawn.Request is null)
            yield return new RuleAtWork(
                role.Role.Id, RuleEffect.Limits, Reached.RequestResources, names,
                "in the elevated certificate; the everyday one opens the rest");
        else
            yield return node is null || some.Contains(node.Id)
                ? new RuleAtWork(role.Role.Id, RuleEffect.Limits, Reached.RequestResources, names, "what it allows counts there only")
                : new RuleAtWork(role.Role.Id, RuleEffect.Misses, Reached.RequestResources, names, $"{node.Name} was not asked for");
    }

    /// <summary>What a lock does here; null for nothing.</summary>
    private RuleEffect? Effect(AccessLock standing, IssuanceQuestion question, string? login) => standing.Target switch
    {
        (LockKind.User, var name) => name == question.User.Name ? RuleEffect.Refuses : null,
        (LockKind.Role, var name) => Drawn.Any(role => role.Name == name) ? RuleEffect.Refuses : null,
        (LockKind.Request, var id) => question.Requests.Any(request => request.Id.ToString() == id) ? RuleEffect.Refuses : null,
        (LockKind.Login, var name) =>
            (login ?? name) == name && Reached.Roles.Any(reach => reach.Role.Logins.Contains(name)) ? RuleEffect.Denies : null,
        (_, var name) when (question.Node ?? name) == name => RuleEffect.Denies,
        _ => Reached.Roles.Any(reach => reach.Role.Role.Allow.NodeLabels.IsAll) ? RuleEffect.Limits : null,
    };
}

/// <summary>What the rules allow.</summary>
/// <param name="Grants">One for each set of conditions that the roles in use attach; at least one.</param>
/// <param name="Missing">Those that cannot be.</param>
internal sealed record Allowed(ImmutableArray<IssuanceGrant> Grants, ImmutableArray<MissingGrant> Missing)
{
    /// <summary>What they open together.</summary>
    public ImmutableArray<Principal> Principals => [.. Grants.SelectMany(grant => grant.Principals).Distinct()];
}

/// <summary>What the roles would open, were it not for their conditions.</summary>
/// <param name="Why">Which condition stands against it.</param>
/// <param name="Requests">The requests that it would draw on.</param>
/// <param name="Principals">The logins that it would open.</param>
internal sealed record MissingGrant(Refusal Why, ImmutableArray<Guid> Requests, ImmutableArray<Principal> Principals);

/// <summary>A role behind a decision, or behind its refusal.</summary>
/// <param name="Name">Its name; where a request grants nothing, the names of what was asked for.</param>
/// <param name="Request">The request that adds it; null for an assigned one.</param>
/// <param name="Use">It as it counts, or why it cannot be used.</param>
internal sealed record DrawnRole(string Name, AccessRequest? Request, Outcome<RoleInUse> Use);

/// <summary>A role behind a verdict.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Request">The request that adds it; null for an assigned one.</param>
/// <param name="Rules">Its rules that matter, in the order of the resource.</param>
public sealed record RoleAtWork(string Name, Guid? Request, ImmutableArray<RuleAtWork> Rules);

/// <summary>A lock behind a verdict.</summary>
/// <param name="Lock">Which.</param>
/// <param name="Effect">What it does.</param>
public sealed record LockAtWork(AccessLock Lock, RuleEffect Effect);
