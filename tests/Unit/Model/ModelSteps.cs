using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access.Users;
using CertAuthority.Operations;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Model;

/// <summary>Which steps a run takes: what each does to the daemon, and what the rules say of it.</summary>
internal sealed partial class ModelRun
{
    private Step Next() => machine.IsStepped && dice.OneIn(5) ? SetClock() : dice.Throw(100) switch
    {
        < 3 => PutRole(dice.Of(RoleNames)),
        < 4 => RemoveRole(),
        < 8 => PutUser(dice.OneIn(6) ? dice.Of(GroupAccounts) : People.Except(rules.Users.Keys).FirstOrDefault() ?? dice.Of(People)),
        < 10 => SetRoles(),
        < 12 => RemoveUser(),
        < 13 => PutNode(dice.Of(NodeNames)),
        < 14 => RemoveNode(),
        < 17 => Lock(),
        < 22 => Unlock(),
        < 24 => Configure(),
        < 40 => File(),
        < 46 => Approve(),
        < 68 => Review(),
        < 70 => Deny(),
        < 73 => EndMine(),
        < 74 => RemoveRequest(),
        < 87 => LogIn(),
        < 88 => Revoke(),
        < 91 => Directory(),
        < 95 => PassTime(),
        < 99 => SetClock(),
        _ => Restart(),
    };

    // ---- Policy ----

    private Step PutRole(string name)
    {
        var isGranting = Granting.Contains(name);
        var role = new ModelRole(name)
        {
            Logins = isGranting || dice.OneIn(2) ? [.. dice.Some(LoginNames).Append(dice.Of(LoginNames)).Distinct()] : [],
            Hosts = isGranting ? dice.Of("*", "*", "prod", "test") : dice.Of(null, "*", "prod", "test"),
            DeniedLogins = dice.OneIn(6) ? [dice.Of([.. LoginNames, "*"])] : [],
            DeniedHosts = dice.OneIn(8) ? dice.Of(Environments) : null,
            Asks = name is "asker" or "helper" ? dice.OneIn(3) ? ["*"] : [.. dice.Some(Granting).Append(dice.Of(Granting)).Distinct()] : [],
            DeniedAsks = dice.OneIn(8) ? [dice.Of(Granting)] : [],
            MaxDuration = dice.OneIn(3) ? dice.Of(1800L, 7200, 86400, 20 * 86400) : null,
            FromApproval = dice.OneIn(3),
            RequireAll = dice.OneIn(2),
            Thresholds = name is "asker" or "helper" && !dice.OneIn(3) ? [.. Enumerable.Range(0, 1 + dice.Throw(2)).Select(_ => new ModelThreshold(dice.Of(0, 1, 2, 2), dice.Throw(3), dice.Of(null, null, "lead")))] : [],
            Reviews = name is "reviewer" or "lead" ? dice.OneIn(2) ? ["*"] : [.. dice.Some(Granting).Append(dice.Of(Granting)).Distinct()] : [],
            DeniedReviews = dice.OneIn(10) ? [dice.Of(Granting)] : [],
            Reviewers = isGranting ? dice.Some([.. People, "role:lead"], 5) : [],
            MaxSession = dice.OneIn(3) ? dice.Of(600L, 3600, 14400, 200_000) : null,
            Expires = dice.OneIn(12) ? machine.Shown + dice.Of(-100, 600, 7200) : null,
        };
        return Put(role, force: !dice.OneIn(6));
    }

    private Step Put(ModelRole role, bool force = true) =>
        new($"puts {role.Write().ToJsonString()}{(force ? " with force" : "")}", () => Apply(force, role.Write()), () => rules.Put(role, force));

    private Step RemoveRole()
    {
        var given = rules.RolesOfGroups.Values.SelectMany(roles => roles).ToList();
        var (name, force) = (given.Count > 0 && dice.OneIn(2) ? dice.Of(given) : dice.Of(RoleNames), !dice.OneIn(3));
        return new($"removes role {name}{(force ? " with force" : "")}", () => Removals.Remove(ca, Root, new RemoveResource("role", name, force)), () => rules.RemoveRole(name, force));
    }

