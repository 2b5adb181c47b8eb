using System.Collections.Immutable;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>The times that a requester asks for; a null value is left to the roles and the site.</summary>
/// <param name="SessionTtl">The longest certificate under the request.</param>
/// <param name="RequestTtl">How long the request waits for an answer.</param>
/// <param name="MaxDuration">How long the access lasts.</param>
/// <param name="AssumeFrom">When the access begins.</param>
public sealed record AccessWishes(
    TimeSpan? SessionTtl = null, TimeSpan? RequestTtl = null, TimeSpan? MaxDuration = null, DateTimeOffset? AssumeFrom = null)
{
    /// <summary>No wishes.</summary>
    public static readonly AccessWishes None = new();
}

/// <summary>A limit on an access that whoever approves it sets.</summary>
/// <param name="AtMost">How long the access lasts at most from its start.</param>
/// <param name="By">Whose limit it is: <c>the review of bob</c>.</param>
public sealed record AccessLimit(TimeSpan AtMost, string By);

/// <summary>The ends of a request; no other code computes them.</summary>
/// <param name="Terms">The terms that they follow from.</param>
/// <param name="PendingUntil">When the request can no longer be answered.</param>
/// <param name="AccessUntil">When the access ends. If the clock starts at the approval, the latest possible end until then.</param>
public sealed record AccessWindow(AccessTerms Terms, DateTimeOffset PendingUntil, DateTimeOffset AccessUntil)
{
    /// <summary>
    /// Computes the window of a request that is filed now. A time beyond a role's limit is shortened, with a sentence that says so; a time
    /// beyond the site's limit is refused.
    /// </summary>
    /// <param name="now">The instant of filing.</param>
    /// <param name="asked">The requested roles.</param>
    /// <param name="assigned">The assigned roles of the requester.</param>
    /// <param name="wishes">The times that the requester asks for.</param>
    /// <param name="limits">The limits of the site.</param>
    /// <param name="kind">The kind of request, which selects the requester's rules.</param>
    public static Outcome<AccessWindow> File(
        DateTimeOffset now, IReadOnlyList<Role> asked, IReadOnlyList<Role> assigned, AccessWishes wishes, SiteLimits limits,
        RequestKind kind = RequestKind.Roles)
    {
        if ((Durations.Beyond("session_ttl", wishes.SessionTtl, limits.Certificate)
             ?? Durations.Beyond("request_ttl", wishes.RequestTtl, limits.PendingRequest)
             ?? Durations.Beyond("max_duration", wishes.MaxDuration, limits.Access)) is { } beyond)
            return beyond;

        var shortened = ImmutableArray.CreateBuilder<string>();
        var session = Within(
            asked.Select(role => Session(role, null, limits)).MinBy(bound => bound.Lasts), "the session ttl", wishes.SessionTtl);
        TimeSpan? sessionTtl = wishes.SessionTtl is null ? null : session.Lasts;
        var access = Within(Access(asked, assigned, kind, sessionTtl, limits), "the max duration", wishes.MaxDuration);
        var clock = Clock(asked, assigned, kind);
        var pending = new Bound(limits.PendingRequest, "the site's maximum");
        if (clock == RequestClock.Creation)
            pending = pending.Or(access.Lasts, access.Rule);
        pending = Within(pending, "the request ttl", wishes.RequestTtl);

        var pendingUntil = now + pending.Lasts;
        var accessUntil = (clock == RequestClock.Creation ? now : pendingUntil) + access.Lasts;
        if (wishes.AssumeFrom is { } from && TooEarlyOrLate(from, now, accessUntil, limits) is { } refusal)
            return refusal;
        return new AccessWindow(
            new AccessTerms(access.Lasts, access.Rule, clock, sessionTtl, wishes.AssumeFrom, shortened.ToImmutable()), pendingUntil,
            accessUntil);

        Bound Within(Bound bound, string name, TimeSpan? wish)
        {
            if (wish > bound.Lasts)
                shortened.Add(
                    $"{name} of {Durations.Show(wish.Value)} is shortened to {Durations.Show(bound.Lasts)}, limited by {bound.Rule}");
            return wish is { } shorter ? bound.Or(shorter, name) : bound;
        }
    }

