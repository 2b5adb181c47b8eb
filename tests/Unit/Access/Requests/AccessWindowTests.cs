using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>When a request ends, by which rule, and what is said about it.</summary>
public class AccessWindowTests
{
    private static readonly DateTimeOffset Now = Sample.Now;
    private static readonly Role Dba = Sample.Role("dba", ttl: Hours(1));
    private static readonly Role Support = Sample.Role("support", ttl: Hours(2));
    private static readonly Role Open = Sample.Role("open");

    public static readonly TheoryData<string> Windows = [.. Table.Keys];

    // What is asked for, by whose roles, with which wishes; how long access and wait are then, the rule, and what is said.
    private static Dictionary<string, (Role[] Asked, Role[] Assigned, AccessWishes Wishes, TimeSpan Access, TimeSpan Pending, string Rule, string[] Said)> Table => new()
    {
        ["the role's session"] = ([Dba], [Asker()], new(), Hours(1), Hours(1), "role dba", []),
        ["no role says anything"] = ([Open], [Asker()], new(), Hours(30), Hours(30), "the site's maximum for certificates", []),
        ["a role beyond the site"] = ([Open.Lasting(Days(365))], [Asker()], new(), Hours(30), Hours(30), "the site's maximum for certificates", []),
        ["the strictest of the roles asked for"] = ([Support, Dba], [Asker()], new(), Hours(1), Hours(1), "role dba", []),
        ["the requester's own sessions do not count"] = ([Support], [Asker().Lasting(Hours(1))], new(), Hours(2), Hours(2), "role support", []),

        ["a shorter session is asked for"] = ([Dba], [Asker()], new(SessionTtl: Minutes(30)), Minutes(30), Minutes(30), "the session ttl", []),
        ["as much session as the role grants"] = ([Dba], [Asker()], new(SessionTtl: Hours(1)), Hours(1), Hours(1), "role dba", []),
        ["more session than the role grants"] =
            ([Dba], [Asker()], new(SessionTtl: Hours(8)), Hours(1), Hours(1), "role dba", ["the session ttl of 8h is shortened to 1h, limited by role dba"]),

        ["a max_duration replaces the session"] = ([Dba], [Asker(Days(4))], new(), Days(4), Days(4), "role asker", []),
        ["a max_duration below the session"] = ([Dba], [Asker(Minutes(10))], new(), Minutes(10), Minutes(10), "role asker", []),
        ["of several max_durations the largest"] = ([Dba], [Asker(Hours(3)), Asker(Hours(5), "other"), Asker(Hours(4), "third")], new(), Hours(5), Hours(5), "role other", []),
        ["a max_duration of a role that allows another"] = ([Dba], [Asker(), Asker(Days(4), "other", lets: "support")], new(), Hours(1), Hours(1), "role dba", []),
        ["beside one without a max_duration, the one with it"] = ([Dba], [Asker(), Asker(Days(4), "other")], new(), Days(4), Days(4), "role other", []),
        ["over several roles the smallest max_duration"] =
            ([Dba, Support], [Asker(Days(4), lets: "dba"), Asker(Days(2), "other", lets: "support")], new(), Days(2), Days(2), "role other", []),
        ["a role without a max_duration counts as its session"] = ([Dba, Support], [Asker(Days(4), lets: "dba")], new(), Hours(2), Hours(2), "role support", []),
        ["and as its own, not another's"] = ([Dba, Support], [Asker(Hours(5), lets: "dba"), Asker(lets: "support")], new(), Hours(2), Hours(2), "role support", []),
        ["a max_duration beyond the site"] = ([Dba], [Asker(Days(36500))], new(), Days(14), Days(7), "the site's maximum for access", []),
        ["a session ttl does not shorten a max_duration"] = ([Dba], [Asker(Days(4))], new(SessionTtl: Minutes(5)), Days(4), Days(4), "role asker", []),
        ["but the session of a role without one"] = ([Dba, Support], [Asker(Days(4), lets: "dba")], new(SessionTtl: Minutes(5)), Minutes(5), Minutes(5), "the session ttl", []),

        ["less access is asked for"] = ([Dba], [Asker(Days(4))], new(MaxDuration: Days(1)), Days(1), Days(1), "the max duration", []),
        ["more access than the session"] =
            ([Dba], [Asker()], new(MaxDuration: Hours(5)), Hours(1), Hours(1), "role dba", ["the max duration of 5h is shortened to 1h, limited by role dba"]),
        ["more access than the max_duration"] =
            ([Dba], [Asker(Days(4))], new(MaxDuration: Days(14)), Days(4), Days(4), "role asker", ["the max duration of 14d is shortened to 4d, limited by role asker"]),
        ["more access than the session ttl"] =
            ([Dba], [Asker()], new(SessionTtl: Minutes(30), MaxDuration: Hours(1)), Minutes(30), Minutes(30), "the session ttl", ["the max duration of 1h is shortened to 30m, limited by the session ttl"]),
        ["more access than anybody limits"] =
            ([Open], [Asker()], new(MaxDuration: Days(14)), Hours(30), Hours(30), "the site's maximum for certificates", ["the max duration of 14d is shortened to 30h, limited by the site's maximum for certificates"]),

        ["a shorter wait is asked for"] = ([Dba], [Asker()], new(RequestTtl: Minutes(5)), Hours(1), Minutes(5), "role dba", []),
        ["a wait beyond the access"] =
            ([Dba], [Asker()], new(RequestTtl: Days(7)), Hours(1), Hours(1), "role dba", ["the request ttl of 7d is shortened to 1h, limited by role dba"]),
        ["a wait beyond the access that was asked for"] =
            ([Dba], [Asker()], new(RequestTtl: Hours(1), MaxDuration: Minutes(9)), Minutes(9), Minutes(9), "the max duration", ["the request ttl of 1h is shortened to 9m, limited by the max duration"]),
        ["everything is too much"] =
            ([Dba], [Asker()], new(Hours(2), Days(1), Days(2)), Hours(1), Hours(1), "role dba",
                [
                    "the session ttl of 2h is shortened to 1h, limited by role dba", "the max duration of 2d is shortened to 1h, limited by role dba",
                    "the request ttl of 24h is shortened to 1h, limited by role dba",
                ]),
    };

