using System.Collections.Immutable;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>What a requester asks of the times of a request; what is null is left to the roles and the site.</summary>
/// <param name="SessionTtl">The longest certificate under it.</param>
/// <param name="RequestTtl">How long it waits for an answer.</param>
/// <param name="MaxDuration">How long the access lasts.</param>
/// <param name="AssumeFrom">When the access begins.</param>
public sealed record AccessWishes(
    TimeSpan? SessionTtl = null, TimeSpan? RequestTtl = null, TimeSpan? MaxDuration = null, DateTimeOffset? AssumeFrom = null)
{
    /// <summary>Asks for nothing.</summary>
    public static readonly AccessWishes None = new();
}

/// <summary>Every end of a request, computed here and nowhere else.</summary>
/// <param name="Terms">What they follow from.</param>
/// <param name="PendingUntil">When it is too late for an answer.</param>
/// <param name="AccessUntil">When the access ends; with the clock at approval and before it, the latest that this can be.</param>
public sealed record AccessWindow(AccessTerms Terms, DateTimeOffset PendingUntil, DateTimeOffset AccessUntil)
{
    /// <summary>
    /// The window of a request that is filed now. What is more than a role allows is shortened, and said; what is more than the site allows
    /// is refused.
    /// </summary>
    /// <param name="now">The instant of filing.</param>
    /// <param name="asked">The roles asked for.</param>
    /// <param name="assigned">The roles of the requester.</param>
    /// <param name="wishes">What the requester says about times.</param>
    /// <param name="limits">The bounds of the site.</param>
    /// <param name="kind">What kind of request it is: by it the requester's roles speak of it.</param>
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
    /// The window of a request that is approved now: computed again over the roles that are granted, and never longer than when it was
    /// filed.
    /// </summary>
    /// <param name="request">The request as it was filed.</param>
    /// <param name="now">The instant of the approval.</param>
    /// <param name="granted">The roles granted.</param>
    /// <param name="assigned">The roles of the requester.</param>
    /// <param name="limits">The bounds of the site.</param>
    public static Outcome<AccessWindow> Approve(
        AccessRequest request, DateTimeOffset now, IReadOnlyList<Role> granted, IReadOnlyList<Role> assigned, SiteLimits limits)
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
        var until = (terms.Clock == RequestClock.Creation ? request.Created : now) + terms.Lasts;
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
        return new AccessWindow(terms, request.PendingUntil, until);
    }

    /// <summary>
    /// An approved request, measured again by the roles and the limits of today, from the instants at which it was filed and approved: it
    /// never lasts longer than before. What it rests on otherwise is asked for at each use.
    /// </summary>
    /// <param name="request">The request, approved.</param>
    /// <param name="user">Its user as they are now.</param>
    /// <param name="roles">Every role that exists now, with those that it grants unchanged.</param>
    /// <param name="limits">The bounds of the site.</param>
    /// <returns>The request, with an earlier end where that is what today's policy would have granted.</returns>
    public static AccessRequest Again(AccessRequest request, User user, IReadOnlyDictionary<string, Role> roles, SiteLimits limits)
    {
        if (request.Resolution is not { } approval)
            return request;
        // As roles counted then: that one has run out since is no change of policy.
        var assigned = user.AssignedAt(approval.At, roles);
        // A request that its user may not make any more opens nothing. It is not measured, for it opens something again once they may.
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

    // The clock starts at the approval only where every role that lets the requester ask says so.
    private static RequestClock Clock(IReadOnlyList<Role> asked, IReadOnlyList<Role> assigned, RequestKind kind) =>
        assigned.Where(role => asked.Any(one => role.Allow.LetsRequest(one.Name, kind)))
            .All(role => role.Allow.RequestClock == RequestClock.Approval) ? RequestClock.Approval : RequestClock.Creation;

    /// <summary>
    /// How long access to all of the roles lasts: for each, the most generous max_duration that applies, else its session; of these the
    /// shortest.
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

    /// <summary>Why an access may not begin at an instant: it is over, too far away, or not before the access ends.</summary>
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