    /// <summary>
    /// Computes the window of a request that is approved now, again from the granted roles. It is never longer than at filing.
    /// </summary>
    /// <param name="request">The request as it was filed.</param>
    /// <param name="now">The instant of the approval.</param>
    /// <param name="granted">The roles granted.</param>
    /// <param name="assigned">The assigned roles of the requester.</param>
    /// <param name="limits">The limits of the site.</param>
    /// <param name="limit">The limit that whoever approves it sets; null for none.</param>
    public static Outcome<AccessWindow> Approve(
        AccessRequest request, DateTimeOffset now, IReadOnlyList<Role> granted, IReadOnlyList<Role> assigned, SiteLimits limits,
        AccessLimit? limit = null)
    {
        var terms = request.Terms;
        var access = Access(granted, assigned, request.Kind, terms.SessionTtl, limits);
        if (access.Lasts < terms.Lasts)
            terms = terms with
            {
                Lasts = access.Lasts,
                LimitedBy = access.Rule,
                Shortened = terms.Shortened.Add(
                    $"the access lasts {Durations.Show(access.Lasts)} instead of {Durations.Show(terms.Lasts)}, limited by {access.Rule}"),
            };
        var counted = terms.Clock == RequestClock.Creation ? request.Created : now;
        var until = counted + terms.Lasts;
        if (until > request.AccessUntil)
            until = request.AccessUntil;
        if (until <= now)
            return new Refusal(
                $"the access would be over already: it counts from the request, and these roles grant {Durations.Show(terms.Lasts)}",
                "let the requester ask again", RefusalKind.Conflict);
        if (until <= terms.AssumeFrom)
            return new Refusal(
                $"the access would be over before it can be assumed at {Instants.Show(terms.AssumeFrom.Value)}",
                terms.Clock == RequestClock.Approval
                    ? $"it lasts {Durations.Show(terms.Lasts)} from the approval: approve it later"
                    : "let the requester ask again",
                RefusalKind.Conflict);
        // Whoever sets a limit reads the clock from when the access can be used, not from when it was asked for.
        var begins = terms.AssumeFrom > now ? terms.AssumeFrom.Value : now;
        if (limit is not null && until - begins > limit.AtMost)
        {
            var shortened =
                $"the access lasts {Durations.Show(limit.AtMost)} instead of {Durations.Show(until - begins)}, limited by {limit.By}";
            until = begins + limit.AtMost;
            terms = terms with { Lasts = until - counted, LimitedBy = limit.By, Shortened = terms.Shortened.Add(shortened) };
        }
        return new AccessWindow(terms, request.PendingUntil, until);
    }

    /// <summary>
    /// Returns why an approval cannot limit a request to a duration: it is zero or less, or longer than the request has already.
    /// </summary>
    internal static Refusal? NotLess(AccessRequest request, TimeSpan? atMost) =>
        atMost <= TimeSpan.Zero ? Refusal.Of("max_duration", "must be greater than zero")
        : atMost > request.Terms.Lasts
            ? Refusal.Of(
                "max_duration",
                $"{Durations.Show(atMost.Value)} is more than the {Durations.Show(request.Terms.Lasts)} that the request has; an approval can only shorten it")
            : null;

