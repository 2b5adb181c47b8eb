namespace CertAuthority.Tests.Unit.Model;

/// <summary>The rules, one by one, so that a test can leave each of them out.</summary>
internal enum Rule
{
    DeniedLoginsAreTakenAway, DeniedHostsAreTakenAway, NoBareLoginBesideDeniedHosts, RolesPairTheirOwn, MissingRoleRefusesTheLogin, RolesEnd,
    OnlyOwnersAct, OnlyWhatMayBeAskedFor, DeniedAskingWins, UsesAskAgain, ChangedRoleIsNotGranted, ChangedRoleIsNotReviewed, RecreatedUserIsAnother,
    NobodyAnswersTheirOwn, OneVoteAPerson, PersonIsTheClosure, PersonAsTheyWere,
    OnlyReviewersReview, DeniedReviewingWins, ThresholdsAreReached, EverySetIsMet, RequireAllMeansAll, FiltersCount, DenialsWin, VotesCountWhileTheirAuthorsMayReview, OnlyWhatApprovalsShare,
    UserLocks, RoleLocks, LoginLocks, NodeLocks, RequestLocks, LocksEnd,
    SiteLimits, ShortestSessionWins, RequestsBoundCertificates, MaxDuration, AccessCountsFromCreation, NotBeforeItsTime, PendingRequestsExpire, AccessExpires, ExpiryIsOneWay, NothingIsGrantedAfterAClockStep,
    PendingLimit, FilingLimit, LoginLimit,
    EndingRevokes, ChangesOfPolicyRevoke, ChangesOfPolicyEndApprovals, ChangesOfPolicyShorten, RevokedStayOnTheListForADay,
    UnknownGroupsGiveNothing, UnknownGroupsTakeNothing, UnknownGroupsDecideNothing,
}

/// <summary>
/// What the daemon should do, written down once more from the rules of access: naively, each answer worked out from scratch, and without a line of the daemon's own code.
/// Each operation returns whether it is done rather than refused. One that is refused changes nothing.
/// </summary>
/// <param name="without">The rule to forget; null for none.</param>
internal sealed partial class Evaluator(Rule? without)
{
    public const int MostPending = 2, MostAMinute = 2, MostADay = 7, MostLogins = 3;
    private const long Minute = 60, Day = 86400;
    private int next = 1;

    // The world.
    public Dictionary<string, StoredRole> Roles { get; } = [];
    public Dictionary<string, ModelUser> Users { get; } = [];
    public Dictionary<string, string> Nodes { get; } = [];
    public List<ModelLock> Locks { get; } = [];
    public List<ModelRequest> Requests { get; } = [];
    public List<ModelCertificate> Certificates { get; } = [];
    public (long Certificate, long Access, long Pending) Limits { get; set; } = (30 * 3600, 14 * Day, 7 * Day);
    public SortedDictionary<string, string[]> RolesOfGroups { get; } = new(StringComparer.Ordinal);
    public required Machine Machine { get; init; }

    private bool Holds(Rule rule) => rule != without;

    // ---- The clock ----

    /// <summary>After a step of the clock it may be either time: then it is the earlier one, so that nothing ends too early.</summary>
    public long Now => Machine.IsStepped ? Math.Min(Machine.Shown, Machine.Expected) : Machine.Shown;

    private bool MayGrant => !Machine.IsStepped || !Holds(Rule.NothingIsGrantedAfterAClockStep);

    // ---- What a login grants ----

    /// <summary>What a login would get: for each certificate its requests, its principals and its end; null where it is refused.</summary>
    public List<(string[] Requests, string[] Principals, long Ends)>? Grant(ModelUser user, ModelRequest[] requests, long? wish = null)
    {
        if (!MayGrant || wish > Limits.Certificate || (Holds(Rule.LoginLimit) && LiveLogins(user) >= MostLogins))
            return null;
        if (One(user, requests, requests, Now, wish) is not { } first)
            return null;
        var all = new List<(string[], string[], long)> { ([.. requests.Select(one => one.Id)], first.Principals, first.Ends) };
        // The everyday certificate beside it. What the requested roles deny is denied in it too.
        if (requests.Length > 0 && One(user, [], requests, Now, wish) is { } everyday)
            all.Add(([], everyday.Principals, everyday.Ends));
        return all;
    }

