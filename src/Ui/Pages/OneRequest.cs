using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>One request and what became of it.</summary>
/// <param name="Desk">What the person may do.</param>
/// <param name="Request">The request.</param>
/// <param name="Steps">What happened, oldest first.</param>
/// <param name="Certificates">The certificates that were issued under it.</param>
/// <param name="IsMine">Whether it is this person's own.</param>
/// <param name="MayDeny">Whether this person can deny it while it is pending.</param>
/// <param name="Now">The time.</param>
public sealed record RequestModel(
    Desk Desk, RequestResource Request, IReadOnlyList<Step> Steps, IReadOnlyList<CertificateInfo> Certificates, bool IsMine,
    bool MayDeny, DateTimeOffset Now);

/// <summary>Something that happened to a request.</summary>
/// <param name="Time">When; null if this person cannot know it.</param>
/// <param name="What">What, in a few words.</param>
/// <param name="Text">The words of the person who did it, or more about it; may be empty.</param>
/// <param name="Kind">How it looks: <c>good</c>, <c>bad</c> or <c>plain</c>.</param>
public sealed record Step(DateTimeOffset? Time, string What, string Text = "", string Kind = "plain");

/// <summary>Shows one request.</summary>
internal static class OneRequest
{
    public static async Task<Answer> Show(Visit visit)
    {
        var desk = visit.Desk;
        var request = await desk.Request(
            visit.Query["id"] ?? "", visit.Query["hosts"] == "all", cancellation: visit.Cancellation);
        var id = request.Metadata.Name;
        var isMine = desk is UserDesk && await desk.Who(visit.Cancellation) == request.Spec.User;
        var mayDeny = request.Facts switch
        {
            null => false,
            { WhyNotYou: null } => true,
            _ => !isMine && await desk.MayDeny(request, visit.Cancellation),
        };
        var certificates = isMine || desk is AdministratorDesk ? await desk.Certificates(id, visit.Cancellation) : [];
        var steps = Steps(request, certificates, await desk.Audit(id, visit.Cancellation));
        return new Answer.Page(
            $"Request of {request.Spec.User}", "", desk.ShowCommand(id),
            Html.Part<RequestView, RequestModel>(new RequestModel(desk, request, steps, certificates, isMine, mayDeny, visit.Now)),
            Live.OfRequest(request));
    }

    /// <summary>Returns what happened to a request, oldest first.</summary>
    internal static IReadOnlyList<Step> Steps(RequestResource request, CertificateInfo[] certificates, AuditEntry[] audit)
    {
        var spec = request.Spec;
        var steps = new List<Step> { new(spec.Created, $"{spec.User} asked for {string.Join(", ", spec.Roles)}", spec.RequestReason) };
        foreach (var review in spec.Reviews ?? [])
            steps.Add(Reviewed(review));
        // A certificate is valid from a moment before it was issued, so that clocks may differ.
        var approved = audit.LastOrDefault(entry => entry.Event == AuditEvents.RequestApproved.Name)?.Time
            ?? steps.Max(step => step.Time)!.Value;
        // Somebody who may not read the audit does not learn when an administrator approved.
        if (spec.State == RequestStates.Approved)
            steps.Add(Resolved(spec, audit));
        foreach (var certificate in certificates)
        {
            steps.Add(
                new Step(
                    certificate.ValidAfter < approved ? approved : certificate.ValidAfter, $"certificate {certificate.Serial}",
                    $"{string.Join(", ", certificate.Principals)}, until {Wording.Time(certificate.ValidBefore)}"));
            if (certificate.RevokedAt is { } revoked)
                steps.Add(new Step(revoked, $"certificate {certificate.Serial} revoked", Kind: "bad"));
        }
        if (spec.State is RequestStates.Denied or RequestStates.Cancelled)
            steps.Add(Resolved(spec, audit));
        if (spec.State is RequestStates.Approved or RequestStates.Expired)
            steps.Add(new Step(spec.AccessExpires, "access ends", $"limited by {spec.AccessLimitedBy}"));
        return [.. steps.OrderBy(step => step.Time ?? (step.Kind == "good" ? approved : DateTimeOffset.MaxValue))];
    }

    private static Step Reviewed(RequestReview review)
    {
        var approves = review.ProposedState == RequestStates.Approved;
        var less = (review.MaxDuration is { } longest ? $" for at most {longest}" : "")
            + (review.AssumeStartTime is { } begins ? $" from {Wording.Time(begins)}" : "")
            + (review.Counts == false ? ", which does not count any more" : "");
        return new Step(
            review.Created, $"{review.Author} {(approves ? $"approved {string.Join(", ", review.Roles)}" : "denied it")}{less}",
            review.Reason, approves ? "good" : "bad");
    }

    private static Step Resolved(RequestSpec spec, AuditEntry[] audit)
    {
        var state = spec.State.ToLowerInvariant();
        var at = audit.LastOrDefault(entry => entry.Event == AuditEvents.Of("request", state).Name)?.Time
            ?? (spec.Reviews ?? []).LastOrDefault(review => review.ProposedState == spec.State)?.Created;
        return new Step(
            at, $"{state}{(spec.ResolvedBy is { } by ? $" by {by}" : "")}", spec.ResolveReason,
            spec.State == RequestStates.Approved ? "good" : "bad");
    }
}