    /// <summary>
    /// Computes the end of an approved request again, by today's roles and limits, from the instants at which it was filed and approved; it
    /// never lasts longer than before. Its other preconditions are checked at each use.
    /// </summary>
    /// <param name="request">The approved request.</param>
    /// <param name="user">Its user as they are now.</param>
    /// <param name="roles">Every role that exists now, with those that it grants unchanged.</param>
    /// <param name="limits">The limits of the site.</param>
    /// <returns>The request, with an earlier end if today's policy would have granted less.</returns>
    public static AccessRequest Again(AccessRequest request, User user, IReadOnlyDictionary<string, Role> roles, SiteLimits limits)
    {
        if (request.Resolution is not { } approval)
            return request;
        // Uses the roles as they counted at that time: a role that has expired since is not a change of policy.
        var assigned = user.AssignedAt(approval.At, roles);
        // A request that its user may no longer make opens nothing. Its end is not computed, because it opens something again once they
        // may.
        if (request.Roles.Any(asked => !RequestRights.MayRequest(assigned, asked.Name, request.Kind)))
            return request;
        var terms = request.Terms;
        var access = Access(request.GrantedRoles.Select(granted => roles[granted.Name]), assigned, request.Kind, terms.SessionTtl, limits);
        if (access.Lasts >= terms.Lasts)
            return request;
        var until = (terms.Clock == RequestClock.Creation ? request.Created : approval.At) + access.Lasts;
        return until >= request.AccessUntil ? request : request with
        {
            AccessUntil = until,
            Terms = terms with
            {
                Lasts = access.Lasts,
                LimitedBy = access.Rule,
                Shortened = terms.Shortened.Add(
                    $"the access lasts {Durations.Show(access.Lasts)} instead of {Durations.Show(terms.Lasts)}, limited by {access.Rule}"),
            },
        };
    }

    // The clock starts at the approval only if every role that allows the request says so.
    private static RequestClock Clock(IReadOnlyList<Role> asked, IReadOnlyList<Role> assigned, RequestKind kind) =>
        assigned.Where(role => asked.Any(one => role.Allow.LetsRequest(one.Name, kind)))
            .All(role => role.Allow.RequestClock == RequestClock.Approval) ? RequestClock.Approval : RequestClock.Creation;

    /// <summary>
    /// Computes how long access to all of the roles lasts: for each role, the most generous max_duration that applies, otherwise its
    /// session; the shortest of these counts.
    /// </summary>
    private static Bound Access(
        IEnumerable<Role> roles, IReadOnlyList<Role> assigned, RequestKind kind, TimeSpan? sessionTtl, SiteLimits limits) =>
        roles.Select(
            role =>
                assigned.Where(by => by.Allow.MaxRequestDuration is not null && by.Allow.LetsRequest(role.Name, kind))
                    .MaxBy(by => by.Allow.MaxRequestDuration) is { } generous
                ? new Bound(generous.Allow.MaxRequestDuration!.Value, $"role {generous.Name}")
                : Session(role, sessionTtl, limits))
            .Append(new Bound(limits.Access, "the site's maximum for access"))
            .MinBy(bound => bound.Lasts);

    private static Bound Session(Role role, TimeSpan? sessionTtl, SiteLimits limits)
    {
        var bound = new Bound(limits.Certificate, "the site's maximum for certificates");
        if (role.Options.MaxSessionTtl is { } longest)
            bound = bound.Or(longest, $"role {role.Name}");
        return sessionTtl is { } wish ? bound.Or(wish, "the session ttl") : bound;
    }

    /// <summary>Returns why an access cannot begin at an instant: it is past, too far away, or not before the access ends.</summary>
    internal static Refusal? TooEarlyOrLate(DateTimeOffset from, DateTimeOffset now, DateTimeOffset accessUntil, SiteLimits limits)
    {
        if (from < now)
            return Wrong("over already");
        if (from - now > limits.AssumeAhead)
            return Wrong($"more than the site's maximum of {Durations.Show(limits.AssumeAhead)} away");
        return from >= accessUntil ? Wrong($"not before the access ends, at {Instants.Show(accessUntil)}") : null;

        Refusal Wrong(string why) => Refusal.Of("assume_start_time", $"{Instants.Show(from)} is {why}");
    }

    private readonly record struct Bound(TimeSpan Lasts, string Rule)
    {
        public Bound Or(TimeSpan other, string rule) => other < Lasts ? new Bound(other, rule) : this;
    }
}