    private int LiveLogins(ModelUser user) => Certificates.Where(one => one.User == user.Id && IsLive(one)).Select(one => one.Login).Distinct().Count();

    private bool IsLive(ModelCertificate one) => !one.Revoked && one.Ends > Now;

    private (string[] Principals, long Ends)? One(ModelUser user, ModelRequest[] granting, ModelRequest[] denying, long at, long? wish)
    {
        if (IsLocked("user", user.Name) || (Holds(Rule.MissingRoleRefusesTheLogin) && user.Roles.Any(name => !Roles.ContainsKey(name))) || denying.Any(one => !IsUsable(one, user, at)))
            return null;
        var own = user.Roles.Where(Roles.ContainsKey).Select(name => Roles[name].Role).ToList();
        var use = own.Concat(granting.SelectMany(one => one.Granted).Select(pin => Roles[pin.Name].Role)).Distinct().ToList();
        var deny = own.Concat(denying.SelectMany(one => one.Granted).Select(pin => Roles[pin.Name].Role)).Distinct().ToList();
        if (deny.Exists(role => IsLocked("role", role.Name)))
            return null;

        var open = new SortedSet<string>(StringComparer.Ordinal);
        var isBareOpen = !(Holds(Rule.NoBareLoginBesideDeniedHosts) && deny.Exists(role => role.DeniedHosts is not null)) && !(Holds(Rule.NodeLocks) && Locks.Exists(one => one.Kind == "node" && Stands(one)));
        foreach (var role in use.Where(role => IsInForce(role, at)))
            foreach (var login in Holds(Rule.RolesPairTheirOwn) ? role.Logins : use.Where(other => IsInForce(other, at)).SelectMany(other => other.Logins).Distinct())
                if (!(Holds(Rule.DeniedLoginsAreTakenAway) && deny.Exists(other => other.DeniedLogins.Contains(login) || other.DeniedLogins.Contains("*"))) && !IsLocked("login", login))
                {
                    if (role.Hosts == "*" && isBareOpen)
                        open.Add(login);
                    foreach (var (node, env) in Nodes)
                        if (Covers(role.Hosts, env) && !(Holds(Rule.DeniedHostsAreTakenAway) && deny.Exists(other => Covers(other.DeniedHosts, env))) && !IsLocked("node", node))
                            open.Add($"{login}@{node}");
                }
        open.RemoveWhere(one => one.Contains('@', StringComparison.Ordinal) && open.Contains(one[..one.IndexOf('@', StringComparison.Ordinal)]));

        var ends = new List<long> { at + (wish ?? 3650 * Day) };
        if (Holds(Rule.SiteLimits))
            ends.Add(at + Limits.Certificate);
        if (Holds(Rule.ShortestSessionWins))
            ends.AddRange(use.Select(role => role.MaxSession).OfType<long>().Select(longest => at + longest));
        ends.AddRange(use.Where(role => IsInForce(role, at)).Select(role => role.Expires).OfType<long>());
        if (Holds(Rule.RequestsBoundCertificates))
            ends.AddRange(granting.SelectMany(one => new[] { one.AccessUntil, one.Session is { } session ? at + session : at + 3650 * Day }));
        return open.Count > 0 && ends.Min() > at ? ([.. open], ends.Min()) : null;
    }

    private static bool Covers(string? hosts, string env) => hosts == "*" || hosts == env;

    private bool IsInForce(ModelRole role, long at) => !(Holds(Rule.RolesEnd) && at >= role.Expires);

    private bool IsUsable(ModelRequest request, ModelUser user, long at) =>
        request.User == user.Id
        && StateAt(request, at) == ModelState.Approved
        && !IsLocked("request", request.Id)
        && !(Holds(Rule.NotBeforeItsTime) && at < request.AssumeFrom)
        && !(Holds(Rule.UsesAskAgain) && !request.Asked.All(asked => MayAsk(user, asked.Name, at)))
        && request.Granted.All(pin => IsUnchanged(pin) && IsInForce(Roles[pin.Name].Role, at));

