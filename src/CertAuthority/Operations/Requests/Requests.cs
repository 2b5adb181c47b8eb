using CertAuthority.Access.Notices;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Files, reads and waits for requests.</summary>
internal static class Requests
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(25);

    public static Task<RequestResource> Create(Authority ca, Caller by, CreateRequest ask) =>
        File(ca, by, transaction => transaction.ActingUser(by, ask.User), ask);

    /// <summary>
    /// Files a request for another user. The administrator who files it counts as a requester, so another administrator must approve it.
    /// </summary>
    public static Task<RequestResource> CreateFor(Authority ca, Administrator by, CreateRequestFor ask) =>
        File(
            ca, by.Caller, transaction => HeldRoles.Find(transaction, ask.User),
            new CreateRequest(ask.Roles, ask.User, ask.Reason, ask.Reviewers, Resources: ask.Resources, Force: ask.Force,
                IdempotencyKey: ask.IdempotencyKey));

    /// <summary>Shows what would be filed, without filing it.</summary>
    public static Task<RequestPlan> Plan(Authority ca, Caller by, CreateRequest ask)
    {
        var (now, wishes) = (ca.Now(), Wishes(ask));
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var user = snapshot.ActingUser(by, ask.User);
            var draft = Requesting.Draft(
                Question(ca, snapshot, by, user, ask, Guid.Empty, wishes, People.Strangers, now)).OrRefuse();
            var persons = Persons.Last(ca, snapshot);
            var spec = Filed(ca, persons, draft.Request, ask, now).Spec;
            if (draft.Duplicate is { } duplicate)
                spec = spec with { Warnings = [.. spec.Warnings ?? [], duplicate.Message] };
            return new RequestPlan(
                spec, [.. draft.ReasonPrompts], draft.ReasonRequired?.Message, Facts.Of(ca, persons, draft.Request, FactsWish.Notice, now));
        }));
    }

    public static Task<Capabilities> Capabilities(Authority ca, Administrator by, GetCapabilities ask) =>
        Task.FromResult(new Capabilities(ca.Database.Read(snapshot =>
            RequestRights.Requestable(
                HeldRoles.Find(snapshot, ask.Name), snapshot.Policy().Roles, ca.Now(), snapshot.Policy().LocksAt(ca.Now())).ToArray())));

    /// <summary>
    /// Shows what the user that the caller acts as can do. A caller who owns several users gets their names and can choose.
    /// </summary>
    public static Task<MyCapabilities> MyCapabilities(Authority ca, Caller by, GetMyCapabilities ask) =>
        Task.FromResult(ca.Database.Read(snapshot =>
    {
        var own = snapshot.UsersOf(by.Identity);
        string[] names = [.. own.Select(user => user.Name)];
        var verdict = by.Identity.ActAs(own, ask.User);
        if (!verdict.Holds(out var acting, out _) && ask.User is null && own.Count > 1)
            return new MyCapabilities(names, []);
        var user = acting ?? verdict.OrRefuse();
        var roles = snapshot.Policy().Roles;
        string[] requestable = [.. RequestRights.Requestable(user, roles, ca.Now(), snapshot.Policy().LocksAt(ca.Now()))];
        var descriptions = requestable.Select(name => roles[name]).Where(role => role.Description.Length > 0)
            .ToDictionary(role => role.Name, role => role.Description);
        return new MyCapabilities(names, requestable, user.Name, descriptions.Count == 0 ? null : descriptions);
    }));

    private static RequestQuestion Question(
        Authority ca, Snapshot snapshot, Caller by, User user, CreateRequest ask, Guid id, AccessWishes wishes, People people,
        DateTimeOffset now) =>
        new(
            id, now, user, by.Identity.Uid, [.. ask.Roles ?? []], ask.Reason, [.. ask.Reviewers ?? []], snapshot.Policy().Roles,
            snapshot.PendingRequestsOf(user.Id, now), ca.Limits, by.Login?.Uid)
        {
            // Root could lift the limits.
            Filed = by.IsRoot
                ? default
                : (snapshot.CountFiled(user, now - TimeSpan.FromMinutes(1)), snapshot.CountFiled(user, now - TimeSpan.FromDays(1))),
            Force = ask.Force,
            Resources = [.. ask.Resources ?? []],
            Nodes = snapshot.Policy().EveryNode,
            Wishes = wishes,
            Locks = snapshot.Policy().LocksAt(now),
            UserUids = people.UidsOf(Alias.User(user.Id)),
            PersonsUsers = people.UsersOf(Alias.User(user.Id)),
        };

    private static async Task<RequestResource> File(Authority ca, Caller by, Func<Snapshot, User> find, CreateRequest ask)
    {
        var (now, wishes) = (ca.NowToGrant(), Wishes(ask));
        var id = Guid.NewGuid();
        Problems.ExpectKey(ask.IdempotencyKey);
        var accounts = await Persons.Ask(ca, snapshot => [Alias.User(find(snapshot).Id)]);
        var (filed, shown) = await ca.Database.Commit(transaction =>
        {
            var (user, persons) = (find(transaction), new Persons(transaction, accounts));
            if (ask.IdempotencyKey is { } key && AlreadyFiled(transaction, by, key, ask) is { } before)
                return (before, Filed(ca, persons, before, ask, now));
            // From now on, anyone who is the same person as the requester counts as the requester of this request, even if users and
            // accounts change later.
            var people = persons.Behind([Alias.User(user.Id)]);
            var request = Requesting.File(Question(ca, transaction, by, user, ask, id, wishes, people, now)).OrRefuse();
            transaction.InsertRequest(request);
            if (ask.IdempotencyKey is not null)
                transaction.InsertCall(
                    new RecordedCall(by.Identity.Uid, ask.IdempotencyKey, RecordedCall.DigestOf(ask)) { Request = id }, now);
            transaction.Tell(
                by, NoticeEvents.Created, request, now,
                () => persons.Show(request, now) with { Facts = Facts.Of(ca, persons, request, FactsWish.Notice, now) });
            transaction.Audit(by.Did(AuditEvents.RequestCreated, now) with
            {
                User = user.Name,
                Request = id.ToString(),
                State = RequestTransitions.Word(request.StoredState),
                Asked = Shown.Names(request.Roles),
                Resources = Shown.Names(request.Resources),
                Reason = request.Reason,
            });
            return (request, Filed(ca, persons, request, ask, now));
        });
        return shown with { Facts = Facts.AfterCommit(ca, accounts, filed, now) };
    }

    /// <summary>Returns the request that the same call has filed before; null for a new call.</summary>
    private static AccessRequest? AlreadyFiled(Transaction transaction, Caller by, string key, CreateRequest ask)
    {
        if (transaction.Ask(CallTable.CallWith(by.Identity.Uid, key)) is not [var call])
            return null;
        if (call.Request is not { } id || !call.Digest.AsSpan().SequenceEqual(RecordedCall.DigestOf(ask)))
            throw new ProblemException(new Problem(
                ProblemCode.Conflict, "another call had this idempotency_key", "use a new random one for each call"));
        return transaction.FindRequest(id)
            ?? throw new ProblemException(new Problem(ProblemCode.Conflict, "the request of this call was filed, and removed since"));
    }

    /// <summary>
    /// Shows a request to the user who files it, with warnings about named reviewers who cannot review it. Reviewers that a role suggests
    /// cause no warnings, because the requester cannot change them.
    /// </summary>
    private static RequestResource Filed(Authority ca, Persons persons, AccessRequest request, CreateRequest ask, DateTimeOffset now)
    {
        var (shown, snapshot) = (persons.Show(request, now), persons.Snapshot);
        // An administrator answers through the administrators' routes, whatever their roles are.
        var named = (ask.Reviewers ?? []).Where(name => !ca.PrivilegedLogins.Contains(name)).ToList();
        var warnings = named is []
            ? []
            : Reviewing.CannotReview(request, named, Facts.Candidates(snapshot, request, named), snapshot.Policy().Roles, now).ToList();
        if (snapshot.Receivers().Exists(receiver => receiver.IsPersonal) && snapshot.MailsTooMuch(request))
            warnings.Add(
                $"reviewers get no mail about it, because the requests of {request.UserName} within a day would mail more than {Notifications.MostMailed} of them; tell them yourself");
        return warnings is [] ? shown : shown with { Spec = shown.Spec with { Warnings = [.. warnings] } };
    }

    private static AccessWishes Wishes(CreateRequest ask)
    {
        return new AccessWishes(
            Problems.DurationIfAny("session_ttl", ask.SessionTtl), Problems.DurationIfAny("request_ttl", ask.RequestTtl),
            Problems.DurationIfAny("max_duration", ask.MaxDuration),
            ask.AssumeStartTime is { } from ? Problems.Instant("assume_start_time", from) : null);
    }

    public static Task<RequestList> ListMine(Authority ca, Caller by, ListMyRequests ask)
    {
        if (ask.Show is not (null or RequestViews.Mine or RequestViews.Reviewable or RequestViews.Reviewed or RequestViews.Suggested))
            throw Problems.InvalidField("show", $"takes mine, reviewable, reviewed or suggested, not \"{ask.Show}\"");
        var now = ca.Now();
        var filter = RequestLists.Filter(ask.State, ask.Role, ask.Since, now);
        var (size, after) = (Pages.Size(ask.Limit), Pages.BehindRequest(ask.After));
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var persons = Persons.Last(ca, snapshot);
            filter = filter with { Node = RequestLists.Concerning(snapshot, ask.Node), Requester = ask.Requester };
            var found = ask.Show is null or RequestViews.Mine
                ? snapshot.RequestsOf(snapshot.ActingUser(by, ask.User), filter, now, size + 1, after)
                : Reviews.Find(persons, by, ask, filter, size + 1, after, ca.Limits, now);
            var (page, next) = Pages.Cut(found, size, request => RequestPlace.From(request, RequestOrder.Created, now).ToString());
            return new RequestList(
                persons.ShowAll(page, now), next,
                ask.CountReviewable ? Reviews.CountAwaiting(persons, by, ask.User, ca.Limits, now) : null);
        }));
    }

    public static Task<RequestResource> Get(Authority ca, Administrator by, GetRequest ask)
    {
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var (request, persons) = (snapshot.FindRequest(ask.Id, null), Persons.Last(ca, snapshot));
            return persons.Show(request, now) with
            {
                Facts = ask.Facts
                    ? Facts.Of(
                        ca, persons, request,
                        new FactsWish(
                            by.Caller, null, FactsWish.Roles(ask.Roles), Problems.DurationIfAny("max_duration", ask.MaxDuration),
                            ask.AllHosts), now)
                    : null,
            };
        }));
    }

    /// <summary>
    /// Returns a request that the caller may see. With <c>wait</c>, it returns when the revision is greater than <c>after</c>, when time
    /// changes the state, or when the wait is over.
    /// </summary>
    public static async Task<RequestResource> GetMine(Authority ca, Caller by, GetMyRequest ask)
    {
        var wait = ask.Wait is null ? TimeSpan.Zero : Problems.Duration("wait", ask.Wait);
        var until = ca.Clock.GetUtcNow() + (wait < LongestWait ? wait : LongestWait);
        var look = Look(ca, by, ask, until);
        // The first look resolves the prefix; later looks must not find another request that now has the same prefix.
        ask = ask with { Id = look.Id.ToString() };
        while (look.Shown is null)
        {
            using var waiter = ca.Watch.Join(look.Id);
            look = Look(ca, by, ask, until, isLast: waiter.Change.IsCompleted);
            var left = look.Wake - ca.Clock.GetUtcNow();
            if (look.Shown is null && left > TimeSpan.Zero)
                await Task.WhenAny(waiter.Change, Task.Delay(left, ca.Clock));
        }
        return look.Shown;
    }

    /// <summary>Finds a request and shows it, unless its caller goes on waiting: then the instant says for how long at most.</summary>
    private static (Guid Id, RequestResource? Shown, DateTimeOffset Wake) Look(
        Authority ca, Caller by, GetMyRequest ask, DateTimeOffset until, bool isLast = false)
    {
        var now = ca.Now();
        return ca.Database.Read(snapshot =>
        {
            var request = Reviews.FindVisible(snapshot, ask.Id, Reviews.Voter(snapshot, by, ask.User, now));
            // A pending request that expires wakes its waiters too, although nothing is stored then.
            var wake = request.StoredState == RequestState.Pending && request.PendingUntil < until ? request.PendingUntil : until;
            if (!isLast && request.Revision <= (ask.After ?? 0) && ca.Clock.GetUtcNow() < wake)
                return (request.Id, (RequestResource?)null, wake);
            var persons = Persons.Last(ca, snapshot);
            var facts = ask.Facts ? FactsFor(ca, persons, request, by, ask, now) : null;
            return (request.Id, persons.Show(request, now) with { Facts = facts }, wake);
        });
    }

    private static RequestFacts? FactsFor(
        Authority ca, Persons persons, AccessRequest request, Caller by, GetMyRequest ask, DateTimeOffset now)
    {
        var some = FactsWish.Roles(ask.Roles);
        if (!some.IsDefault && Reviewing.NotAskedFor(request, some) is { } refusal)
            throw Problems.Refused(refusal);
        return Facts.Of(
            ca, persons, request,
            new FactsWish(
                by, persons.Snapshot.ActingUser(by, ask.User), some, Problems.DurationIfAny("max_duration", ask.MaxDuration), ask.AllHosts),
            now);
    }
}
