using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>Decides what a certificate contains: principals, lifetime and permissions, in this order, each by its own rules.</summary>
public static class IssuancePolicy
{
    /// <summary>How many requests one certificate can use; their IDs must fit into the key ID.</summary>
    public const int MaxRequests = 5;

    /// <summary>
    /// The only way to grants that can be signed. One certificate contains the logins of all roles without conditions. Each role with
    /// conditions has a certificate of its own, or shares one with roles that have the same conditions; a role with conditions but without
    /// logins of its own applies them to all. With requests in use, the everyday certificates, of the assigned roles alone, are issued in
    /// addition to the elevated ones, because an elevated one permits less forwarding and must not block what works every day. If the roles
    /// reach more than a certificate can hold, it names groups of hosts; if that is too much as well, it contains only the bare logins, and
    /// the rest is counted as left out. So is a node that ends before the certificate: it needs a certificate of its own, which ends with
    /// it.
    /// </summary>
    public static Outcome<LoginGrant> Decide(IssuanceQuestion question)
    {
        if (question.LiveSessions >= question.Limits.LiveCertificatesPerUser)
            return new Refusal(
                $"user \"{question.User.Name}\" has {question.LiveSessions} logins with live certificates already; the limit is {question.Limits.LiveCertificatesPerUser}",
                "wait until some have ended",
                RefusalKind.Limited)
            {
                Remedy = new Remedy.RevokeCertificates(question.User.Name),
            };
        if (!AllowLogin(question).Holds(out var allowed, out var refusal))
            return refusal;
        var held = allowed.Grants.AddRange(allowed.Jumps).Select(grant => (Grant: grant, Held: GroupForm.Held(grant, question))).ToList();
        return new LoginGrant(
            [.. held.Where(one => !one.Held.Principals.IsEmpty).Select(one => Of(one.Grant, one.Held.Principals))],
            [.. allowed.Missing.Select(missing => missing.Why).Distinct()],
            allowed.Grants.Max(grant => grant.Validity.Before),
            held.Sum(one => one.Held.LeftOut));
    }

    /// <summary>
    /// Returns everything that the rules allow one login, even if it does not fit into certificates: with requests in use, the everyday
    /// certificates and the elevated ones.
    /// </summary>
    internal static Outcome<Allowed> AllowLogin(IssuanceQuestion question) => WeighLogin(question).Outcome;

    /// <summary>As above, with the rules that led to the result.</summary>
    internal static Weighed WeighLogin(IssuanceQuestion question)
    {
        var together = Weigh(question);
        if (question.Requests.IsEmpty)
            return together;
        // A deny applies to every certificate of the login. If the assigned roles alone open nothing, there is no everyday certificate.
        var everyday = Weigh(question with { Requests = [] }, together.Denials);
        return together with { Outcome = Both(question, together.Outcome, everyday.Outcome), Everyday = everyday };
    }

    private static Outcome<Allowed> Both(IssuanceQuestion question, Outcome<Allowed> together, Outcome<Allowed> alone)
    {
        if (!together.Holds(out var elevated, out _))
            return together;
        var missing = elevated.Missing.Where(missing => !missing.Requests.IsEmpty).ToList();
        foreach (var request in question.Requests.Where(request => !elevated.Grants.Any(grant => grant.Requests.Contains(request.Id))))
            // An unmet condition fails the login: the user named the request, and must not learn of the problem only at the host.
            if (missing.Find(missing => missing.Requests.Contains(request.Id)) is { } unmet)
                return unmet.Why;
            else if (question.Node is null)
                missing.Add(new MissingGrant(new Refusal($"request {request.Id} opens no login at present"), [request.Id], []));
        return alone.Holds(out var everyday, out _)
            ? new Allowed(
                [.. elevated.Grants.Where(grant => !grant.Requests.IsEmpty), .. everyday.Grants], [.. missing, .. everyday.Missing])
            {
                Jumps = [.. elevated.Jumps.Where(grant => !grant.Requests.IsEmpty), .. everyday.Jumps],
            }
            : elevated with { Missing = [.. missing] };
    }

    /// <summary>Returns a grant with the principals that its certificate holds.</summary>
    private static IssuanceGrant Of(IssuanceGrant allowed, ImmutableArray<Principal> principals) =>
        new(allowed.User, allowed.Roles, allowed.Requests, principals, allowed.Validity, allowed.Permissions, allowed.Name);