    private bool IsUnchanged(ModelPin pin) => Roles.TryGetValue(pin.Name, out var role) && (role.Pin == pin || !Holds(Rule.ChangedRoleIsNotGranted));

    // ---- Locks ----

    private bool IsLocked(string kind, string name) => Locks.Exists(one => one.Kind == kind && one.On == name && Stands(one)) && Holds(kind switch
    {
        "user" => Rule.UserLocks,
        "role" => Rule.RoleLocks,
        "login" => Rule.LoginLocks,
        "node" => Rule.NodeLocks,
        _ => Rule.RequestLocks,
    });

    private bool Stands(ModelLock one) => !(Now >= one.Ends && Holds(Rule.LocksEnd));

    // ---- Requests ----

    public ModelState StateOf(ModelRequest request) => StateAt(request, Now);

    private ModelState StateAt(ModelRequest request, long at) => request.State switch
    {
        ModelState.Pending when (at >= request.PendingUntil || request.HasExpired) && Holds(Rule.PendingRequestsExpire) => ModelState.Expired,
        ModelState.Approved when (at >= request.AccessUntil || request.HasExpired) && Holds(Rule.AccessExpires) => ModelState.Expired,
        var state => state,
    };

    /// <summary>Time has gone by, or the clock was set: what has expired once stays so.</summary>
    public void Notice()
    {
        foreach (var request in Requests.Where(_ => Holds(Rule.ExpiryIsOneWay)))
            request.HasExpired |= StateOf(request) == ModelState.Expired;
    }

    /// <summary>The clock was set, or root says that it is right: what has ended by the time that it should be has ended.</summary>
    public void ClockIsSet()
    {
        foreach (var request in Requests.Where(_ => Machine.IsStepped && Holds(Rule.ExpiryIsOneWay)))
            request.HasExpired |= StateAt(request, Machine.Expected) == ModelState.Expired;
    }

    private IEnumerable<ModelRole> Held(ModelUser user) => user.Roles.Where(Roles.ContainsKey).Select(name => Roles[name].Role);

    private bool MayAsk(ModelUser user, string role, long at) =>
        !(Holds(Rule.DeniedAskingWins) && Held(user).Any(one => one.DeniedAsks.Contains(role))) && LetsAsk(user, role, at).Any();

    private IEnumerable<ModelRole> LetsAsk(ModelUser user, string role, long at) => Held(user).Where(one => IsInForce(one, at) && (one.Asks.Contains(role) || one.Asks.Contains("*")));

    /// <summary>How long access to roles lasts: for each the most generous max_duration that applies, or its session; of these the shortest.</summary>
    private long Lasts(ModelUser user, IEnumerable<string> roles, long? session, long at) =>
        Math.Min(Limits.Access, roles.Min(role => Holds(Rule.MaxDuration) && LetsAsk(user, role, at).Max(one => one.MaxDuration) is { } longest ? longest : Session(role, session)));

    private long Session(string role, long? session) => new[] { Limits.Certificate, Roles[role].Role.MaxSession ?? long.MaxValue, session ?? long.MaxValue }.Min();

    /// <summary>The roles that a user may ask for now.</summary>
    public List<string> CanAsk(ModelUser user) =>
        [.. Roles.Values.Select(one => one.Role).Where(role => IsInForce(role, Now) && (MayAsk(user, role.Name, Now) || !Holds(Rule.OnlyWhatMayBeAskedFor)) && !IsLocked("role", role.Name)).Select(role => role.Name)];

