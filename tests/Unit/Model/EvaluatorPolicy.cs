namespace CertAuthority.Tests.Unit.Model;

/// <summary>The other half: changes of policy and what they take back, users from groups, and the revocation list.</summary>
internal sealed partial class Evaluator
{
    // ---- Changes of policy ----

    public bool Put(ModelRole role, bool force)
    {
        var old = Roles.GetValueOrDefault(role.Name);
        if (old is not null && !force)
            return false;
        var isSame = old?.Role.Spec().ToJsonString() == role.Spec().ToJsonString();
        Roles[role.Name] = new StoredRole(role, old?.Id ?? next++, old is null ? 1 : isSame ? old.Revision : old.Revision + 1);
        return Changed();
    }

    public bool RemoveRole(string name, bool force)
    {
        if (!Roles.ContainsKey(name) || (!force && Users.Values.Any(user => user.Roles.Contains(name))))
            return false;
        foreach (var user in Users.Values.Where(user => user.Groups is null).ToList())
            Users[user.Name] = user with { Roles = [.. user.Roles.Except([name])] };
        Roles.Remove(name);
        return Changed();
    }

    public bool Put(string name, string[] roles, string[] unixUsers, bool force)
    {
        var old = Users.GetValueOrDefault(name);
        if (old is { Groups: null } && !force || roles.Except(Roles.Keys).Any())
            return false;
        if (old?.Groups is not null)
            EndAllOf(old);
        Users[name] = new ModelUser(old is { Groups: null } ? old.Id : NewId(name), name, roles, unixUsers);
        return Changed();
    }

    public bool SetRoles(string name, string[] roles)
    {
        if (!Users.TryGetValue(name, out var user) || user.Groups is not null || roles.Except(Roles.Keys).Any())
            return false;
        Users[name] = user with { Roles = roles };
        return Changed();
    }

    public bool RemoveUser(string name)
    {
        if (!Users.TryGetValue(name, out var user) || user.Groups is not null)
            return false;
        EndAllOf(user);
        Users.Remove(name);
        return Changed();
    }

    public bool PutNode(string name, string env, bool force)
    {
        if (Nodes.ContainsKey(name) && !force)
            return false;
        Nodes[name] = env;
        return Changed();
    }

    public bool RemoveNode(string name) => Nodes.Remove(name) && Changed();

    public ModelLock Lock(string kind, string on, long? ttl)
    {
        var made = new ModelLock(kind, on, Now + ttl);
        Locks.Add(made);
        Changed();
        return made;
    }

    public bool Unlock(ModelLock one) => Locks.Remove(one) && Changed();

    /// <summary>A configuration with other limits, or with other roles for groups.</summary>
    public void Configure((long Certificate, long Access, long Pending) limits, IEnumerable<KeyValuePair<string, string[]>> rolesOfGroups)
    {
        Limits = limits;
        RolesOfGroups.Clear();
        foreach (var (group, roles) in rolesOfGroups)
            RolesOfGroups.Add(group, roles);
        // A configuration counts as a whole: nothing is judged while some users are what the one before made of them.
        var changed = false;
        foreach (var user in Users.Values.Where(user => user.Groups is not null).ToList())
            changed |= Settle(user.Name, user.Groups!);
        // Where nothing else has changed, certificates are judged only where one or a request is longer than it may be now.
        if (changed || (JudgeRequests() | Certificates.Exists(one => IsLive(one) && one.Ends - one.Issued > Limits.Certificate)))
            Changed();
    }

    private readonly Dictionary<string, int> ids = [];

    // Somebody who comes under a name is not who had it before.
    private int NewId(string name) => ids[name] = Holds(Rule.RecreatedUserIsAnother) || !ids.TryGetValue(name, out var id) ? next++ : id;

    private void EndAllOf(ModelUser user)
    {
        foreach (var request in Requests.Where(one => one.User == user.Id))
            End(request, ModelState.Denied, ModelState.Pending, ModelState.Approved);
    }

    /// <summary>Everything that is out is judged again: what today's policy would not have granted at the instant of issue is taken back.</summary>
    private bool Changed()
    {
        JudgeRequests();
        if (Holds(Rule.ChangesOfPolicyRevoke))
            Revoke(one => !IsStillGranted(one));
        return true;
    }

    /// <summary>Ends approved requests whose roles have changed, and shortens what lasts longer than it would now.</summary>
    /// <returns>Whether one is shorter than it was.</returns>
    private bool JudgeRequests()
    {
        var before = Requests.Sum(one => one.PendingUntil + one.AccessUntil);
        foreach (var request in Requests)
            if (StateOf(request) == ModelState.Approved)
                Judge(request);
            else if (StateOf(request) == ModelState.Pending && Holds(Rule.ChangesOfPolicyShorten))
                request.PendingUntil = Math.Min(request.PendingUntil, request.Created + Limits.Pending);
        return Requests.Sum(one => one.PendingUntil + one.AccessUntil) != before;
    }

    private void Judge(ModelRequest request)
    {
        if (!request.Granted.All(IsUnchanged))
        {
            if (Holds(Rule.ChangesOfPolicyEndApprovals))
                End(request, ModelState.Denied, ModelState.Approved);
            return;
        }
        if (FindUser(request.User) is not { } user || !request.Asked.All(asked => MayAsk(user, asked.Name, request.Approved)) || !Holds(Rule.ChangesOfPolicyShorten))
            return;
        var lasts = Lasts(user, request.Granted.Select(pin => pin.Name), request.Session, request.Approved);
        var until = (request.FromApproval ? request.Approved : request.Created) + lasts;
        if (lasts >= request.Lasts || until >= request.AccessUntil)
            return;
        if (until <= Now || until <= request.AssumeFrom)
            End(request, ModelState.Denied, ModelState.Approved);
        else
            (request.Lasts, request.AccessUntil) = (lasts, until);
    }