    /// <summary>
    /// The user under whose name proofs are recorded. It is not a real user: nobody can request, approve or store anything for it.
    /// </summary>
    public static readonly User Proof = new(
        Guid.Empty, "certauthority-proof", 0, [], [], ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty);

    /// <summary>The longest duration of a proof.</summary>
    public static readonly TimeSpan ProofLasts = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Decides a certificate that shows an administrator how a host handles certificates. It runs only <c>true</c>, and permits nothing
    /// else.
    /// </summary>
    /// <param name="login">The login to prove.</param>
    /// <param name="node">The name of the host; for a proof of refusal, a name that no host has.</param>
    /// <param name="locks">What is locked: a proof opens the host too.</param>
    /// <param name="now">The instant of issue; whole seconds.</param>
    public static Outcome<IssuanceGrant> ForProof(string login, string node, LocksInForce locks, DateTimeOffset now)
    {
        if (!Values.Names.IsGrantable(login))
            return new Refusal(
                $"\"{login}\" is {Values.Names.LoginFault(login)}", $"logins have the form {Values.Names.LoginForm}", RefusalKind.Invalid);
        if (locks.On(login, node) is { } locked)
            return locked.Refusal;
        return new IssuanceGrant(
            Proof, [], [], [Principals.ForProof(login, node)], new Validity(now - Validity.ClockSkew, now + ProofLasts, "a proof"),
            SessionPermissions.Plain with { Conditions = SessionConditions.None.With(SessionCondition.ForceCommand, "true") }, "proof");
    }

    /// <summary>
    /// Returns what the rules allow to all roles in use together, even if it does not fit into certificates: at least one grant, one for
    /// each set of conditions. Grants from requests come first, and grants without conditions before those with conditions.
    /// </summary>
    internal static Outcome<Allowed> Allow(IssuanceQuestion question) => Weigh(question).Outcome;

    /// <summary>
    /// As <see cref="Allow"/>, but roles that can be used and open none of the nodes of the question are no reason to refuse: the result
    /// is then empty.
    /// </summary>
    internal static Outcome<Allowed> AllowAnything(IssuanceQuestion question) => Weigh(question, isEmptyRefused: false).Outcome;

    /// <summary>As above, with the rules that led to the result.</summary>
    /// <param name="question">The question to decide.</param>
    /// <param name="denials">What is denied; null for the denials of the roles in use.</param>
    /// <param name="isEmptyRefused">Whether a result without any grant is a refusal that says why.</param>
    private static Weighed Weigh(IssuanceQuestion question, Denials? denials = null, bool isEmptyRefused = true)
    {
        ImmutableArray<DrawnRole> drawn = [.. Draw(question)];
        var roles = RolesInUse.Of(drawn);
        denials ??= new Denials(roles.All, question.Locks);
        var reached = new Reached(roles.All, denials, question.Nodes);
        ImmutableArray<RoleInUse> everywhere = [.. roles.All.Where(IsEverywhere)];
        var groups = roles.All.Where(role => !IsEverywhere(role)).GroupBy(role => SessionConditions.Key(role.Role.Options.Conditions))
            .Select(
                group => new RoleGroup(
                    roles, group.Key.Length > 0, [.. group], everywhere, Principals.Of(reached.Of(group)),
                    until => Principals.Jumps(reached.Of(group), denials, question.Nodes, question.Node, until))
                {
                    ByGroup = question.Node is null ? GroupPrincipals.Of(reached.Of(group), denials, question.Groups) : [],
                })
            .OrderBy(group => group.IsElevated ? 0 : 1).ThenBy(group => group.HasConditions ? 1 : 0)
            .ThenBy(group => group.Name, StringComparer.Ordinal)
            .ToImmutableArray();
        if (groups.IsEmpty)
            groups = [new RoleGroup(roles, true, [], everywhere, [], _ => [])];
        return new Weighed(
            Refused(question, drawn) is { } refusal ? refusal
                : isEmptyRefused ? Grant(question, roles.All, groups)
                : Grants(question, groups.Where(group => !group.Principals.IsEmpty || !group.ByGroup.IsEmpty)),
            drawn, denials, reached, groups.SelectMany(group => group.Lifetime(question).Rules.Concat(group.Permissions(question).Rules)));

        // This examines the role as it is stored: an expired role allows nothing, but its conditions still apply to the logins that it
        // names.
        bool IsEverywhere(RoleInUse role) =>
            question.Roles[role.Role.Name].Allow.Logins.IsEmpty && !role.Role.Options.Conditions.IsEmpty;
    }