    /// <summary>Files a request. <c>*</c> asks for everything that may be asked for and is not held.</summary>
    public ModelRequest? File(ModelCaller caller, ModelUser? user, string[] asked, (long? Session, long? Pending, long? Lasts, long? From) wish)
    {
        if (user is null || !MayGrant)
            return null;
        var mine = Requests.Where(one => one.User == user.Id).ToList();
        if (Holds(Rule.PendingLimit) && mine.Count(one => StateOf(one) == ModelState.Pending) >= MostPending)
            return null;
        if (Holds(Rule.FilingLimit) && !caller.IsRoot && (mine.Count(one => one.Created > Now - Minute) >= MostAMinute || mine.Count(one => one.Created > Now - Day) >= MostADay))
            return null;
        if (IsLocked("user", user.Name) || user.Roles.Any(role => IsLocked("role", role)) || asked.Any(role => MayAsk(user, role, Now) && IsLocked("role", role)))
            return null;
        var can = CanAsk(user);
        string[] names = asked is ["*"] ? [.. can.Except(user.Roles)] : asked;
        if (names.Length == 0 || names.Except(can).Any() || wish.Session > Limits.Certificate || wish.Pending > Limits.Pending || wish.Lasts > Limits.Access)
            return null;

        var session = wish.Session is null ? (long?)null : names.Min(role => Session(role, wish.Session));
        var lasts = Math.Min(Lasts(user, names, session, Now), wish.Lasts ?? long.MaxValue);
        var fromApproval = names.SelectMany(role => LetsAsk(user, role, Now)).All(role => role.FromApproval) || !Holds(Rule.AccessCountsFromCreation);
        var pending = new[] { Limits.Pending, wish.Pending ?? long.MaxValue, fromApproval ? long.MaxValue : lasts }.Min();
        var until = (fromApproval ? Now + pending : Now) + lasts;
        if (!CanBegin(wish.From, until))
            return null;
        var request = new ModelRequest
        {
            User = user.Id,
            UserName = user.Name,
            Asked = [.. names.Order(StringComparer.Ordinal).Select(name => Roles[name].Pin)],
            Created = Now,
            Sets = [.. Held(user).Where(one => names.Any(name => LetsAsk(user, name, Now).Contains(one))).Select(one => (Roles[one.Name].Pin, one.RequireAll, one.Thresholds.Length > 0 ? one.Thresholds : [new(1, 1, null)]))],
            FromApproval = fromApproval,
            Session = session,
            Requester = [.. AsTheyAre(User(user.Id), Links()), $"uid {caller.Uid}", .. caller.LoginUid is { } login ? (string[])[$"uid {login}"] : []],
            PendingUntil = Now + pending,
            AccessUntil = until,
            Lasts = lasts,
            AssumeFrom = wish.From,
        };
        Requests.Add(request);
        return request;
    }

    private bool CanBegin(long? from, long until) => from is not { } begin || (begin >= Now && begin - Now <= 7 * Day && begin < until);

    public bool Approve(ModelCaller by, ModelRequest request, string[]? instead, bool force)
    {
        if (!MayGrant || StateOf(request) != ModelState.Pending || FindUser(request.User) is not { } user)
            return false;
        var links = Links(request).Append([$"uid {by.Uid}", .. by.Account is { } account ? (string[])[$"account {account}"] : [], .. by.LoginUid is { } login ? (string[])[$"uid {login}"] : []]);
        if (!by.IsRoot && Holds(Rule.NobodyAnswersTheirOwn) && AreOne($"uid {by.Uid}", User(request.User), links))
            return false;
        if (!force && !request.Asked.All(IsUnchanged))
            return false;
        return Approve(request, user, instead ?? [.. request.Asked.Select(pin => pin.Name)], request.AssumeFrom);
    }

    private bool Approve(ModelRequest request, ModelUser user, string[] names, long? from)
    {
        if ((Holds(Rule.UsesAskAgain) && !request.Asked.All(asked => MayAsk(user, asked.Name, Now))) || !names.All(name => Roles.ContainsKey(name) && IsInForce(Roles[name].Role, Now)))
            return false;
        if (IsLocked("request", request.Id) || IsLocked("user", user.Name) || user.Roles.Concat(names).Any(name => IsLocked("role", name)))
            return false;
        var lasts = Math.Min(request.Lasts, Lasts(user, names, request.Session, Now));
        var until = Math.Min(request.AccessUntil, (request.FromApproval ? Now : request.Created) + lasts);
        if (until <= Now || until <= from)
            return false;
        (request.State, request.AccessUntil, request.Lasts, request.Approved, request.AssumeFrom) = (ModelState.Approved, until, lasts, Now, from);
        request.Granted = [.. names.Distinct().Order(StringComparer.Ordinal).Select(name => Roles[name].Pin)];
        return true;
    }

