using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// Goes through requests at a terminal, one a screen, and sends each answer at once: whatever ends the walk, no answer is lost.
/// </summary>
/// <param name="parsed">The command line.</param>
/// <param name="ca">The daemon.</param>
/// <param name="user">Which of the caller's users to act as.</param>
internal sealed class ReviewWalk(ParseResult parsed, CaClient ca, string? user)
{
    private const string Question = "[a]pprove [l]ess [d]eny [s]kip [q]uit: ";

    // What was done last; it stays above the next request.
    private readonly List<string> last = [];

    private int approvals;
    private int denials;
    private int skipped;

    /// <summary>Asks about each request, and counts at the end what was done.</summary>
    public async Task Through(string[] ids, CancellationToken cancellation)
    {
        try
        {
            for (var n = 0; n < ids.Length; n++)
                if (!await Ask(ids[n], $"request {n + 1} of {ids.Length}", cancellation))
                    break;
        }
        finally
        {
            parsed.Say(
                $"{Wording.Count(approvals, "approval")}, {Wording.Count(denials, "denial")}, {skipped} skipped; "
                + $"{ids.Length - approvals - denials} of {ids.Length} still without your review");
        }
    }

    /// <summary>Says how a request that is no longer pending ended; null for a pending one.</summary>
    public static string? Resolved(RequestResource request) => request.Spec is { State: not RequestStates.Pending } spec
        ? $"request {request.Metadata.Name} {(spec.State == RequestStates.Expired ? "has" : "was")} {spec.State.ToLowerInvariant()}"
            + (spec.ResolvedBy is { } by ? $" by {by}" : "")
        : null;

    /// <summary>Shows a request until it is answered or skipped; returns whether to go on.</summary>
    private async Task<bool> Ask(string id, string place, CancellationToken cancellation)
    {
        var isShown = false;
        while (true)
        {
            var request = await Read(new GetMyRequest(id, user, Facts: true), cancellation);
            if (request is null || Resolved(request) is { } || request.Facts is null)
            {
                if (request is not null)
                    Report($"{Resolved(request) ?? $"request {id} is being answered"}; skipped");
                skipped++;
                return true;
            }
            if (!isShown)
                Show(request, place);
            isShown = true;
            switch ((await Prompt.Line(parsed, Question, cancellation))?.ToLowerInvariant())
            {
                case null or "q" or "quit":
                    return false;
                case "s" or "skip":
                    skipped++;
                    return true;
                case "a" or "approve" when await Approve(request, Everything(request), cancellation):
                case "l" or "less" when await ApproveLess(request, cancellation):
                case "d" or "deny" when await Deny(request, cancellation):
                    return true;
            }
        }
    }

    private void Show(RequestResource request, string place)
    {
        var (spec, facts) = (request.Spec, request.Facts!);
        parsed.ClearScreen();
        parsed.Print(
        [
            .. last,
            $"{place}: {request.Metadata.Name}",
            $"{spec.User} asks for {string.Join(", ", spec.Roles)}{(spec.Resources is [_, ..] only ? $" on {string.Join(", ", only)}" : "")}",
            .. spec.RequestReason.Length > 0 ? (string[])[$"reason: {spec.RequestReason}"] : [],
            $"filed: {Wording.Time(spec.Created)}; answer expected until {Wording.Time(spec.Expires)}",
            .. spec.AssumeStartTime is { } begins ? (string[])[$"access begins: {Wording.Time(begins)}"] : [],
            .. RequestText.Facts(spec, facts),
        ]);
        last.Clear();
    }

    private void Report(string line)
    {
        parsed.Print(line);
        last.Add(line);
    }

    private async Task<bool> Approve(RequestResource request, ReviewRequest review, CancellationToken cancellation)
    {
        if (!await parsed.Confirms(request, request.Facts!, asks: true, cancellation))
            return false;
        var sent = await Send(review, cancellation);
        approvals += sent ? 1 : 0;
        return sent;
    }

