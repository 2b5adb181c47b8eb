using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What holds for the ends of every request, whatever the roles say and whatever is asked for.</summary>
public class AccessWindowProperties
{
    private static readonly Config Often = Config.QuickThrowOnFailure.WithMaxTest(500);

    // From nothing to far more than any limit, and around the site's.
    private static readonly Gen<TimeSpan?> Length = Gen.Frequency(
        (2, Gen.Constant<TimeSpan?>(null)),
        (6, Gen.Choose(1, 200_000).Select(seconds => (TimeSpan?)TimeSpan.FromSeconds(seconds))),
        (2, Gen.Choose(1, 20).Select(days => (TimeSpan?)TimeSpan.FromDays(days))),
        (1, Gen.Elements<TimeSpan?>(TimeSpan.Zero, TimeSpan.FromDays(36500), TimeSpan.MaxValue)));

    private static readonly Gen<TimeSpan?> OfRole = Length.Where(length => length is null || (length > TimeSpan.Zero && length <= TimeSpan.FromDays(36500)));

    private static readonly Gen<Role> Asked =
        from name in Gen.Elements("a", "b", "c") from ttl in OfRole select Sample.Role(name, ttl: ttl);

    private static readonly Gen<Role> Asker =
        from lets in Gen.Elements("*", "a", "b", "c")
        from duration in OfRole
        from clock in Gen.Elements(RequestClock.Creation, RequestClock.Approval)
        select With(Sample.Role("asker", mayRequest: [lets]), duration, clock);

    private static readonly Gen<AccessWishes> Wishes =
        from session in Length
        from request in Length
        from duration in Length
        from ahead in Gen.Frequency((3, Gen.Constant<int?>(null)), (1, Gen.Choose(-10, 700_000).Select(seconds => (int?)seconds)))
        select new AccessWishes(session, request, duration, ahead is { } seconds ? Sample.Now.AddSeconds(seconds) : null);

    private static readonly Gen<Case> Cases =
        from asked in Some(Asked)
        from assigned in Some(Asker)
        from wishes in Wishes
        from instead in Some(Asked)
        from after in Gen.Choose(0, 700_000)
        select new Case([.. asked.DistinctBy(role => role.Name)], assigned, wishes, [.. instead.DistinctBy(role => role.Name)], Sample.Now.AddSeconds(after));

    [Fact]
    public void No_end_exceeds_any_of_its_limits() => Prop.ForAll(Cases.ToArbitrary(), one =>
    {
        var site = SiteLimits.Default;
        var (wishes, beyond) = (one.Wishes, Beyond(one.Wishes));
        if (!File(one).Holds(out var window, out var refusal))
            return beyond || wishes.AssumeFrom is not null;
        var (terms, pending) = (window.Terms, window.PendingUntil - Sample.Now);
        return !beyond
            && terms.Lasts > TimeSpan.Zero && terms.Lasts <= site.Access && !(terms.Lasts > wishes.MaxDuration)
            && pending > TimeSpan.Zero && pending <= site.PendingRequest && !(pending > wishes.RequestTtl)
            && (terms.Clock == RequestClock.Approval || (window.AccessUntil == Sample.Now + terms.Lasts && pending <= terms.Lasts))
            && (one.Assigned.Any(role => role.Allow.MaxRequestDuration is not null) || one.Asked.All(role => !(terms.Lasts > role.Options.MaxSessionTtl) && !(terms.Lasts > wishes.SessionTtl)))
            && !(terms.SessionTtl > wishes.SessionTtl) && !(terms.SessionTtl > site.Certificate) && one.Asked.All(role => !(terms.SessionTtl > role.Options.MaxSessionTtl))
            && !(wishes.AssumeFrom < Sample.Now) && !(wishes.AssumeFrom >= window.AccessUntil) && !(wishes.AssumeFrom > Sample.Now + site.AssumeAhead);
    }).Check(Often);

    [Fact]
    public void Every_shortening_and_nothing_else_is_reported() => Prop.ForAll(Cases.ToArbitrary(), one =>
    {
        if (!File(one).Holds(out var window, out _))
            return true;
        var (wishes, terms) = (one.Wishes, window.Terms);
        return Said("the session ttl", terms.SessionTtl < wishes.SessionTtl)
            && Said("the max duration", terms.Lasts < wishes.MaxDuration)
            && Said("the request ttl", window.PendingUntil - Sample.Now < wishes.RequestTtl)
            && terms.Shortened.All(said => said.Contains(", limited by ", StringComparison.Ordinal));

        bool Said(string name, bool isShorter) => terms.Shortened.Count(said => said.StartsWith($"{name} ", StringComparison.Ordinal)) == (isShorter ? 1 : 0);
    }).Check(Often);

    [Fact]
    public void Override_never_ends_later_and_reports_an_earlier_end() => Prop.ForAll(Cases.ToArbitrary(), one =>
    {
        if (!File(one).Holds(out var filed, out _) || one.At >= filed.PendingUntil)
            return true;
        var request = Sample.Request(Sample.User("alice"), RequestState.Pending, one.Asked) with
        {
            Created = Sample.Now,
            PendingUntil = filed.PendingUntil,
            AccessUntil = filed.AccessUntil,
            Terms = filed.Terms,
        };
        if (!AccessWindow.Approve(request, one.At, one.Instead, one.Assigned, SiteLimits.Default).Holds(out var approved, out _))
            return true;
        var asFiled = (filed.Terms.Clock == RequestClock.Creation ? Sample.Now : one.At) + filed.Terms.Lasts;
        return approved.AccessUntil <= asFiled && approved.AccessUntil <= filed.AccessUntil && approved.AccessUntil > one.At
            && !(approved.AccessUntil <= approved.Terms.AssumeFrom)
            && (approved.Terms.Shortened.Length > filed.Terms.Shortened.Length) == (approved.AccessUntil < asFiled);
    }).Check(Often);

    private static Outcome<AccessWindow> File(Case one) => AccessWindow.File(Sample.Now, one.Asked, one.Assigned, one.Wishes, SiteLimits.Default);

    private static bool Beyond(AccessWishes wishes) =>
        Of(wishes.SessionTtl, SiteLimits.Default.Certificate) || Of(wishes.RequestTtl, SiteLimits.Default.PendingRequest) || Of(wishes.MaxDuration, SiteLimits.Default.Access);

    private static bool Of(TimeSpan? wish, TimeSpan limit) => wish <= TimeSpan.Zero || wish > limit;

    private static Role With(Role role, TimeSpan? duration, RequestClock clock) => role with { Allow = role.Allow with { MaxRequestDuration = duration, RequestClock = clock } };

    private static Gen<T[]> Some<T>(Gen<T> one) => Gen.Choose(1, 3).SelectMany(count => one.ArrayOf(count));

    private sealed record Case(Role[] Asked, Role[] Assigned, AccessWishes Wishes, Role[] Instead, DateTimeOffset At);
}