    /// <summary>An administrator denies, or a requester cancels or drops.</summary>
    public bool End(ModelRequest request, ModelState to, params ModelState[] from)
    {
        if (!from.Contains(StateOf(request)))
            return false;
        if (StateOf(request) == ModelState.Approved && Holds(Rule.EndingRevokes))
            Revoke(one => one.Requests.Contains(request.Id));
        request.State = to;
        return true;
    }

    public bool Remove(ModelRequest request, bool force)
    {
        if (StateOf(request) is ModelState.Pending or ModelState.Approved && !(force && End(request, ModelState.Denied, ModelState.Pending, ModelState.Approved)))
            return false;
        return Requests.Remove(request);
    }

    // ---- Reviews ----

    public bool Review(ModelCaller caller, ModelUser? user, ModelRequest request, bool approves, string[]? roles, long? from)
    {
        if (user is null || (approves && !MayGrant))
            return false;
        var links = Links(request).Append([User(user.Id), $"uid {caller.Uid}", .. caller.Account is { } account ? (string[])[$"account {account}"] : [], .. caller.LoginUid is { } login ? (string[])[$"uid {login}"] : []]).ToList();
        if (Holds(Rule.NobodyAnswersTheirOwn) && AreOne(User(user.Id), User(request.User), links))
            return false;
        if (StateOf(request) != ModelState.Pending || !MayReview(user, request) || (Holds(Rule.OneVoteAPerson) && request.Votes.Exists(vote => AreOne(User(vote.Author), User(user.Id), links))))
            return false;
        if (approves && (FindUser(request.User) is null || (roles ?? []).Except(request.Asked.Select(pin => pin.Name)).Any() || !CanBegin(from, request.AccessUntil)))
            return false;
        if (approves && Holds(Rule.ChangedRoleIsNotReviewed) && !request.Asked.Concat(request.Sets.Select(set => set.By)).All(pin => Roles.TryGetValue(pin.Name, out var role) && role.Pin == pin))
            return false;

        var vote = new ModelVote(user.Id, approves, roles ?? [.. request.Asked.Select(pin => pin.Name)], from, AsTheyAre(User(user.Id), links));
        request.Votes.Add(vote);
        if (Resolve(request, links))
            return true;
        request.Votes.Remove(vote);
        return false;
    }

    /// <summary>Whether a request is there at all for somebody who wants to review.</summary>
    public bool Sees(ModelUser user, ModelRequest request) => request.User == user.Id || request.Votes.Exists(vote => vote.Author == user.Id) || MayReview(user, request);

    /// <summary>Whether a user is one person with the requester.</summary>
    public bool IsOwn(ModelUser user, ModelRequest request) => AreOne(User(user.Id), User(request.User), Links(request));