    /// <summary>Approves fewer roles, a shorter time, or a later start.</summary>
    private async Task<bool> ApproveLess(RequestResource request, CancellationToken cancellation)
    {
        var (all, spec) = (Everything(request), request.Spec);
        var roles = "";
        if (spec.Roles is [_, _, ..] asked
            && await Answer(
                $"which of {string.Join(", ", asked)}? Enter for all: ", text => ListOption.Split(text).All(asked.Contains) ? text : null,
                text => $"'{text}' is not among {string.Join(", ", asked)}", cancellation) is var some)
        {
            if (some is null)
                return false;
            roles = some;
        }
        if (await Answer(
                $"for how long, as 30m? Enter for {spec.AccessLasts}: ", text => DurationOption.IsDuration(text) ? text : null,
                text => $"it takes a duration such as 90s, 15m or 1h30m, not '{text}'", cancellation) is not { } lasts
            || await Answer(
                $"from when, as 2027-01-31T18:00:00Z? Enter for {(spec.AssumeStartTime is { } begins ? Wording.Time(begins) : "at once")}: ",
                TimeOption.Complete, text => $"it takes a time such as 2027-01-31T18:00:00Z, not '{text}'", cancellation) is not { } from)
            return false;
        var less = all with
        {
            Roles = roles.Length > 0 ? ListOption.Split(roles) : null,
            MaxDuration = lasts.Length > 0 ? lasts : null,
            AssumeStartTime = from.Length > 0 ? from : null,
        };
        if (less == all)
        {
            parsed.Say("that is all of it: press a to approve everything");
            return false;
        }
        // The facts of the smaller approval; the risks may be gone.
        var ask = new GetMyRequest(
            less.Id, user, Facts: true, Roles: less.Roles is { } few ? string.Join(',', few) : null, MaxDuration: less.MaxDuration);
        if (await Read(ask, cancellation) is not { Facts: { } facts } smaller)
            return false;
        parsed.Print($"opens: {FactsText.Opens(facts)}");
        if (less.AssumeStartTime is { } start)
            parsed.Print($"for: {less.MaxDuration ?? spec.AccessLasts} at most, from {start}");
        else if (facts.Period is { } period)
            parsed.Print($"for: {FactsText.Lasts(period)}");
        return await Approve(smaller, less, cancellation);
    }

    // Asks again until the answer is empty or can be read, so that no other answer is lost; null at the end of the input.
    private async Task<string?> Answer(
        string question, Func<string, string?> read, Func<string, string> fault, CancellationToken cancellation)
    {
        while (await Prompt.Line(parsed, question, cancellation) is { } text)
        {
            if (text.Length == 0)
                return text;
            if (read(text) is { } value)
                return value;
            parsed.Say(fault(text));
        }
        return null;
    }

    private ReviewRequest Everything(RequestResource request) => new(request.Metadata.Name, ReviewDecisions.Approve, user);

    private async Task<bool> Deny(RequestResource request, CancellationToken cancellation)
    {
        if (await Prompt.Line(parsed, "why? the requester reads it: ", cancellation) is not { } reason)
            return false;
        var sent = await Send(new ReviewRequest(request.Metadata.Name, ReviewDecisions.Deny, user, reason), cancellation);
        denials += sent ? 1 : 0;
        return sent;
    }

    // A refusal is shown, and the request is read again: somebody else may have answered it.
    private async Task<bool> Send(ReviewRequest review, CancellationToken cancellation)
    {
        try
        {
            Report(
                RequestText.Reviewed(
                    await ca.Send(Routes.ReviewRequest, review, cancellation), review.Decision == ReviewDecisions.Approve));
            return true;
        }
        catch (ProblemException refused)
        {
            parsed.Complain(refused.Problem);
            return false;
        }
    }

    private async Task<RequestResource?> Read(GetMyRequest ask, CancellationToken cancellation)
    {
        try
        {
            return await ca.Send(Routes.GetMyRequest, ask, cancellation);
        }
        catch (ProblemException refused)
        {
            parsed.Complain(refused.Problem);
            return null;
        }
    }
}