    private Step PutUser(string name)
    {
        var (roles, owners) = (SomeRoles(), Owners(name));
        return Put(name, roles, owners, force: !dice.OneIn(4));
    }

    private Step Put(string name, string[] roles, string[] owners, bool force = true) =>
        new(
            $"puts user {name} with the roles {string.Join(',', roles)} for {string.Join(',', owners)}{(force ? " with force" : "")}",
            () => Apply(force, new ModelUser(0, name, roles, owners).Write()),
            () => rules.Put(name, roles, owners, force));

    /// <summary>Mostly such as one can do something with.</summary>
    private string[] SomeRoles() => [.. dice.Some(RoleNames, 4).Concat(dice.OneIn(3) ? [] : [dice.Of("asker", "asker", "helper")]).Concat(dice.OneIn(3) ? [] : [dice.Of("reviewer", "lead")]).Distinct()];

    private string[] Owners(string name)
    {
        var own = System.Array.IndexOf(People, name) is >= 0 and var at ? Accounts[at] : name;
        return dice.Throw(6) switch
        {
            0 => [dice.Of(Accounts), own],
            1 => [$"{1001 + dice.Throw(5)}"],
            2 => [own, $"{1001 + dice.Throw(5)}"],
            _ => [own],
        };
    }

    private Step SetRoles() => SetRoles(dice.Of([.. People, .. GroupAccounts]), SomeRoles());

    private Step SetRoles(string name, string[] roles) =>
        new(
            $"gives {name} the roles {string.Join(',', roles)}",
            () => CertAuthority.Operations.Users.Update(ca, Root, new UpdateUser(name, roles.Length == 0 ? ["none"] : roles)),
            () => rules.SetRoles(name, roles));

    private Step RemoveUser() => RemoveUser(dice.Of([.. People, .. GroupAccounts]));

    private Step RemoveUser(string name) =>
        new($"removes user {name}", () => Removals.Remove(ca, Root, new RemoveResource("user", name)), () => rules.RemoveUser(name));