    private static Outcome<Allowed> Grant(IssuanceQuestion question, IReadOnlyList<RoleInUse> inUse, ImmutableArray<RoleGroup> all)
    {
        var groups = all.Where(group => !group.Principals.IsEmpty).ToList();
        if (groups.Count == 0)
            return Locked(question, inUse)
                ?? (RequestRights.Requestable(question.User, question.Roles, question.Now, question.Locks) is { IsEmpty: false } requestable
                ? new Refusal(NoLogin(question, inUse), Kind: question.Requests.IsEmpty ? RefusalKind.NoLogin : RefusalKind.Denied)
                {
                    Remedy = new Remedy.ChooseRoles(requestable)
                }
                : new Refusal(NoLogin(question, inUse))
                {
                    Remedy = inUse.Any(role => !role.Gaps.IsEmpty) ? new Remedy.SetTraits(question.User.Name) : null
                });
        if (question.Node is { } node)
        {
            groups = [
                .. groups.Select(group => group with { Principals = Principals.On(node, group.Principals, question.Nodes) })
                    .Where(group => !group.Principals.IsEmpty)];
            if (groups.Count == 0)
                return Locked(question, inUse)
                    ?? new Refusal(
                        question.Ended.Contains(node)
                            ? $"node \"{node}\" has ended, so nothing opens it"
                            : $"there is no node \"{node}\" within reach of the roles in use: {Names(inUse)}")
                    {
                        Remedy = new Remedy.ListNodes()
                    };
        }
        return Grants(question, groups).Holds(out var allowed, out var refusal)
            ? allowed.Grants.IsEmpty ? allowed.Missing[0].Why : allowed
            : refusal;
    }

    private static Outcome<Allowed> Grants(IssuanceQuestion question, IEnumerable<RoleGroup> groups)
    {
        var (grants, jumps, missing) = (new List<IssuanceGrant>(), new List<IssuanceGrant>(), new List<MissingGrant>());
        foreach (var group in groups)
        {
            ImmutableArray<Guid> ids = [.. group.Requests(question).Select(request => request.Id)];
            if (!group.Lifetime(question).Outcome.Holds(out var validity, out var tooLong))
                return tooLong;
            if (!group.Permissions(question).Outcome.Holds(out var permissions, out var why))
            {
                missing.Add(new MissingGrant(why, ids, group.Principals));
                continue;
            }
            ImmutableArray<PinnedRole> roles = [.. group.Roles.Select(role => role.Role.Pin())];
            grants.Add(
                new IssuanceGrant(question.User, roles, ids, group.Principals, validity, permissions, group.Name)
                {
                    ByGroup = group.ByGroup,
                });
            // Not in the certificate of the logins, which must not permit forwarding on their hosts because of it.
            if (group.Jumps(question.LastsUntil ?? validity.Before) is { IsEmpty: false } passed)
                jumps.Add(new IssuanceGrant(question.User, roles, ids, passed, validity, permissions.ForJumps(), $"jump-{group.Name}"));
        }
        return new Allowed([.. grants], [.. missing]) { Jumps = [.. jumps] };
    }

    /// <summary>
    /// Returns what the roles reach, even if it does not fit into one certificate: bare logins, and the logins on each existing node.
    /// </summary>
    public static Outcome<Reachable> Reach(IssuanceQuestion question)
    {
        if (!Allow(question).Holds(out var allowed, out var refusal))
            return refusal;
        ImmutableArray<string> everywhere = [.. allowed.Principals.Where(one => one.Node is null).Select(one => one.Login)];
        var there = allowed.Principals.Where(one => one.Node is not null)
            .ToLookup(one => one.Node!, one => one.Login, StringComparer.Ordinal);
        return new Reachable(
            everywhere,
            [
                .. question.Nodes.Where(node => !everywhere.IsEmpty || there.Contains(node.Name))
                    .Select(
                        node => new ReachedNode(
                            node,
                            [
                                .. everywhere.Concat(there[node.Name]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)])),
            ],
            PerHost: allowed.Grants.Any(grant => GroupForm.Held(grant, question).LeftOut > 0));
    }

    /// <summary>Returns why the roles cannot be used together, or why one cannot be used at all; null if they can.</summary>
    private static Refusal? Refused(IssuanceQuestion question, ImmutableArray<DrawnRole> drawn)
    {
        if (question.Locks.On(LockKind.User, question.User.Name) is { } locked)
            return locked.Refusal;
        if (question.Requests.Length > MaxRequests)
            return new Refusal($"at most {MaxRequests} requests fit one certificate");
        if (question.Requests.Select(request => request.Kind).Distinct().Count() > 1)
            return new Refusal(
                "one certificate is for requests for roles, or for requests for nodes, and not for both",
                "log in with the ones, or with the others");
        foreach (var role in drawn)
            if (!role.Use.Holds(out _, out var refusal))
                return refusal;
        return null;
    }

