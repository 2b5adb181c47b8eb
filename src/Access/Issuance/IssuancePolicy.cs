using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
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
/// <param name="LiveSessions">How many login sessions of this user have a certificate out already, beside the one that this belongs to.</param>
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

/// <summary>What gets signed: principals, lifetime, permissions, in this order, each by its own rules.</summary>
public static class IssuancePolicy
{
    /// <summary>How many requests one certificate can draw on; their ids have to fit the key id.</summary>
    public const int MaxRequests = 5;

    /// <summary>
    /// The one way to grants that can be signed. One certificate holds the logins of all roles without conditions; each role with
    /// conditions has one of its own, or shares it with roles that demand the same; one without logins of its own binds all. With requests in use, the everyday certificates, of the
    /// assigned roles alone, stand beside the elevated ones: an elevated one permits less forwarding, and must not close a way that is open every
    /// day. What reaches more than a certificate holds has the bare logins only, and the rest is counted as left out.
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
        var held = allowed.Grants.Select(Held).ToList();
        return new LoginGrant(
            [.. held.OfType<IssuanceGrant>()],
            [.. allowed.Missing.Select(missing => missing.Why).Distinct()],
            allowed.Grants.Max(grant => grant.Validity.Before),
            allowed.Grants.Sum(grant => grant.Principals.Length) - held.Sum(grant => grant?.Principals.Length ?? 0));
    }

    /// <summary>What the rules allow one login, whether or not certificates can hold it: with requests in use, the everyday certificates beside the elevated ones.</summary>
    internal static Outcome<Allowed> AllowLogin(IssuanceQuestion question)
    {
        var together = Allow(question);
        if (question.Requests.IsEmpty || !together.Holds(out var elevated, out _))
            return together;
        var missing = elevated.Missing.Where(missing => !missing.Requests.IsEmpty).ToList();
        foreach (var request in question.Requests.Where(request => !elevated.Grants.Any(grant => grant.Requests.Contains(request.Id))))
            // Its condition fails the login: the user named the request, and must not find out at the host.
            if (missing.Find(missing => missing.Requests.Contains(request.Id)) is { } unmet)
                return unmet.Why;
            else if (question.Node is null)
                missing.Add(new MissingGrant(new Refusal($"request {request.Id} opens no login at present"), [request.Id], []));
        // Deny wins in every certificate of the login. Where the assigned roles alone open nothing, there is no everyday one.
        return Allow(question with { Requests = [] }, elevated.Denials).Holds(out var everyday, out _)
            ? elevated with { Grants = [.. elevated.Grants.Where(grant => !grant.Requests.IsEmpty), .. everyday.Grants], Missing = [.. missing, .. everyday.Missing] }
            : elevated with { Missing = [.. missing] };
    }

    /// <summary>What one certificate holds of what is allowed; null for nothing.</summary>
    private static IssuanceGrant? Held(IssuanceGrant allowed)
    {
        if (allowed.Permissions.FitBeside(allowed.Principals))
            return allowed;
        var bare = allowed.Principals.RemoveAll(principal => principal.Node is not null);
        return bare.IsEmpty || !allowed.Permissions.FitBeside(bare)
            ? null
            : new IssuanceGrant(allowed.User, allowed.Roles, allowed.Requests, bare, allowed.Validity, allowed.Permissions, allowed.Name);
    }

    /// <summary>As whom proofs are recorded. No user: nothing is asked, approved or kept for them.</summary>
    public static readonly User Proof = new(Guid.Empty, "certauthority-proof", 0, [], [], ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty);

    /// <summary>How long a proof may take.</summary>
    public static readonly TimeSpan ProofLasts = TimeSpan.FromMinutes(5);

    /// <summary>A certificate by which an administrator sees what a host does with one. It runs nothing but <c>true</c>, and permits nothing else.</summary>
    /// <param name="login">As whom.</param>
    /// <param name="node">The name of the host; one that no host has, for what must be refused.</param>
    /// <param name="locks">What is locked: a proof opens the host too.</param>
    /// <param name="now">The instant of issue; whole seconds.</param>
    public static Outcome<IssuanceGrant> ForProof(string login, string node, LocksInForce locks, DateTimeOffset now)
    {
        if (!Values.Names.IsGrantable(login))
            return new Refusal($"\"{login}\" is {Values.Names.LoginFault(login)}", $"logins have the form {Values.Names.LoginForm}", RefusalKind.Invalid);
        if (locks.On(login, node) is { } locked)
            return locked.Refusal;
        return new IssuanceGrant(
            Proof, [], [], [Principals.ForProof(login, node)], new Validity(now - Validity.ClockSkew, now + ProofLasts, "a proof"),
            new SessionPermissions(false, false, false, "true", null, false, ImmutableSortedDictionary<string, string>.Empty), "proof");
    }

    /// <summary>
    /// What the rules allow to all roles in use together, whether or not certificates can hold it: a grant for each set of conditions, at
    /// least one. What requests open comes first, and what meets no condition before what does.
    /// </summary>
    /// <param name="question">What is asked.</param>
    /// <param name="denials">What is taken away; null for what the roles in use deny themselves.</param>
    internal static Outcome<Allowed> Allow(IssuanceQuestion question, Denials? denials = null)
    {
        var user = question.User;
        if (!Roles(question).Holds(out var roles, out var refusal))
            return refusal;
        var inUse = roles.All;
        denials ??= new Denials(inUse, question.Locks);
        // Asked of the role as it is stored: one whose end has passed allows nothing, but its conditions stay with the logins it names.
        var everywhere = inUse.Where(role => question.Roles[role.Role.Name].Allow.Logins.IsEmpty && Conditions.From(role.Role) != Conditions.None).ToImmutableArray();
        var groups = inUse.Except(everywhere).GroupBy(role => Conditions.From(role.Role))
            .Select(group => new RoleGroup(roles, group.Key, [.. group], everywhere, Principals.Resolve([.. group], denials, question.Nodes, question.Locks)))
            .Where(group => !group.Principals.IsEmpty)
            .OrderBy(group => group.IsElevated ? 0 : 1).ThenBy(group => group.Conditions == Conditions.None ? 0 : 1).ThenBy(group => group.Name, StringComparer.Ordinal)
            .ToList();
        if (groups.Count == 0)
            return Locked(question, inUse) ?? (RequestRights.Requestable(user, question.Roles, question.Now, question.Locks) is { IsEmpty: false } requestable
                ? new Refusal(NoLogin(question, inUse), Kind: question.Requests.IsEmpty ? RefusalKind.NoLogin : RefusalKind.Denied) { Remedy = new Remedy.ChooseRoles(requestable) }
                : new Refusal(NoLogin(question, inUse)) { Remedy = inUse.Any(role => !role.Gaps.IsEmpty) ? new Remedy.SetTraits(user.Name) : null });
        if (question.Node is { } node)
        {
            groups = [.. groups.Select(group => group with { Principals = Principals.On(node, group.Principals, question.Nodes) }).Where(group => !group.Principals.IsEmpty)];
            if (groups.Count == 0)
                return Locked(question, inUse) ?? new Refusal($"there is no node \"{node}\" within reach of the roles in use: {Names(inUse)}") { Remedy = new Remedy.ListNodes() };
        }
        var (grants, missing) = (new List<IssuanceGrant>(), new List<MissingGrant>());
        foreach (var group in groups)
        {
            var requests = group.Requests(question);
            ImmutableArray<Guid> ids = [.. requests.Select(request => request.Id)];
            // A limit of a role that everybody in use holds binds every certificate; one of a request, those that draw on it.
            var limiting = roles.Assigned.Concat(roles.Elevated.Where(role => requests.Any(request => roles.Brings(request, role)))).DistinctBy(role => role.Role.Id).Select(role => role.Role);
            if (!Lifetime.Decide(question.Now, limiting, requests, question.RequestedTtl, question.Limits, question.SessionEnds).Holds(out var validity, out var tooLong))
                return tooLong;
            if (!Permissions.Decide(group.Assigned, group.Elevated, question.IsSecurityKey).Holds(out var permissions, out var why))
                missing.Add(new MissingGrant(why, ids, group.Principals));
            else
                grants.Add(new IssuanceGrant(user, [.. group.Roles.Select(role => role.Role.Pin())], ids, group.Principals, validity, permissions, group.Name));
        }
        return grants.Count == 0 ? missing[0].Why : new Allowed([.. grants], [.. missing], denials);
    }

    /// <summary>What the roles reach, whether or not one certificate can hold it: bare logins, and the logins on each node that exists.</summary>
    public static Outcome<Reachable> Reach(IssuanceQuestion question) => Allow(question).Holds(out var allowed, out var refusal)
        ? new Reachable(
            [.. allowed.Principals.Where(principal => principal.Node is null).Select(principal => principal.Login)],
            [
                .. question.Nodes
                    .Select(node => new ReachedNode(node, [.. Principals.On(node.Name, allowed.Principals, [node]).Select(principal => principal.Login).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]))
                    .Where(reached => !reached.Logins.IsEmpty),
            ],
            PerHost: allowed.Grants.Any(grant => !grant.Permissions.FitBeside(grant.Principals)))
        : refusal;

    /// <summary>The roles that the user holds and those that the requests add, filled in for them; or why one of them cannot be used.</summary>
    internal static Outcome<RolesInUse> Roles(IssuanceQuestion question)
    {
        if (question.Locks.On(LockKind.User, question.User.Name) is { } locked)
            return locked.Refusal;
        if (question.Requests.Length > MaxRequests)
            return new Refusal($"at most {MaxRequests} requests fit one certificate");
        if (question.Requests.Select(request => request.Kind).Distinct().Count() > 1)
            return new Refusal("one certificate is for requests for roles, or for requests for nodes, and not for both", "log in with the ones, or with the others");
        var (assigned, elevated) = (new List<RoleInUse>(), new List<(AccessRequest Request, RoleInUse Role)>());
        foreach (var drawn in Draw(question))
            if (!drawn.Use.Holds(out var inUse, out var refusal))
                return refusal;
            else if (drawn.Request is { } request)
                elevated.Add((request, inUse));
            else
                assigned.Add(inUse);
        return new RolesInUse(RoleInUse.Each(assigned), RoleInUse.Each(elevated.Select(one => one.Role)), elevated.ToLookup(one => one.Request.Id, one => one.Role.Role.Id));
    }

    /// <summary>Every role that the decision draws on and where it comes from, filled in for the user or with the reason why it cannot be used.</summary>
    internal static IEnumerable<DrawnRole> Draw(IssuanceQuestion question)
    {
        var (user, roles, now) = (question.User, question.Roles, question.Now);
        ImmutableHashSet<Guid>? onlyOn = question.Resources is { IsEmpty: false } resources ? [.. resources.Select(node => node.Id)] : null;
        foreach (var name in user.Roles)
            // A role that is assigned but does not exist might have held a deny: without it nothing can be granted.
            yield return new DrawnRole(name, null, roles.TryGetValue(name, out var role)
                ? InUse(question, role.At(now), onlyOn)
                : new Refusal($"the role {name}, assigned to user \"{user.Name}\", does not exist") { Remedy = new Remedy.AssignRoles(user.Name) });
        // The one that can be assumed last first: its refusal is the one that says from when all can.
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

    /// <summary>The lock that takes away what would be granted without it; null where the roles grant nothing anyway.</summary>
    private static Refusal? Locked(IssuanceQuestion question, IReadOnlyList<RoleInUse> inUse)
    {
        var unlocked = Principals.Resolve(inUse, question.Nodes, LocksInForce.None);
        if (question.Node is { } node)
            unlocked = Principals.On(node, unlocked, question.Nodes);
        return unlocked.Select(principal => question.Locks.On(principal.Login, principal.Node)).FirstOrDefault(one => one is not null)?.Refusal;
    }

    private static string NoLogin(IssuanceQuestion question, IReadOnlyList<RoleInUse> inUse) => inUse.Count == 0
        ? $"user \"{question.User.Name}\" has no roles, so there is no login to certify"
        : $"no login is granted to user \"{question.User.Name}\"{(question.Resources is { IsEmpty: false } nodes ? $" on {string.Join(", ", nodes)}" : "")} by the roles in use: {Names(inUse)}"
            + Gaps(inUse, question.User);

    /// <summary>What follows on a sentence that no login is granted: each template that would have granted one, had the user the trait; empty without any.</summary>
    internal static string Gaps(IEnumerable<RoleInUse> inUse, User user) =>
        string.Concat(inUse.SelectMany(role => role.Gaps.Where(gap => gap.Field == TemplateGap.AllowLogins).Select(gap => $"; {gap.Said(role.Role.Name, [user.Name])}")));

    private static string Names(IEnumerable<RoleInUse> roles) => string.Join(", ", roles.Select(role => role.Role.Name));
}