    private bool IsStillGranted(ModelCertificate certificate)
    {
        if (FindUser(certificate.User) is not { } user || !Owns(certificate.Caller, user))
            return false;
        var requests = certificate.Requests.Select(id => Requests.Find(one => one.Id == id)).ToArray();
        return !requests.Contains(null) && One(user, requests!, requests!, certificate.Issued, null) is var (principals, ends) && certificate.Ends <= ends
            && certificate.Principals.All(one => principals.Contains(one) || principals.Contains(one.Split('@')[0]));
    }

    // ---- Who acts as whom ----

    private bool Owns(ModelCaller caller, ModelUser user) => user.UnixUsers.Any(entry => Owner(entry) == $"uid {caller.Uid}" || Owner(entry) == $"account {caller.Account}") || !Holds(Rule.OnlyOwnersAct);

    /// <summary>The user as whom an account calls, after a look at its groups; null where the call is refused.</summary>
    /// <param name="caller">Who calls.</param>
    /// <param name="asked">The value of <c>--user</c>.</param>
    /// <param name="isDenial">Whether they only say no: then it does not matter whether their groups are known.</param>
    public ModelUser? Act(ModelCaller caller, string? asked, bool isDenial = false)
    {
        if (RolesOfGroups.Count > 0 && caller.Account is { } account && !(Users.TryGetValue(account, out var stored) && stored.Groups is null))
            Look(account);
        return Choose(caller, asked, isDenial);
    }

    /// <summary>The same without the look.</summary>
    public ModelUser? Choose(ModelCaller caller, string? asked, bool isDenial = false)
    {
        var own = Users.Values.Where(user => Owns(caller, user)).ToList();
        var acting = asked is not null ? own.Find(user => user.Name == asked) : own.Count == 1 ? own[0] : own.Find(user => user.Name == caller.Account);
        var isUnknown = acting?.Groups is not null && Machine.IsUnknown(caller.Account!, RolesOfGroups.Keys);
        return isUnknown && !isDenial && Holds(Rule.UnknownGroupsGiveNothing) ? null : acting;
    }

    /// <summary>Asks for the groups of an account and goes by them. Nothing changes while they are not known.</summary>
    public void Look(string account)
    {
        var isKnown = !Machine.IsUnknown(account, RolesOfGroups.Keys);
        if ((isKnown || !Holds(Rule.UnknownGroupsTakeNothing)) && Settle(account, isKnown ? Machine.GroupsOf(account) : []))
            Changed();
    }

    /// <summary>Looks at all stored users from groups, as the daemon does in the background.</summary>
    public void LookAtAll()
    {
        if (RolesOfGroups.Count > 0)
            foreach (var user in Users.Values.Where(user => user.Groups is not null).OrderBy(user => user.Name, StringComparer.Ordinal).ToList())
                Look(user.Name);
    }

    /// <summary>Before a review decides: looks at the groups of everybody on whom it rests.</summary>
    public void LookAgain(ModelRequest request, ModelUser reviewer)
    {
        foreach (var user in RestsOn(request).Append(reviewer).Where(user => user.Groups is not null).Select(user => user.Name).Distinct().ToList())
            if (RolesOfGroups.Count > 0)
                Look(user);
    }

    private bool AreGroupsUnknown(ModelRequest request) =>
        RolesOfGroups.Count > 0 && RestsOn(request).Any(user => user.Groups is not null && Machine.IsUnknown(user.Name, RolesOfGroups.Keys));

    private IEnumerable<ModelUser> RestsOn(ModelRequest request) => Users.Values.Where(user => user.Id == request.User || request.Votes.Exists(vote => vote.Author == user.Id));

    /// <summary>Makes, changes or removes a user of groups.</summary>
    /// <returns>Whether there was anything to do, so that everything that is out has to be judged again.</returns>
    private bool Settle(string account, string[] groups)
    {
        string[] giving = [.. groups.Where(RolesOfGroups.ContainsKey).Order(StringComparer.Ordinal)];
        string[] roles = [.. giving.SelectMany(group => RolesOfGroups[group]).Distinct().Order(StringComparer.Ordinal)];
        var old = Users.GetValueOrDefault(account);
        if (old is { Groups: null } || (giving.Length == 0 ? old is null : old is not null && old.Groups!.SequenceEqual(giving) && old.Roles.SequenceEqual(roles)))
            return false;
        if (giving.Length > 0)
            Users[account] = new ModelUser(old?.Id ?? NewId(account), account, roles, [account], giving);
        else
        {
            EndAllOf(old!);
            Users.Remove(account);
        }
        return true;
    }

    // ---- Certificates ----

    public void Issue(ModelCaller caller, ModelUser user, List<(string[] Requests, string[] Principals, long Ends)> granted, string[] serials)
    {
        var login = next++;
        foreach (var (one, serial) in granted.Zip(serials))
            Certificates.Add(new ModelCertificate { Serial = serial, Login = login, User = user.Id, Caller = caller, Requests = one.Requests, Principals = one.Principals, Issued = Now, Ends = one.Ends });
    }

    public void Revoke(Func<ModelCertificate, bool> which)
    {
        foreach (var one in Certificates.Where(one => IsLive(one) && which(one)).ToList())
            one.Revoked = true;
    }

    public IEnumerable<string> Live => Certificates.Where(IsLive).Select(one => one.Serial);

    /// <summary>Revoked ones are on the list until a day after their end, for the clocks of hosts differ.</summary>
    public IEnumerable<string> Listed => Certificates.Where(one => one.Revoked && one.Ends > Now - (Holds(Rule.RevokedStayOnTheListForADay) ? Day : 0)).Select(one => one.Serial);
}