    [Theory]
    [MemberData(nameof(Windows))]
    public void Shortest_limit_ends_the_access_and_is_named(string situation)
    {
        var (asked, assigned, wishes, access, pending, rule, said) = Table[situation];
        var window = AccessWindow.File(Now, asked, assigned, wishes, SiteLimits.Default).Granted();
        Assert.Equal((access, rule, RequestClock.Creation), (window.Terms.Lasts, window.Terms.LimitedBy, window.Terms.Clock));
        Assert.Equal((Now + access, Now + pending), (window.AccessUntil, window.PendingUntil));
        Assert.Equal(said, window.Terms.Shortened.ToArray());
        Assert.Equal(wishes.SessionTtl is null, window.Terms.SessionTtl is null);
        Assert.False(window.Terms.SessionTtl > wishes.SessionTtl);
    }

    [Theory]
    [InlineData("all say approval", "approval approval", RequestClock.Approval)]
    [InlineData("one says creation", "approval creation", RequestClock.Creation)]
    [InlineData("the other says creation", "creation approval", RequestClock.Creation)]
    [InlineData("one that allows something else says creation", "approval elsewhere", RequestClock.Approval)]
    [InlineData("one that allows something else says approval", "creation elsewhere", RequestClock.Creation)]
    public void Clock_starts_at_approval_only_if_every_role_says_so(string situation, string says, RequestClock clock)
    {
        var roles = says.Split(' ').Select((word, n) => word switch
        {
            "approval" => Asker(name: $"r{n}", clock: RequestClock.Approval),
            "creation" => Asker(name: $"r{n}"),
            _ => Asker(name: $"r{n}", lets: "support", clock: says.StartsWith("creation", StringComparison.Ordinal) ? RequestClock.Approval : RequestClock.Creation),
        });
        Assert.True(clock == AccessWindow.File(Now, [Dba], [.. roles], AccessWishes.None, SiteLimits.Default).Granted().Terms.Clock, situation);
    }