/// <summary>The roles behind one decision.</summary>
/// <param name="Assigned">Those that the user holds.</param>
/// <param name="Elevated">Those that requests add.</param>
/// <param name="ByRequest">The ids of the roles that each request adds, by the request's id.</param>
internal sealed record RolesInUse(IReadOnlyList<RoleInUse> Assigned, IReadOnlyList<RoleInUse> Elevated, ILookup<Guid, Guid> ByRequest)
{
    /// <summary>Each once, assigned ones first.</summary>
    public IReadOnlyList<RoleInUse> All { get; } = RoleInUse.Each(Assigned.Concat(Elevated));

    /// <summary>Whether a request adds a role.</summary>
    public bool Brings(AccessRequest request, RoleInUse role) => ByRequest[request.Id].Contains(role.Role.Id);
}

/// <summary>The roles whose logins share a certificate: those in use that attach the same conditions to their logins.</summary>
/// <param name="InUse">All roles in use.</param>
/// <param name="Conditions">What they demand.</param>
/// <param name="Own">They, in the order of those in use.</param>
/// <param name="Everywhere">Roles without logins of their own that demand something: they can only mean every login.</param>
/// <param name="Principals">The logins that they open.</param>
internal sealed record RoleGroup(RolesInUse InUse, Conditions Conditions, ImmutableArray<RoleInUse> Own, ImmutableArray<RoleInUse> Everywhere, ImmutableArray<Principal> Principals)
{
    public ImmutableArray<RoleInUse> Roles { get; } = [.. Own, .. Everywhere];