    private bool Resolve(ModelRequest request, List<string[]> links)
    {
        var counted = new List<(ModelVote Vote, ModelUser Author)>();
        foreach (var vote in request.Votes)
            if (FindUser(vote.Author) is { } author && (MayReview(author, request) || !Holds(Rule.VotesCountWhileTheirAuthorsMayReview)) && !(Holds(Rule.NobodyAnswersTheirOwn) && AreOne(User(vote.Author), User(request.User), links))
                && !(Holds(Rule.OneVoteAPerson) && counted.Exists(other => AreOne(User(other.Vote.Author), User(vote.Author), links))))
                counted.Add((vote, author));
        int Count(ModelThreshold threshold, bool approves) => counted.Count(one => one.Vote.Approves == approves
            && (threshold.Of is null || !Holds(Rule.FiltersCount) || Held(one.Author).Any(role => role.Name == threshold.Of && IsInForce(role, Now))));

        if (Holds(Rule.DenialsWin) && request.Sets.Any(set => set.Thresholds.Any(one => one.Deny > 0 && Count(one, false) >= one.Deny)))
            return End(request, ModelState.Denied, ModelState.Pending);
        var approvals = counted.Where(one => one.Vote.Approves).Select(one => one.Vote).ToList();
        var met = request.Sets.Select(set =>
        {
            var approving = set.Thresholds.Where(one => one.Approve > 0).ToList();
            bool Met(ModelThreshold one) => Count(one, true) >= (Holds(Rule.ThresholdsAreReached) ? one.Approve : 1);
            return approving.Count > 0 && (set.All && Holds(Rule.RequireAllMeansAll) ? approving.TrueForAll(Met) : approving.Exists(Met));
        }).ToList();
        string[] granted = [.. request.Asked.Select(pin => pin.Name).Where(name => approvals.TrueForAll(vote => vote.Roles.Contains(name)) || !Holds(Rule.OnlyWhatApprovalsShare))];
        if (!(Holds(Rule.EverySetIsMet) ? met.TrueForAll(one => one) : met.Contains(true)) || met.Count == 0 || granted.Length == 0)
            return true;
        return FindUser(request.User) is { } requester && !(Holds(Rule.UnknownGroupsDecideNothing) && AreGroupsUnknown(request))
            && Approve(request, requester, granted, approvals.Select(vote => vote.AssumeFrom).Append(request.AssumeFrom).Max());
    }

    private bool MayReview(ModelUser user, ModelRequest request) => request.Asked.All(asked =>
        !(Holds(Rule.DeniedReviewingWins) && Held(user).Any(role => Names(role.DeniedReviews, asked.Name)))
        && (Held(user).Any(role => IsInForce(role, Now) && Names(role.Reviews, asked.Name)) || IsNamed(user, asked) || !Holds(Rule.OnlyReviewersReview)));

    private static bool Names(string[] patterns, string role) => patterns.Contains(role) || patterns.Contains("*");

    private bool IsNamed(ModelUser user, ModelPin asked) => Roles.TryGetValue(asked.Name, out var role) && role.Id == asked.Id
        && role.Role.Reviewers.Any(entry => entry == user.Name || Held(user).Any(one => IsInForce(one, Now) && entry == $"role:{one.Name}"));

    // ---- Who is one person ----

    private static string User(int id) => $"user {id}";

    private static string Owner(string entry) => entry.All(char.IsAsciiDigit) ? $"uid {entry}" : $"account {entry}";

    /// <summary>What belongs together: a user and its accounts, an account and its uid; and what was recorded with a request.</summary>
    private IEnumerable<string[]> Links(ModelRequest? request = null) =>
    [
        .. Users.Values.Select(user => (string[])[User(user.Id), .. user.UnixUsers.Select(Owner)]),
        .. Machine.Accounts.Select(one => (string[])[$"account {one.Key}", $"uid {one.Value}"]),
        .. request is null || !Holds(Rule.PersonAsTheyWere) ? (string[][])[] : [[User(request.User), .. request.Requester], .. request.Votes.Select(vote => (string[])[User(vote.Author), .. vote.Person])],
    ];

    private bool AreOne(string one, string other, IEnumerable<string[]> links) => Reach(one, links).Contains(other);

    private HashSet<string> Reach(string from, IEnumerable<string[]> links)
    {
        var (reached, all) = (new HashSet<string> { from }, links.ToList());
        for (var round = 0; Holds(Rule.PersonIsTheClosure) || round < 2; round++)
            if (all.FindAll(link => link.Any(reached.Contains)).SelectMany(link => link).Except(reached).ToList() is { Count: > 0 } more)
                reached.UnionWith(more);
            else
                break;
        return reached;
    }

    /// <summary>The uids and users that somebody is, which is what the daemon records. Accounts are left out, for somebody else can have the name later.</summary>
    private string[] AsTheyAre(string user, IEnumerable<string[]> links) => [.. Reach(user, links).Where(one => !one.StartsWith("account ", StringComparison.Ordinal))];

    private ModelUser? FindUser(int id) => Users.Values.FirstOrDefault(user => user.Id == id);
}