    private Step PutNode(string name)
    {
        var (env, force) = (dice.Of(Environments), !dice.OneIn(4));
        var node = new JsonObject
        {
            ["kind"] = "node",
            ["version"] = "v2",
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["env"] = env } },
            ["spec"] = new JsonObject { ["addr"] = $"{name}.example.com" },
        };
        return new($"puts node {name} in {env}{(force ? " with force" : "")}", () => Apply(force, node), () => rules.PutNode(name, env, force));
    }

    private Step RemoveNode()
    {
        var name = dice.Of(NodeNames);
        return new($"removes node {name}", () => Removals.Remove(ca, Root, new RemoveResource("node", name)), () => rules.RemoveNode(name));
    }

    private Step Lock()
    {
        var kind = dice.Of("user", "role", "login", "node", rules.Requests.Count > 0 ? "request" : "user", rules.Requests.Count > 0 ? "request" : "user");
        var on = kind switch
        {
            "user" => dice.Of([.. People, .. GroupAccounts]),
            "role" => dice.Of(RoleNames),
            "login" => dice.Of(LoginNames),
            "node" => dice.Of(NodeNames),
            _ => (Some(ModelState.Pending, ModelState.Approved) ?? rules.Requests[0]).Id,
        };
        var ttl = dice.OneIn(3) ? (long?)null : dice.Of(60L, 600, 7200);
        var ask = new CreateLock(
            User: kind == "user" ? on : null, Role: kind == "role" ? on : null, Login: kind == "login" ? on : null, Node: kind == "node" ? on : null, Request: kind == "request" ? on : null,
            Ttl: ttl is null ? null : $"{ttl}s");
        var name = "";
        return new(
            $"locks {kind} {on}{(ttl is null ? "" : $" for {ttl}s")}",
            async () => name = (await Locks.Create(ca, Root, ask)).Name,
            () => (rules.Lock(kind, on, ttl).Name = name).Length > 0);
    }

    private Step Unlock()
    {
        if (rules.Locks.Count == 0)
            return PassTime();
        var one = dice.Of(rules.Locks);
        return new($"unlocks {one.Kind} {one.On}", () => Removals.Remove(ca, Root, new RemoveResource("lock", one.Name)), () => rules.Unlock(one));
    }

    private Step Configure()
    {
        var limits = dice.OneIn(2) ? (30 * 3600L, 14 * 86400L, 7 * 86400L) : (dice.Of(1800L, 7200, 108_000), dice.Of(3600L, 86400, 1_209_600), dice.Of(900L, 7200, 604_800));
        var groups = dice.OneIn(4) ? [] : dice.Some(machine.Groups.Keys.ToList(), 1).Where(_ => !dice.OneIn(4)).ToDictionary(group => group, _ => SomeRoles() is { Length: > 0 } some ? some : ["reviewer"]);
        return Configure(limits, groups);
    }

    private Step Configure((long Certificate, long Access, long Pending) limits, Dictionary<string, string[]> groups) =>
        new(
            $"reads a configuration with the limits {limits} and the groups {string.Join("; ", groups.Select(one => $"{one.Key}: {string.Join(',', one.Value)}"))}",
            async () =>
            {
                ca = With(ca, limits, groups);
                await GroupUsers.Reconfigure(ca);
            },
            () =>
            {
                rules.Configure(limits, groups);
                return true;
            });

    // ---- Requests ----

    private (ModelCaller Caller, string? As) Somebody(ModelUser? user = null)
    {
        user ??= rules.Users.Count == 0 || dice.OneIn(12) ? null : dice.Of([.. rules.Users.Values.OrderBy(one => one.Name, StringComparer.Ordinal)]);
        var account = user is null || dice.OneIn(15) ? dice.Of([.. Accounts, .. GroupAccounts]) : dice.Of(user.UnixUsers);
        var uid = account.All(char.IsAsciiDigit) ? uint.Parse(account) : machine.Accounts[account];
        var login = dice.OneIn(12) ? machine.Accounts[dice.Of(Accounts)] : (uint?)null;
        return (new ModelCaller(uid, machine.Accounts.FirstOrDefault(one => one.Value == uid).Key, login), user is null || dice.OneIn(8) ? null : user.Name);
    }

    private Caller Call(ModelCaller caller) => new(
        new UnixIdentity(caller.Uid, caller.Account), caller.IsRoot,
        caller.LoginUid is { } login ? new UnixIdentity(login, machine.Accounts.FirstOrDefault(one => one.Value == login).Key) : null);

    private ModelRequest? Some(params ModelState[] states)
    {
        var likely = rules.Requests.FindAll(one => states.Contains(rules.StateOf(one)));
        return likely.Count > 0 && !dice.OneIn(12) ? dice.Of(likely) : rules.Requests.Count > 0 && dice.OneIn(6) ? dice.Of(rules.Requests) : null;
    }

    private Step File()
    {
        var (caller, name) = Somebody();
        List<string> can = name is not null && rules.Users.TryGetValue(name, out var user) ? rules.CanAsk(user) : [];
        string[] asked = can.Count > 0 && !dice.OneIn(6) ? [.. dice.Some(can).Append(dice.Of(can)).Distinct()] : dice.OneIn(8) ? ["*"] : dice.Some(Granting) is { Length: > 0 } some ? some : [dice.Of(RoleNames)];
        (long? Session, long? Pending, long? Lasts, long? From) wish = (
            dice.OneIn(5) ? dice.Of(300L, 7200, 200_000) : null,
            dice.OneIn(5) ? dice.Of(600L, 86400, 900_000) : null,
            dice.OneIn(5) ? dice.Of(900L, 86400, 2_000_000) : null,
            dice.OneIn(5) ? machine.Shown + dice.Of(-60, 60, 600, 600, 1800, 900_000) : null);
        return File(caller, name, asked, wish);
    }

    private Step File(ModelCaller caller, string? name, string[] asked, (long? Session, long? Pending, long? Lasts, long? From) wish = default)
    {
        var id = "";
        return new(
            $"{caller} files as {name} for {string.Join(',', asked)}, wishing {wish}",
            async () => id = (await Requests.Create(ca, await GroupUsers.Refresh(ca, Call(caller)), new CreateRequest(
                asked, name, "why", null, Seconds(wish.Session), Seconds(wish.Pending), Seconds(wish.Lasts), wish.From is { } from ? Written.Time(from) : null, Force: true))).Metadata.Name,
            () =>
            {
                if (rules.File(caller, rules.Act(caller, name), asked, wish) is not { } request)
                    return false;
                // A refusal that the rules do not know of is told below; the request must have a name until then.
                request.Id = id.Length > 0 ? id : "00000000";
                return true;
            });
    }

    private static string? Seconds(long? length) => length is null ? null : $"{length}s";

    private ModelCaller SomeAdministrator() => dice.OneIn(2) ? new ModelCaller(0, "root") : new ModelCaller(machine.Accounts["adm"], "adm", dice.OneIn(4) ? machine.Accounts[dice.Of(Accounts)] : null);

    private Step Approve()
    {
        if (Some(ModelState.Pending) is not { } request)
            return File();
        var (by, instead, force) = (SomeAdministrator(), dice.OneIn(4) ? new[] { dice.Of(RoleNames) } : null, dice.OneIn(3));
        return new(
            $"{by} approves {Short(request.Id)}{(instead is null ? "" : $" for {instead[0]}")}{(force ? " with force" : "")}",
            () => Resolutions.Approve(ca, new Administrator(Call(by)), new ApproveRequest(request.Id, "", instead, force)),
            () => rules.Approve(by, request, instead, force));
    }

    private Step Deny()
    {
        if (Some(ModelState.Pending, ModelState.Approved) is not { } request)
            return File();
        return new(
            $"root denies {Short(request.Id)}",
            () => Resolutions.Deny(ca, Root, new DenyRequest(request.Id)),
            () => rules.End(request, ModelState.Denied, ModelState.Pending, ModelState.Approved));
    }

    private Step EndMine()
    {
        if (Some(ModelState.Pending, ModelState.Approved) is not { } request)
            return File();
        var (caller, name) = Somebody(rules.Users.Values.FirstOrDefault(user => user.Id == request.User && !dice.OneIn(8)));
        var drops = rules.StateOf(request) == ModelState.Approved != dice.OneIn(6);
        var ask = new EndMyRequest(request.Id, name);
        return new(
            $"{caller} {(drops ? "drops" : "cancels")} {Short(request.Id)} as {name}",
            async () => await (drops ? Resolutions.Drop(ca, await GroupUsers.Refresh(ca, Call(caller)), ask) : Resolutions.Cancel(ca, await GroupUsers.Refresh(ca, Call(caller)), ask)),
            () => rules.Act(caller, name) is { } user && user.Id == request.User && rules.End(request, ModelState.Cancelled, drops ? ModelState.Approved : ModelState.Pending));
    }

    private Step RemoveRequest()
    {
        if (Some(ModelState.Denied, ModelState.Expired) is not { } request)
            return File();
        var force = dice.OneIn(2);
        return new(
            $"root takes {Short(request.Id)} off the list{(force ? " with force" : "")}",
            () => Resolutions.Remove(ca, Root, new RemoveRequest(request.Id, force)),
            () => rules.Remove(request, force));
    }

    private Step Review()
    {
        if (Some(ModelState.Pending) is not { } request)
            return File();
        // Mostly by somebody who may.
        var likely = rules.Users.Values.Where(user => rules.Sees(user, request) && !rules.IsOwn(user, request) && !request.Votes.Exists(vote => vote.Author == user.Id)).OrderBy(user => user.Name, StringComparer.Ordinal).ToList();
        var (caller, name) = Somebody(likely.Count > 0 && !dice.OneIn(5) ? dice.Of(likely) : null);
        var approves = !dice.OneIn(4);
        var asked = request.Asked.Select(pin => pin.Name).ToList();
        string[]? roles = approves && dice.OneIn(3) ? [dice.Of(asked)] : null;
        long? from = approves && dice.OneIn(8) ? machine.Shown + dice.Of(-60, 300, 600, 1800, 900_000) : null;
        return Review(caller, name, request, approves, roles, from);
    }

    private Step Review(ModelCaller caller, string? name, ModelRequest request, bool approves = true, string[]? roles = null, long? from = null) =>
        new(
            $"{caller} {(approves ? "approves" : "denies")} {Short(request.Id)} as {name}{(roles is null ? "" : $" for {roles[0]}")}{(from is null ? "" : $" from {Written.Time(from.Value)}")}",
            async () => await Reviews.Review(ca, await GroupUsers.Refresh(ca, Call(caller)), new ReviewRequest(request.Id, approves ? "approve" : "deny", name, "", roles, from is null ? null : Written.Time(from.Value))),
            () =>
            {
                if (rules.Act(caller, name, !approves) is { } user && rules.Sees(user, request) && !(approves && machine.IsStepped))
                    rules.LookAgain(request, user);
                return rules.Review(caller, rules.Choose(caller, name, !approves), request, approves, roles, from);
            });

    // ---- Certificates ----

    private Step LogIn()
    {
        var (caller, name) = Somebody();
        var owner = name ?? rules.Choose(caller, null)?.Name;
        var mine = rules.Requests.FindAll(one => one.UserName == owner && one.State == ModelState.Approved);
        ModelRequest[] used = mine.Count == 0 || dice.OneIn(3) ? [] : dice.OneIn(4) ? [.. dice.Some(mine).Take(3)] : [dice.Of(mine)];
        if (dice.OneIn(15) && rules.Requests.Count > 0)
            used = [dice.Of(rules.Requests)];
        var wish = dice.OneIn(4) ? dice.Of(300L, 7200, 200_000) : (long?)null;
        string[] serials = [];
        var got = "";
        return new(
            $"{caller} logs in as {name} with {string.Join(',', used.Select(one => Short(one.Id)))}{(wish is null ? "" : $" for {wish}s")}",
            async () =>
            {
                var login = await Logins.Issue(ca, await GroupUsers.Refresh(ca, Call(caller)), new Login(Key, name, used.Length == 0 ? null : [.. used.Select(one => one.Id)], Seconds(wish)));
                CertificateInfo[] all = [.. login.Info is { } first ? (CertificateInfo[])[first] : [], .. (login.Others ?? []).Select(one => one.Info)];
                serials = [.. all.Select(one => one.Serial)];
                got = Lines(all.Select(one => $"{string.Join(',', one.Principals.Order(StringComparer.Ordinal))} until {Time(one.ValidBefore)}"));
            },
            () =>
            {
                if (rules.Act(caller, name) is not { } user || used.Any(one => one.User != user.Id) || rules.Grant(user, used, wish) is not { } granted)
                    return false;
                if (serials.Length > 0)
                    Compare("the certificates", Lines(granted.Select(one => $"{string.Join(',', one.Principals)} until {Written.Time(one.Ends)}")), got);
                rules.Issue(caller, user, granted, serials);
                return true;
            });
    }

    private Step Revoke()
    {
        var request = rules.Requests.Count > 0 && dice.OneIn(2) ? dice.Of(rules.Requests) : null;
        var user = dice.Of([.. rules.Users.Values.OrderBy(one => one.Name, StringComparer.Ordinal), null]);
        if (request is null && user is null)
            return PassTime();
        return new(
            $"root revokes all of {(request is null ? user!.Name : Short(request.Id))}",
            () => Revocations.RevokeNamed(ca, Root, request is null ? new RevokeCertificates(User: user!.Name) : new RevokeCertificates(Request: request.Id)),
            () =>
            {
                rules.Revoke(one => request is null ? rules.Certificates.Contains(one) && NameOf(one) == user!.Name : one.Requests.Contains(request.Id));
                return true;
            });
    }

    // By name, as certificates record it: whoever had the name before is meant too.
    private readonly Dictionary<int, string> names = [];

    private string? NameOf(ModelCertificate one)
    {
        foreach (var user in rules.Users.Values)
            names[user.Id] = user.Name;
        return names.GetValueOrDefault(one.User);
    }

    // ---- The machine ----

    private Step Directory()
    {
        switch (dice.Throw(4))
        {
            case 0:
                var outage = machine.Outage == Outage.None ? dice.Of(Outage.GroupHidden, Outage.AccountsHidden, Outage.Failing) : Outage.None;
                machine.Outage = outage;
                return Look($"the directory: {outage}");
            case 1:
                var (group, account) = (dice.Of(machine.Groups.Keys.ToList()), dice.Of(GroupAccounts));
                if (!machine.Groups[group].Remove(account))
                    machine.Groups[group].Add(account);
                return Look($"the group {group} has now {string.Join(',', machine.Groups[group])}");
            case 2:
                var (moved, uid) = (dice.Of(Accounts), (uint)(1001 + dice.Throw(7)));
                machine.Accounts[moved] = uid;
                return Look($"the account {moved} has now the uid {uid}");
            default:
                return Look("nothing happens in the directory");
        }
    }

    private Step Look(string what) => Look(what, looks: dice.OneIn(2));

    private Step Look(string what, bool looks) =>
        new(
            looks ? $"{what}, and the daemon looks" : what,
            () => looks ? GroupUsers.Review(ca, CancellationToken.None) : Task.CompletedTask,
            () =>
            {
                if (looks)
                    rules.LookAtAll();
                return true;
            });

    private Step PassTime()
    {
        var seconds = dice.Of(30, 600, 3600, 4 * 3600, 26 * 3600, 8 * 86400);
        machine.Pass(seconds);
        return new($"{seconds} s go by", () => Task.CompletedTask, () => true);
    }

    private Step SetClock()
    {
        if (machine.IsStepped && !dice.OneIn(6))
        {
            if (dice.OneIn(2))
                return new("root accepts the clock", () => Clocks.Accept(ca, Root, new AcceptClock()), () =>
                {
                    rules.ClockIsSet();
                    machine.Accept();
                    return true;
                });
            machine.Set(machine.Expected - machine.Shown);
            return new("the clock agrees again", () => Task.CompletedTask, () => true);
        }
        var seconds = dice.Of(-90_000, -7200, -1800, -301, 301, 1800, 7200, 90_000);
        return new(
            $"the clock is set by {seconds} s",
            () =>
            {
                machine.Set(seconds);
                return Task.CompletedTask;
            },
            () =>
            {
                rules.ClockIsSet();
                return true;
            });
    }

    private Step Restart()
    {
        var off = dice.OneIn(3) ? dice.Of(-7200, 600, 90_000) : (int?)null;
        machine.Remembered = machine.Expected;
        return new(
            off is null ? "the daemon starts again" : $"the machine boots again, {off} s later by its clock",
            async () =>
            {
                // As it does every minute.
                await Clocks.Remember(ca);
                var (limits, groups) = (rules.Limits, rules.RolesOfGroups.ToDictionary());
                await Stop();
                if (off is { } seconds)
                    machine.Reboot(seconds);
                await Start();
                ca = With(ca, limits, groups);
                await GroupUsers.Reconfigure(ca);
            },
            () =>
            {
                rules.ClockIsSet();
                rules.Configure(rules.Limits, rules.RolesOfGroups.ToList());
                return true;
            });
    }

    // ---- The daemon ----
}