    public IReadOnlyList<RoleInUse> Elevated { get; } = Among(InUse.Elevated, Own, Everywhere);

    public IReadOnlyList<RoleInUse> Assigned { get; } = Among(InUse.Assigned, Own, Everywhere);

    public bool IsElevated => Elevated.Count > 0;

    /// <summary>As <see cref="IssuanceGrant.Name"/> says.</summary>
    public string Name
    {
        get
        {
            var kind = IsElevated ? "elevated" : "everyday";
            return Conditions == Conditions.None ? kind : $"{kind}-{(Own.FirstOrDefault(role => Elevated.Any(one => one.Role.Id == role.Role.Id)) ?? Own[0]).Role.Name}";
        }
    }

    /// <summary>
    /// The requests that its certificate draws on: those that add one of its roles. Requests for nodes decide together which nodes every
    /// role in it opens, so an elevated certificate draws on all of them.
    /// </summary>
    public IReadOnlyList<AccessRequest> Requests(IssuanceQuestion question) =>
        [.. question.Requests.Where(request => IsElevated && (!request.Resources.IsEmpty || Elevated.Any(role => InUse.Brings(request, role))))];

    private static RoleInUse[] Among(IReadOnlyList<RoleInUse> inUse, params ImmutableArray<RoleInUse>[] some) =>
        [.. inUse.Where(role => some.Any(those => those.Any(one => one.Role.Id == role.Role.Id)))];
}

/// <summary>What the rules allow.</summary>
/// <param name="Grants">One for each set of conditions that the roles in use attach; at least one.</param>
/// <param name="Missing">Those that cannot be.</param>
/// <param name="Denials">What the roles in use took from each other.</param>
internal sealed record Allowed(ImmutableArray<IssuanceGrant> Grants, ImmutableArray<MissingGrant> Missing, Denials Denials)
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

/// <summary>How far roles reach.</summary>
/// <param name="Everywhere">Bare logins: valid on every host that trusts the CA.</param>
/// <param name="Nodes">The nodes within reach, and the logins there; bare ones are among them.</param>
/// <param name="PerHost">Whether it is more than one certificate holds.</param>
public sealed record Reachable(ImmutableArray<string> Everywhere, ImmutableArray<ReachedNode> Nodes, bool PerHost);

/// <summary>A node within reach.</summary>
/// <param name="Node">Which.</param>
/// <param name="Logins">At least one, sorted.</param>
public sealed record ReachedNode(Node Node, ImmutableArray<string> Logins);
