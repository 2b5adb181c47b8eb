using CertAuthority.Access.Requests;
using static CertAuthority.Access.Requests.RequestAction;
using static CertAuthority.Access.Requests.RequestActor;
using static CertAuthority.Access.Requests.RequestState;

namespace CertAuthority.Tests.Unit.Access;

public class RequestTransitionsTests
{
    // The rules, sections 3.4 and 4.2, word for word; written down a second time on purpose.
    private static readonly Dictionary<(RequestState, RequestAction, RequestActor), (RequestState To, bool Revokes)> Allowed = new()
    {
        [(Pending, Approve, Administrator)] = (Approved, false),
        [(Pending, Deny, Administrator)] = (Denied, false),
        [(Approved, Deny, Administrator)] = (Denied, true),
        [(Pending, Cancel, Requester)] = (Cancelled, false),
        [(Approved, Drop, Requester)] = (Cancelled, true),
        [(Pending, Approve, RequestActor.Reviewer)] = (Approved, false),
        [(Pending, Deny, RequestActor.Reviewer)] = (Denied, false),
    };

    public static TheoryData<RequestState, RequestAction, RequestActor> EveryCell()
    {
        var cells = new TheoryData<RequestState, RequestAction, RequestActor>();
        foreach (var state in Enum.GetValues<RequestState>())
            foreach (var action in Enum.GetValues<RequestAction>())
                foreach (var actor in Enum.GetValues<RequestActor>())
                    cells.Add(state, action, actor);
        return cells;
    }

    [Fact]
    public void Table_has_eighty_cells() => Assert.Equal(80, EveryCell().Count);

    [Theory]
    [MemberData(nameof(EveryCell))]
    public void Only_the_seven_allowed_steps_succeed(RequestState state, RequestAction action, RequestActor actor)
    {
        foreach (var request in InState(state))
        {
            var outcome = RequestTransitions.Find(request, action, actor, Sample.Now);
            if (Allowed.TryGetValue((state, action, actor), out var expected))
            {
                var step = outcome.Granted();
                Assert.Equal(expected, (step.To, step.Revokes));
            }
            else
            {
                Assert.NotEmpty(outcome.Refused().Message);
            }
        }
    }

    [Theory]
    [InlineData(Denied, Approve, Administrator, "is DENIED; only PENDING requests can be approved")]
    [InlineData(Approved, Approve, Administrator, "is APPROVED; only PENDING requests can be approved")]
    [InlineData(Cancelled, Deny, Administrator, "is CANCELLED; only PENDING or APPROVED requests can be denied")]
    [InlineData(Expired, Deny, Administrator, "is EXPIRED; only PENDING or APPROVED requests can be denied")]
    [InlineData(Approved, Cancel, Requester, "is APPROVED; only PENDING requests can be cancelled")]
    [InlineData(Pending, Drop, Requester, "is PENDING; only APPROVED requests can be dropped")]
    public void Late_action_reports_the_current_state(RequestState state, RequestAction action, RequestActor actor, string told)
    {
        foreach (var request in InState(state))
            Assert.Equal($"request {request.Id} {told}", RequestTransitions.Find(request, action, actor, Sample.Now).Refused().Message);
    }

    [Theory]
    [InlineData(Approved, "the access request has been already approved")]
    [InlineData(Denied, "the access request has been already denied")]
    [InlineData(Cancelled, "the access request has been already cancelled")]
    [InlineData(Expired, "the access request has expired")]
    public void Late_review_reports_the_decision(RequestState state, string told)
    {
        foreach (var request in InState(state))
            foreach (var action in new[] { Approve, Deny })
                Assert.Equal(told, RequestTransitions.Find(request, action, RequestActor.Reviewer, Sample.Now).Refused().Message);
    }

    [Theory]
    [InlineData(Approve, Requester, "only the administrator or a reviewer can approve a request")]
    [InlineData(Deny, Stranger, "only the administrator or a reviewer can deny a request")]
    [InlineData(Cancel, Administrator, "only the requester can cancel a request")]
    [InlineData(Cancel, RequestActor.Reviewer, "only the requester can cancel a request")]
    [InlineData(Drop, RequestActor.Reviewer, "only the requester can drop a request")]
    [InlineData(Drop, Stranger, "only the requester can drop a request")]
    public void Forbidden_action_reports_who_may_do_it(RequestAction action, RequestActor actor, string told)
    {
        foreach (var state in Enum.GetValues<RequestState>())
            foreach (var request in InState(state))
                Assert.Equal(told, RequestTransitions.Find(request, action, actor, Sample.Now).Refused().Message);
    }

    [Fact]
    public void Pending_request_expires_exactly_when_its_wait_ends()
    {
        var request = Sample.Request(Sample.User("alice"), Pending);
        Assert.Equal(Pending, request.StateAt(request.PendingUntil.AddSeconds(-1)));
        Assert.Equal(Expired, request.StateAt(request.PendingUntil));
    }

    [Fact]
    public void Approved_request_expires_with_its_access_not_its_wait()
    {
        var request = Sample.Request(Sample.User("alice"), Approved);
        Assert.Equal(Approved, request.StateAt(request.PendingUntil));
        Assert.Equal(Approved, request.StateAt(request.AccessUntil.AddSeconds(-1)));
        Assert.Equal(Expired, request.StateAt(request.AccessUntil));
    }

    [Theory]
    [InlineData(Denied)]
    [InlineData(Cancelled)]
    public void Final_state_never_changes(RequestState state) =>
        Assert.Equal(state, Sample.Request(Sample.User("alice"), state).StateAt(DateTimeOffset.MaxValue));

    // EXPIRED is never stored: it is what a pending or an approved request becomes.
    private static IEnumerable<AccessRequest> InState(RequestState state)
    {
        var alice = Sample.User("alice");
        return state == Expired
            ? [Sample.Request(alice, Pending) with { PendingUntil = Sample.Now }, Sample.Request(alice, Approved) with { AccessUntil = Sample.Now }]
            : [Sample.Request(alice, state)];
    }
}