    [Fact]
    public void Clock_at_approval_allows_the_full_wait_and_the_latest_end()
    {
        var asker = Asker(clock: RequestClock.Approval);
        var window = AccessWindow.File(Now, [Dba], [asker], AccessWishes.None, SiteLimits.Default).Granted();
        Assert.Equal((Now.AddDays(7), Now.AddDays(7).AddHours(1)), (window.PendingUntil, window.AccessUntil));
        var patient = AccessWindow.File(Now, [Dba], [asker], new AccessWishes(RequestTtl: Days(2)), SiteLimits.Default).Granted();
        Assert.Equal((Now.AddDays(2), Now.AddDays(2).AddHours(1)), (patient.PendingUntil, patient.AccessUntil));
        Assert.Empty(patient.Terms.Shortened);
    }

    public static readonly TheoryData<string> Wishes = [.. Refusals.Keys];

    private static Dictionary<string, (AccessWishes Wishes, string Told)> Refusals => new()
    {
        ["a session beyond the site"] = (new(SessionTtl: Hours(30).Add(Seconds(1))), "session_ttl 30h1s is more than the site's maximum of 30h"),
        ["a wait beyond the site"] = (new(RequestTtl: Days(8)), "request_ttl 8d is more than the site's maximum of 7d"),
        ["an access beyond the site"] = (new(MaxDuration: Days(15)), "max_duration 15d is more than the site's maximum of 14d"),
        ["no session"] = (new(SessionTtl: TimeSpan.Zero), "session_ttl must be greater than zero"),
        ["no wait"] = (new(RequestTtl: TimeSpan.Zero), "request_ttl must be greater than zero"),
        ["no access"] = (new(MaxDuration: TimeSpan.Zero), "max_duration must be greater than zero"),
        ["less than no access"] = (new(MaxDuration: TimeSpan.MinValue), "max_duration must be greater than zero"),
        ["the longest session there is"] = (new(SessionTtl: TimeSpan.MaxValue), "session_ttl more than 36500d is more than the site's maximum of 30h"),
        ["the longest wait there is"] = (new(RequestTtl: TimeSpan.MaxValue), "request_ttl more than 36500d is more than the site's maximum of 7d"),
        ["the longest access there is"] = (new(MaxDuration: TimeSpan.MaxValue), "max_duration more than 36500d is more than the site's maximum of 14d"),
        ["it begins before it is asked for"] = (new(AssumeFrom: Now.AddSeconds(-1)), "assume_start_time 2026-03-01T11:59:59Z is over already"),
        ["it begins at the beginning of time"] = (new(AssumeFrom: DateTimeOffset.MinValue), "assume_start_time 0001-01-01T00:00:00Z is over already"),
        ["it begins at the end of time"] = (new(AssumeFrom: DateTimeOffset.MaxValue), "assume_start_time 9999-12-31T23:59:59Z is more than the site's maximum of 7d away"),
        ["it begins in a week and a second"] = (new(AssumeFrom: Now.AddDays(7).AddSeconds(1)), "assume_start_time 2026-03-08T12:00:01Z is more than the site's maximum of 7d away"),
        ["it begins when it ends"] = (new(AssumeFrom: Now.AddHours(1)), "assume_start_time 2026-03-01T13:00:00Z is not before the access ends, at 2026-03-01T13:00:00Z"),
    };

    [Theory]
    [MemberData(nameof(Wishes))]
    public void Time_beyond_a_site_limit_is_rejected_with_the_limit(string wish)
    {
        var (wishes, told) = Refusals[wish];
        var refusal = AccessWindow.File(Now, [Dba], [Asker()], wishes, SiteLimits.Default).Refused();
        Assert.Equal((told, RefusalKind.Invalid), (refusal.Message, refusal.Kind));
    }