    /// <summary>
    /// Returns every role that the decision uses and its source, filled in for the user or with the reason why it cannot be used.
    /// </summary>
    private static IEnumerable<DrawnRole> Draw(IssuanceQuestion question)
    {
        var (user, roles, now) = (question.User, question.Roles, question.Now);
        ImmutableHashSet<Guid>? onlyOn = question.Resources is { IsEmpty: false } resources ? [.. resources.Select(node => node.Id)] : null;
        foreach (var name in user.Roles)
            // An assigned role that does not exist might have contained a deny, so without it nothing can be granted.
            yield return new DrawnRole(name, null, roles.TryGetValue(name, out var role)
                ? InUse(question, role.At(now), onlyOn)
                : new Refusal($"the role {name}, assigned to user \"{user.Name}\", does not exist")
                {
                    Remedy = new Remedy.AssignRoles(user.Name)
                });
        // The request that starts last comes first: its refusal says from when all of them can be used.
        foreach (var request in question.Requests.OrderByDescending(request => request.Terms.AssumeFrom))
            if (RequestUse.Grants(request, user, roles, question.Locks, now).Holds(out var granted, out var ended))
                foreach (var role in granted)
                    yield return new DrawnRole(role.Name, request, InUse(question, role, request.OnlyOn));
            else
                yield return new DrawnRole(string.Join(", ", request.Roles.Select(asked => asked.Name)), request, ended);
    }

    private static Outcome<RoleInUse> InUse(IssuanceQuestion question, Role role, ImmutableHashSet<Guid>? onlyOn)
    {
        if (question.Locks.On(LockKind.Role, role.Name) is { } locked)
            return locked.Refusal;
        return RoleInUse.FillIn(role, question.User).Holds(out var inUse, out var refusal) ? inUse with { OnlyOn = onlyOn } : refusal;
    }

    /// <summary>Returns the lock that takes away what would otherwise be granted; null if the roles grant nothing anyway.</summary>
    private static Refusal? Locked(IssuanceQuestion question, IReadOnlyList<RoleInUse> inUse)
    {
        var unlocked = Principals.Resolve(inUse, question.Nodes, LocksInForce.None);
        if (question.Node is { } node)
            unlocked = Principals.On(node, unlocked, question.Nodes);
        return unlocked.Select(principal => question.Locks.On(principal.Login, principal.Node))
            .FirstOrDefault(one => one is not null)?.Refusal;
    }

    private static string NoLogin(IssuanceQuestion question, IReadOnlyList<RoleInUse> inUse) => inUse.Count == 0
        ? $"user \"{question.User.Name}\" has no roles, so there is no login to certify"
        : $"no login is granted to user \"{question.User.Name}\"{(question.Resources is { IsEmpty: false } nodes ? $" on {string.Join(", ", nodes)}" : "")} by the roles in use: {Names(inUse)}"
            + Gaps(inUse, question.User);

    /// <summary>
    /// Returns the text that follows a sentence about a missing login: each template that would have granted a login if the user had the
    /// trait; empty if there is none.
    /// </summary>
    internal static string Gaps(IEnumerable<RoleInUse> inUse, User user) =>
        string.Concat(
            inUse.SelectMany(
                role => role.Gaps.Where(gap => gap.Field == TemplateGap.AllowLogins)
                    .Select(gap => $"; {gap.Said(role.Role.Name, [user.Name])}")));

    private static string Names(IEnumerable<RoleInUse> roles) => string.Join(", ", roles.Select(role => role.Role.Name));
}

/// <summary>What roles reach.</summary>
/// <param name="Everywhere">Bare logins: valid on every host that trusts the CA.</param>
/// <param name="Nodes">The nodes within reach, and the logins there, including bare ones.</param>
/// <param name="PerHost">Whether the roles reach more than one certificate can hold.</param>
public sealed record Reachable(ImmutableArray<string> Everywhere, ImmutableArray<ReachedNode> Nodes, bool PerHost);

/// <summary>A node within reach.</summary>
/// <param name="Node">The node.</param>
/// <param name="Logins">The logins; at least one, sorted.</param>
public sealed record ReachedNode(Node Node, ImmutableArray<string> Logins);
