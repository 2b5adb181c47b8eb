using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>
/// The decision of the policy together with the rules behind it: one computation produces both the grant and its reasons.
/// </summary>
/// <param name="Outcome">What is allowed, or why nothing is.</param>
/// <param name="Drawn">Every role that the decision uses.</param>
/// <param name="Denials">What the roles and the locks take away.</param>
/// <param name="Reached">What each role reaches.</param>
/// <param name="Bounds">The rules about lifetime and permissions.</param>
internal sealed record Weighed(
    Outcome<Allowed> Outcome, ImmutableArray<DrawnRole> Drawn, Denials Denials, Reached Reached, IEnumerable<RuleAtWork> Bounds)
{
    /// <summary>
    /// With requests in use, the decision for the assigned roles alone, which the everyday certificates contain; otherwise null.
    /// </summary>
    public Weighed? Everyday { get; init; }

    /// <summary>Returns the rules of each role used, in the order of the resource.</summary>
    /// <param name="question">The question that this answers.</param>
    /// <param name="login">The login to report on; null for any.</param>
    /// <param name="node">The node to report on; null for any.</param>
    public ImmutableArray<RoleAtWork> Roles(IssuanceQuestion question, string? login, Node? node)
    {
        var bounds = Bounds.Concat(Everyday?.Bounds ?? []).Where(rule => rule.Role is not null).ToLookup(rule => rule.Role!.Value);
        return [.. Drawn.Select(role => new RoleAtWork(role.Name, role.Request?.Id, [.. Rules(role, question, bounds, login, node)]))];
    }

    /// <summary>Returns the locks that take something away from what is asked.</summary>
    /// <param name="question">The question that this answers.</param>
    /// <param name="login">The login to report on; null for any.</param>
    public ImmutableArray<LockAtWork> Locks(IssuanceQuestion question, string? login)
    {
        var way = question.OnlyNode is { Via: not null } node ? new Ways(question.Nodes).To(node) ?? [] : [];
        return
        [
            .. question.Locks.All.Select(one => (Lock: one, Effect: Effect(one, question, login, way))).Where(one => one.Effect is not null)
                .Select(one => new LockAtWork(one.Lock, one.Effect!.Value)),
        ];
    }

    /// <summary>
    /// Returns why nobody passes the jump hosts on the way to a node; null if the way is open, or if there are none on it.
    /// </summary>
    /// <param name="question">The question that this answers; its nodes include the jump hosts.</param>
    /// <param name="node">The node.</param>
    public string? WhyNoWay(IssuanceQuestion question, Node node) =>
        node.Via is null ? null
        : new Ways(question.Nodes).To(node) is not { } way ? $"{node.Via} is no jump host that can be passed"
        : Denials.Why(Names.JumpLogin) ?? way.Select(Denials.Why).FirstOrDefault(why => why is not null);

    private IEnumerable<RuleAtWork> Rules(
        DrawnRole drawn, IssuanceQuestion question, ILookup<Guid, RuleAtWork> bounds, string? login, Node? node)
    {
        if (!drawn.Use.Holds(out var inUse, out var refusal))
            return [new RuleAtWork(null, RuleEffect.Refuses, drawn.Request is null ? "role" : "request", drawn.Name, refusal.Message)];
        // In the everyday certificate an assigned role counts in full, even if a request limits it in the elevated one.
        var whole = drawn.Request is null ? Everyday ?? this : this;
        var own = bounds[inUse.Role.Id].DistinctBy(rule => (rule.Field, rule.Entry)).ToLookup(rule => rule.Field == Lifetime.Expires);
        return
        [
            .. own[true],
            // An expired role has already lost its allow.
            .. inUse.Role.IsOver(question.Now)
                ? []
                : whole.Reached.Of([inUse]).SelectMany(reach => Reached.Allowing(reach, question.User, login, node))
                    .Concat(OnlyOn(drawn, inUse, question, node)),
            .. Reached.Denying(inUse, login, node),
            .. own[false],
        ];
    }

    /// <summary>Returns how a request for nodes limits a role.</summary>
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

    /// <summary>Returns the effect of a lock here; null for none.</summary>
    private RuleEffect? Effect(AccessLock standing, IssuanceQuestion question, string? login, ImmutableArray<Node> way) =>
        standing.Target switch
        {
            (LockKind.User, var name) => name == question.User.Name ? RuleEffect.Refuses : null,
            (LockKind.Role, var name) => Drawn.Any(role => role.Name == name) ? RuleEffect.Refuses : null,
            (LockKind.Request, var id) => question.Requests.Any(request => request.Id.ToString() == id) ? RuleEffect.Refuses : null,
            (LockKind.Login, Names.JumpLogin) => way.IsEmpty ? null : RuleEffect.Limits,
            (LockKind.Login, var name) =>
                (login ?? name) == name && Reached.Roles.Any(reach => reach.Role.Logins.Contains(name)) ? RuleEffect.Denies : null,
            (_, var name) when (question.Node ?? name) == name => RuleEffect.Denies,
            (_, var name) when way.Any(jump => jump.Name == name) => RuleEffect.Limits,
            _ => Reached.Roles.Any(reach => reach.Role.Role.Allow.NodeLabels.IsAll) ? RuleEffect.Limits : null,
        };
}

/// <summary>What the rules allow.</summary>
/// <param name="Grants">
/// The grants, one for each set of conditions that the roles in use attach; at least one, except in
/// <see cref="IssuancePolicy.AllowAnything"/>.
/// </param>
/// <param name="Missing">The grants that are not possible.</param>
internal sealed record Allowed(ImmutableArray<IssuanceGrant> Grants, ImmutableArray<MissingGrant> Missing)
{
    /// <summary>
    /// For each grant that opens hosts behind jump hosts, one for passing these: it lasts as long, under the same conditions, and permits
    /// forwarding and nothing else.
    /// </summary>
    public ImmutableArray<IssuanceGrant> Jumps { get; init; } = [];

    /// <summary>The principals that all grants open together.</summary>
    public ImmutableArray<Principal> Principals => [.. Grants.SelectMany(grant => grant.Principals).Distinct()];
}

/// <summary>A grant that the roles would give if their conditions could be met.</summary>
/// <param name="Why">The condition that prevents it.</param>
/// <param name="Requests">The requests that it would use.</param>
/// <param name="Principals">The principals that it would open.</param>
internal sealed record MissingGrant(Refusal Why, ImmutableArray<Guid> Requests, ImmutableArray<Principal> Principals);

/// <summary>A role that a decision or a refusal uses.</summary>
/// <param name="Name">The name of the role; if a request grants nothing, the names of the requested roles.</param>
/// <param name="Request">The request that adds the role; null for an assigned one.</param>
/// <param name="Use">The role as it counts, or why it cannot be used.</param>
internal sealed record DrawnRole(string Name, AccessRequest? Request, Outcome<RoleInUse> Use);

/// <summary>A role behind a decision.</summary>
/// <param name="Name">The name of the role.</param>
/// <param name="Request">The request that adds the role; null for an assigned one.</param>
/// <param name="Rules">The relevant rules of the role, in the order of the resource.</param>
public sealed record RoleAtWork(string Name, Guid? Request, ImmutableArray<RuleAtWork> Rules);

/// <summary>A lock behind a decision.</summary>
/// <param name="Lock">The lock.</param>
/// <param name="Effect">The effect of the lock.</param>
public sealed record LockAtWork(AccessLock Lock, RuleEffect Effect);