    [Fact]
    public void Every_limit_of_the_site_can_be_reached() =>
        Assert.Equal(
            (Days(14), Now.AddDays(7), Now.AddDays(7), Hours(30)),
            AccessWindow.File(Now, [Open], [Asker(Days(14))], new AccessWishes(Hours(30), Days(7), Days(14), Now.AddDays(7)), SiteLimits.Default).Granted() is { } window
                ? (window.Terms.Lasts, window.PendingUntil, window.Terms.AssumeFrom!.Value, window.Terms.SessionTtl!.Value)
                : default);

    [Fact]
    public void Access_can_begin_at_once_or_in_its_last_second()
    {
        Assert.Equal(Now, AccessWindow.File(Now, [Dba], [Asker()], new AccessWishes(AssumeFrom: Now), SiteLimits.Default).Granted().Terms.AssumeFrom);
        var last = Now.AddHours(1).AddSeconds(-1);
        Assert.Equal(last, AccessWindow.File(Now, [Dba], [Asker()], new AccessWishes(AssumeFrom: last), SiteLimits.Default).Granted().Terms.AssumeFrom);
    }

    [Theory]
    [InlineData("from the request", RequestClock.Creation, 10, 60)]
    [InlineData("from the approval", RequestClock.Approval, 10, 70)]
    public void Access_is_measured_by_its_clock(string situation, RequestClock clock, int approvedAfter, int ends)
    {
        var asker = Asker(clock: clock);
        var approved = AccessWindow.Approve(Filed([Dba], [asker]), Now.AddMinutes(approvedAfter), [Dba], [asker], SiteLimits.Default).Granted();
        Assert.True(Now.AddMinutes(ends) == approved.AccessUntil, situation);
        Assert.Empty(approved.Terms.Shortened);
    }

    public static readonly TheoryData<string, RequestClock, string, int, string?> Overrides = new()
    {
        { "a stricter role", RequestClock.Creation, "strict", 20, "the access lasts 20m instead of 1h, limited by role strict" },
        { "a stricter role, from the approval", RequestClock.Approval, "strict", 30, "the access lasts 20m instead of 1h, limited by role strict" },
        { "a more generous role", RequestClock.Creation, "support", 60, null },
        { "a more generous role, from the approval", RequestClock.Approval, "support", 70, null },
        { "a role without a limit", RequestClock.Creation, "open", 60, null },
        { "one more role", RequestClock.Creation, "dba strict", 20, "the access lasts 20m instead of 1h, limited by role strict" },
    };

    [Theory]
    [MemberData(nameof(Overrides))]
    public void An_override_can_only_end_earlier(string instead, RequestClock clock, string granted, int ends, string? said)
    {
        var asker = Asker(clock: clock);
        Role[] all = [Dba, Support, Open, Sample.Role("strict", ttl: Minutes(20))];
        var approved = AccessWindow.Approve(
            Filed([Dba], [asker]), Now.AddMinutes(10), [.. granted.Split(' ').Select(name => Array.Find(all, role => role.Name == name)!)], [asker], SiteLimits.Default).Granted();
        Assert.True(Now.AddMinutes(ends) == approved.AccessUntil, $"{instead}: {approved.AccessUntil}");
        Assert.Equal(said is null ? [] : [said], approved.Terms.Shortened.ToArray());
    }

    [Fact]
    public void Override_has_max_duration_only_for_requestable_roles()
    {
        var asker = Asker(Days(4), lets: "dba");
        var approved = AccessWindow.Approve(Filed([Dba], [asker]), Now, [Support], [asker], SiteLimits.Default).Granted();
        Assert.Equal((Hours(2), "role support"), (approved.Terms.Lasts, approved.Terms.LimitedBy));
    }

    [Fact]
    public void Requested_session_ttl_binds_an_override_too()
    {
        var filed = Filed([Dba], [Asker()], new AccessWishes(SessionTtl: Minutes(30)));
        Assert.Equal(Minutes(30), AccessWindow.Approve(filed, Now, [Support], [Asker()], SiteLimits.Default).Granted().Terms.Lasts);
    }

