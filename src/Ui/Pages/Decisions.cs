using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>The page that asks again before a risky approval.</summary>
/// <param name="Desk">What the person may do.</param>
/// <param name="Requests">The requests, with the facts of what would be approved.</param>
/// <param name="What">How much of them would be approved.</param>
/// <param name="Reason">The reason that was given.</param>
/// <param name="Back">The page that asked.</param>
public sealed record ConfirmModel(Desk Desk, IReadOnlyList<RequestResource> Requests, Approval What, string Reason, string Back);

/// <summary>Answers requests.</summary>
internal static class Decisions
{
    /// <summary>Approves one request or several; asks again first if one of them is risky.</summary>
    public static async Task<Answer> Approve(Visit visit)
    {
        var (ids, reason, back) = Read(visit);
        var what = new Approval(visit.Form.Has("choose") ? visit.Form.All("roles") : null, visit.Form["max_duration"]);
        if (what.Roles is [])
            return new Answer.Go(back, new Said(SaidKind.Refused, "choose at least one role to approve"));
        if (!visit.Form.Has("sure"))
        {
            var requests = new List<RequestResource>();
            foreach (var id in ids)
                requests.Add(await visit.Desk.Request(id, of: what, cancellation: visit.Cancellation));
            if (requests.Exists(request => request.Facts is { } facts && facts.Risks.Any(Approvals.AsksAgain)))
                return new Answer.Page(
                    "Approve this?", "/", Command: null,
                    Html.Part<ConfirmView, ConfirmModel>(
                        new ConfirmModel(visit.Desk, requests, what, reason, visit.Form["back"] ?? "")));
        }
        return await Each(ids, back, visit, approves: true, id => visit.Desk.Approve(id, reason, what, visit.Cancellation));
    }

    /// <summary>Denies one request or several.</summary>
    public static async Task<Answer> Deny(Visit visit)
    {
        var (ids, reason, back) = Read(visit);
        return await Each(ids, back, visit, approves: false, id => visit.Desk.Deny(id, reason, visit.Cancellation));
    }

    private static (string[] Ids, string Reason, string Back) Read(Visit visit)
    {
        var ids = visit.Form.All("id");
        var back = Places.Back(visit.Form["back"], ids.FirstOrDefault());
        return (ids is [] ? [visit.Form.Need("id")] : ids, visit.Form["reason"] ?? "", back);
    }

    // One that is refused does not stop the rest.
    private static async Task<Answer> Each(
        string[] ids, string back, Visit visit, bool approves, Func<string, Task<RequestResolved>> decide)
    {
        var said = new List<Said>();
        foreach (var id in ids)
            try
            {
                var resolved = await decide(id);
                said.AddRange(After(resolved, RequestText.Reviewed(resolved, approves)));
            }
            catch (ProblemException refused)
            {
                said.AddRange(Refusals.Of(refused.Problem, visit.Desk));
            }
        return new Answer.Go(back, [.. said]);
    }

    /// <summary>Says what was done to a request.</summary>
    /// <param name="resolved">The daemon's answer.</param>
    /// <param name="done">What was done, in words.</param>
    public static IEnumerable<Said> After(RequestResolved resolved, string done)
    {
        var spec = resolved.Request.Spec;
        yield return new Said(SaidKind.Done, $"{spec.User}, {string.Join(", ", spec.Roles)}: {done}");
        foreach (var warning in resolved.Warnings)
            yield return new Said(SaidKind.Warning, warning);
    }
}
