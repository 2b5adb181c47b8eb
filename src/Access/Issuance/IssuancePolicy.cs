using System.Collections.Immutable;

namespace CertAuthority.Access;

/// <summary>Everything a login decision depends on, as it stood in one transaction.</summary>
/// <param name="Now">The instant of issue; whole seconds.</param>
/// <param name="User">Who logs in.</param>
/// <param name="Requests">The approved requests to use; all of this user.</param>
/// <param name="Roles">Every role that exists, by name.</param>
/// <param name="Nodes">Every node that exists.</param>
/// <param name="Wish">The lifetime asked for, or null.</param>
/// <param name="LiveCertificates">How many certificates of this user are out already.</param>
/// <param name="Limits">The bounds of the site.</param>
public sealed record IssuanceQuestion(
    DateTimeOffset Now,
    User User,
    ImmutableArray<AccessRequest> Requests,
    IReadOnlyDictionary<string, Role> Roles,
    IReadOnlyCollection<Node> Nodes,
    TimeSpan? Wish,
    int LiveCertificates,
    SiteLimits Limits)
{
    /// <summary>What is locked now, also where <see cref="Now"/> is an earlier instant.</summary>
    public required LocksInForce Locks { get; init; }

    /// <summary>Whether the key to certify lives in a FIDO authenticator.</summary>
    public bool IsSecurityKey { get; init; }

    /// <summary>The one node that the certificate is for; null for all that the roles reach.</summary>
    public string? Node { get; init; }

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
    /// The one way to a grant that can be signed. Where the roles reach more than one certificate holds, it has the bare
    /// logins only and says how many are left out; without any, <see cref="RefusalKind.PerHost"/>.
    /// </summary>
    public static Outcome<IssuanceGrant> Decide(IssuanceQuestion question)
    {
        if (question.LiveCertificates >= question.Limits.LiveCertificatesPerUser)
            return new Refusal(
                $"user \"{question.User.Name}\" has {question.LiveCertificates} live certificates already; the limit is {question.Limits.LiveCertificatesPerUser}",
                $"wait until some have ended; an administrator ends them sooner with tctl certs revoke --user={question.User.Name}",
                RefusalKind.Limited);
        if (!Allow(question).Holds(out var allowed, out var refusal))
            return refusal;
        if (Principals.Fit(allowed.Principals, allowed.Permissions))
            return allowed;
        var bare = allowed.Principals.RemoveAll(principal => principal.Node is not null);
        return !bare.IsEmpty && Principals.Fit(bare, allowed.Permissions)
            ? new IssuanceGrant(allowed.User, allowed.Roles, allowed.Requests, bare, allowed.Validity, allowed.Permissions, allowed.Principals.Length - bare.Length)
            : new Refusal(
                $"these roles reach {allowed.Principals.Length} logins on hosts, more than one certificate holds",
                "get one for a single host: tsh login --node=NODE; tsh ls lists them", RefusalKind.PerHost);
    }

    /// <summary>As whom proofs are recorded. No user: nothing is asked, approved or kept for him.</summary>
    public static readonly User Proof = new(Guid.Empty, "certauthority-proof", 0, [], [], ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty);

    /// <summary>How long a proof may take.</summary>
    public static readonly TimeSpan ProofLasts = TimeSpan.FromMinutes(5);

    /// <summary>A certificate by which an administrator sees what a host does with one. It runs nothing but <c>true</c>, and permits nothing else.</summary>
    /// <param name="login">As whom.</param>
    /// <param name="node">The name of the host; one that no host has, for what must be refused.</param>
    /// <param name="now">The instant of issue; whole seconds.</param>
    public static Outcome<IssuanceGrant> ForProof(string login, string node, DateTimeOffset now) => Access.Names.IsGrantable(login)
        ? new IssuanceGrant(
            Proof, [], [], [Principals.ForProof(login, node)], new Validity(now - Lifetime.ClockSkew, now + ProofLasts, "a proof"),
            new SessionPermissions(false, false, false, "true", null, false, ImmutableSortedDictionary<string, string>.Empty))
        : new Refusal($"\"{login}\" is {Access.Names.LoginFault(login)}", $"logins have the form {Access.Names.LoginForm}", RefusalKind.Invalid);

    /// <summary>What the rules allow, whether or not one certificate can hold it.</summary>
    internal static Outcome<IssuanceGrant> Allow(IssuanceQuestion question)
    {
        var user = question.User;
        if (!Roles(question).Holds(out var roles, out var refusal))
            return refusal;
        var inUse = roles.All;

        var principals = Principals.Resolve(inUse, question.Nodes, question.Locks);
        if (principals.IsEmpty && Locked(question, inUse) is { } locked)
            return locked;
        if (principals.IsEmpty)
            return new Refusal(NoLogin(question, inUse), Requesting.Requestable(user, question.Roles, question.Now, question.Locks) is { IsEmpty: false } requestable
                ? $"you can request: {string.Join(", ", requestable)}"
                : inUse.Any(role => !role.Gaps.IsEmpty) ? RoleInUse.TraitsHint(user) : null);
        if (question.Node is { } node)
        {
            principals = Principals.On(node, principals, question.Nodes);
            if (principals.IsEmpty)
                return Locked(question, inUse) ?? new Refusal($"there is no node \"{node}\" within reach of the roles in use: {Names(inUse)}", "tsh ls lists those that are");
        }
        if (!Lifetime.Decide(question.Now, inUse.Select(role => role.Role), question.Requests, question.Wish, question.Limits).Holds(out var validity, out var tooLong))
            return tooLong;
        if (!Permissions.Decide(roles.Assigned, roles.Elevated, question.IsSecurityKey).Holds(out var permissions, out var contradiction))
            return contradiction;

        return new IssuanceGrant(
            user,
            [.. inUse.Select(role => role.Role.Pin())],
            [.. question.Requests.Select(request => request.Id)],
            principals,
            validity,
            permissions);
    }

    /// <summary>What the roles reach, whether or not one certificate can hold it: bare logins, and the logins on each node that exists.</summary>
    public static Outcome<Reach> Reach(IssuanceQuestion question) => Allow(question).Holds(out var allowed, out var refusal)
        ? new Reach(
            [.. allowed.Principals.Where(principal => principal.Node is null).Select(principal => principal.Login)],
            [
                .. question.Nodes
                    .Select(node => new ReachedNode(node, [.. Principals.On(node.Name, allowed.Principals, [node]).Select(principal => principal.Login).Order(StringComparer.Ordinal)]))
                    .Where(reached => !reached.Logins.IsEmpty),
            ],
            PerHost: !Principals.Fit(allowed.Principals, allowed.Permissions))
        : refusal;

    /// <summary>The roles that the user holds and those that the requests add, filled in for him; or why one of them can not be used.</summary>
    internal static Outcome<RolesInUse> Roles(IssuanceQuestion question)
    {
        if (question.Locks.On(LockKind.User, question.User.Name) is { } locked)
            return locked.Refusal;
        if (question.Requests.Length > MaxRequests)
            return new Refusal($"at most {MaxRequests} requests fit one certificate");
        if (question.Requests.Select(request => request.Kind).Distinct().Count() > 1)
            return new Refusal("one certificate is for requests for roles, or for requests for nodes, and not for both", "log in with the ones, or with the others");
        var (assigned, elevated) = (new List<RoleInUse>(), new List<RoleInUse>());
        foreach (var drawn in Draw(question))
            if (drawn.Use.Holds(out var inUse, out var refusal))
                (drawn.Request is null ? assigned : elevated).Add(inUse);
            else
                return refusal;
        return new RolesInUse(RoleInUse.Each(assigned), RoleInUse.Each(elevated));
    }

    /// <summary>Every role that the decision draws on and where it comes from, filled in for the user or with the reason why it can not be used.</summary>
    internal static IEnumerable<DrawnRole> Draw(IssuanceQuestion question)
    {
        var (user, roles, now) = (question.User, question.Roles, question.Now);
        ImmutableHashSet<Guid>? onlyOn = question.Resources is { IsEmpty: false } resources ? [.. resources.Select(node => node.Id)] : null;
        foreach (var name in user.Roles)
            // A role that is assigned but does not exist might have held a deny: without it nothing can be granted.
            yield return new DrawnRole(name, null, roles.TryGetValue(name, out var role)
                ? InUse(question, role.At(now), onlyOn)
                : new Refusal($"the role {name}, assigned to user \"{user.Name}\", does not exist", $"an administrator creates it, or takes it away: tctl users update --set-roles=ROLE,ROLE {user.Name}"));
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
        return RoleInUse.Of(role, question.User).Holds(out var inUse, out var refusal) ? inUse with { OnlyOn = onlyOn } : refusal;
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
internal sealed record RolesInUse(IReadOnlyList<RoleInUse> Assigned, IReadOnlyList<RoleInUse> Elevated)
{
    /// <summary>Each once, assigned ones first.</summary>
    public IReadOnlyList<RoleInUse> All { get; } = RoleInUse.Each(Assigned.Concat(Elevated));
}

/// <summary>A role behind a decision, or behind its refusal.</summary>
/// <param name="Name">Its name; where a request grants nothing, the names of what was asked for.</param>
/// <param name="Request">The request that adds it; null for an assigned one.</param>
/// <param name="Use">It as it counts, or why it can not be used.</param>
internal sealed record DrawnRole(string Name, AccessRequest? Request, Outcome<RoleInUse> Use);

/// <summary>How far roles reach.</summary>
/// <param name="Everywhere">Bare logins: valid on every host that trusts the CA.</param>
/// <param name="Nodes">The nodes within reach, and the logins there; bare ones are among them.</param>
/// <param name="PerHost">Whether it is more than one certificate holds.</param>
public sealed record Reach(ImmutableArray<string> Everywhere, ImmutableArray<ReachedNode> Nodes, bool PerHost);

/// <summary>A node within reach.</summary>
/// <param name="Node">Which.</param>
/// <param name="Logins">At least one, sorted.</param>
public sealed record ReachedNode(Node Node, ImmutableArray<string> Logins);