    /// <summary>Filed for an hour and approved ten minutes later. The limit counts from when the access can be used, not from the request.</summary>
    [Theory]
    [InlineData(RequestClock.Creation, 30, 0, 40, "the access lasts 30m instead of 50m, limited by the approval")]
    [InlineData(RequestClock.Approval, 30, 0, 40, "the access lasts 30m instead of 1h, limited by the approval")]
    [InlineData(RequestClock.Creation, 50, 0, 60, null)]
    [InlineData(RequestClock.Creation, 60, 0, 60, null)]
    [InlineData(RequestClock.Creation, 20, 30, 50, "the access lasts 20m instead of 30m, limited by the approval")]
    [InlineData(RequestClock.Approval, 20, 30, 50, "the access lasts 20m instead of 40m, limited by the approval")]
    public void Approval_can_shorten_the_access(RequestClock clock, int atMost, int begins, int ends, string? said)
    {
        var asker = Asker(clock: clock);
        var filed = Filed([Dba], [asker], new AccessWishes(AssumeFrom: begins > 0 ? Now.AddMinutes(begins) : null));
        var approval = Now.AddMinutes(10);
        var window = AccessWindow.Approve(filed, approval, [Dba], [asker], SiteLimits.Default, new AccessLimit(Minutes(atMost), "the approval")).Granted();
        Assert.Equal(Now.AddMinutes(ends), window.AccessUntil);
        Assert.Equal(said is null ? [] : [said], window.Terms.Shortened.ToArray());
        Assert.Equal(said is null ? "role dba" : "the approval", window.Terms.LimitedBy);

        // A policy that allows as much as before changes nothing, and one that allows less shortens it again.
        var approved = Approved(filed, window, approval);
        Assert.Equal(approved, AccessWindow.Again(approved, Sample.User("alice", "asker"), Sample.Roles(Dba, asker), SiteLimits.Default));
        var strict = Asker(Minutes(15), clock: clock);
        Assert.Equal(
            (clock == RequestClock.Creation ? Now : approval).AddMinutes(15),
            AccessWindow.Again(approved, Sample.User("alice", "asker"), Sample.Roles(Dba, strict), SiteLimits.Default).AccessUntil);
    }

    [Fact]
    public void Approval_too_late_for_the_roles_it_grants_is_rejected()
    {
        var strict = Sample.Role("strict", ttl: Minutes(10));
        var refusal = AccessWindow.Approve(Filed([Dba], [Asker()]), Now.AddMinutes(10), [strict], [Asker()], SiteLimits.Default).Refused();
        Assert.Equal("the access would be over already: it counts from the request, and these roles grant 10m", refusal.Message);
    }

    [Fact]
    public void Approval_that_would_expire_before_its_start_is_rejected()
    {
        var asker = Asker(clock: RequestClock.Approval);
        var filed = Filed([Dba], [asker], new AccessWishes(AssumeFrom: Now.AddDays(1)));
        var early = AccessWindow.Approve(filed, Now.AddHours(23), [Dba], [asker], SiteLimits.Default).Refused();
        Assert.Equal(
            ("the access would be over before it can be assumed at 2026-03-02T12:00:00Z", "it lasts 1h from the approval: approve it later"), (early.Message, early.Hint));
        Assert.Equal(Now.AddHours(24).AddSeconds(1), AccessWindow.Approve(filed, Now.AddHours(23).AddSeconds(1), [Dba], [asker], SiteLimits.Default).Granted().AccessUntil);
    }

    /// <summary>Approved ten minutes after it was filed, under a role that grants four days; the policy of later is another.</summary>
    [Theory]
    [InlineData("nothing changed", "4d", 14, RequestClock.Creation, 96, "role asker")]
    [InlineData("the role lets for longer", "9d", 14, RequestClock.Creation, 96, "role asker")]
    [InlineData("the role lets for less", "3h", 14, RequestClock.Creation, 3, "role asker")]
    [InlineData("it counts from the approval", "3h", 14, RequestClock.Approval, 3, "role asker")]
    [InlineData("the role says nothing any more", "", 14, RequestClock.Creation, 1, "role dba")]
    [InlineData("the site allows less", "4d", 2, RequestClock.Creation, 48, "the site's maximum for access")]
    [InlineData("the role went over since", "4d over", 14, RequestClock.Creation, 96, "role asker")]
    [InlineData("nothing lets ask any more", "none", 14, RequestClock.Creation, 96, "role asker")]
    public void Approved_access_is_remeasured_and_never_gets_longer(string situation, string says, int siteDays, RequestClock clock, int hours, string rule)
    {
        var filed = Filed([Dba], [Asker(Days(4), clock: clock)]);
        var approval = Now.AddMinutes(10);
        var window = AccessWindow.Approve(filed, approval, [Dba], [Asker(Days(4), clock: clock)], SiteLimits.Default).Granted();
        var approved = Approved(filed, window, approval);
        var asker = says.Split(' ') switch
        {
            ["none"] => Asker(lets: "support"),
            [""] => Asker(),
            [var lasts, .. var over] => Asker(Durations.TryParse(lasts, out var longest) ? longest : throw new FormatException(lasts)) with { Expires = over.Length > 0 ? approval.AddSeconds(1) : null },
            _ => throw new FormatException(says),
        };
        var limits = SiteLimits.Default with { Access = Days(siteDays) };
        var again = AccessWindow.Again(approved, Sample.User("alice", "asker"), Sample.Roles(Dba, asker), limits);
        Assert.True((clock == RequestClock.Creation ? Now : approval).AddHours(hours) == again.AccessUntil, $"{situation}: {again.AccessUntil}");
        Assert.Equal((Hours(hours), rule), (again.Terms.Lasts, again.Terms.LimitedBy));
        Assert.Equal(hours == 96 ? [] : new[] { $"the access lasts {Durations.Show(Hours(hours))} instead of 4d, limited by {rule}" }, again.Terms.Shortened.ToArray());
        // Once is enough, and nothing that is allowed later gives back what is gone.
        Assert.Equal(again, AccessWindow.Again(again, Sample.User("alice", "asker"), Sample.Roles(Dba, asker), limits));
        Assert.Equal(again.AccessUntil, AccessWindow.Again(again, Sample.User("alice", "asker"), Sample.Roles(Dba, Asker(Days(9))), SiteLimits.Default).AccessUntil);
    }

    private static AccessRequest Approved(AccessRequest filed, AccessWindow window, DateTimeOffset at) => filed with
    {
        StoredState = RequestState.Approved,
        GrantedRoles = filed.Roles,
        AccessUntil = window.AccessUntil,
        Terms = window.Terms,
        Resolution = new RequestResolution("root", at, ""),
    };

    private static AccessRequest Filed(Role[] asked, Role[] assigned, AccessWishes? wishes = null)
    {
        var window = AccessWindow.File(Now, asked, assigned, wishes ?? AccessWishes.None, SiteLimits.Default).Granted();
        return Sample.Request(Sample.User("alice"), RequestState.Pending, asked) with
        {
            Created = Now,
            PendingUntil = window.PendingUntil,
            AccessUntil = window.AccessUntil,
            Terms = window.Terms,
        };
    }

    private static Role Asker(TimeSpan? maxDuration = null, string name = "asker", string lets = "*", RequestClock clock = RequestClock.Creation)
    {
        var role = Sample.Role(name, mayRequest: [lets]);
        return role with { Allow = role.Allow with { MaxRequestDuration = maxDuration, RequestClock = clock } };
    }

    private static TimeSpan Days(int days) => TimeSpan.FromDays(days);

    private static TimeSpan Hours(int hours) => TimeSpan.FromHours(hours);

    private static TimeSpan Minutes(int minutes) => TimeSpan.FromMinutes(minutes);

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);
}
