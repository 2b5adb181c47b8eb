using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// Waits for the answer to a request. The wait does not affect the request. No answer is lost before the wait begins or between two calls:
/// tsh sends the last revision that it saw, and the daemon answers at once if there is a later one.
/// </summary>
internal static class Waiting
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    // A host that is unreachable for long is not asked every second: sshd counts failed connections.
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    // The longest time of a timer; a request is pending for a week at most.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    /// <summary>Returns the request once it is approved. Without a limit, it waits as long as the request is pending.</summary>
    /// <exception cref="FailureException">The request ended in another way, the time is over, or the user pressed Ctrl-C.</exception>
    public static async Task<RequestResource> UntilApproved(
        ParseResult parsed, CaClient ca, RequestResource request, string? user, TimeSpan? limit, CancellationToken cancellation)
    {
        var id = request.Metadata.Name;
        var patience = limit < Longest ? limit.Value : Longest;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        over.CancelAfter(patience);
        try
        {
            var answered = await UntilAnswered(parsed, ca, request, user, Spinner(parsed, request, patience), over.Token);
            return answered.Spec.State == RequestStates.Approved ? answered : throw new FailureException(End(answered));
        }
        catch (OperationCanceledException)
        {
            var hint = $"the request stays; to wait on: {Resume(id)}";
            throw cancellation.IsCancellationRequested
                ? new FailureException($"interrupted while waiting for request {id}", hint, ExitCode.Interrupted)
                : new FailureException($"gave up waiting for request {id}", hint, ExitCode.GaveUp);
        }
    }

    /// <summary>Returns the command that continues the wait.</summary>
    public static string Resume(string id) => $"tsh request show {id} --wait";

    private static async Task<RequestResource> UntilAnswered(
        ParseResult parsed, CaClient ca, RequestResource request, string? user, Spinner spinner, CancellationToken cancellation)
    {
        var away = false;
        var pause = FirstPause;
        while (request.Spec.State == RequestStates.Pending)
        {
            try
            {
                var answer = ca.Send(
                    Routes.GetMyRequest, new GetMyRequest(request.Metadata.Name, user, request.Metadata.Revision, "25s"), cancellation);
                await spinner.During(answer, Approvals(request));
                request = await answer;
                away = false;
                pause = FirstPause;
            }
            catch (UnreachableException lasting) when (lasting.IsLasting)
            {
                throw new FailureException(
                    lasting.Message, $"the request stays; to wait on: {Resume(request.Metadata.Name)}", ExitCode.Unreachable);
            }
            // The daemon is restarting or busy, or the network is down.
            catch (Exception passing) when (passing is UnreachableException
                or ProblemException { Problem.Code: ProblemCode.Unavailable or ProblemCode.Limited })
            {
                if (!away)
                    parsed.Warn($"{passing.Message}; still waiting for request {request.Metadata.Name}");
                away = true;
                await spinner.During(Task.Delay(pause, cancellation), Approvals(request));
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
        return request;
    }

    private static Spinner Spinner(ParseResult parsed, RequestResource request, TimeSpan patience)
    {
        var clock = TimeProvider.System;
        var givenUp = clock.GetUtcNow() + patience;
        var expired = request.Spec.Expires;
        return new Spinner(
            Terminal.Spinner.IsPossible ? parsed.InvocationConfiguration.Error : null, "waiting for an answer",
            givenUp < expired ? givenUp : expired, clock);
    }

    // Names and filters in it come from people.
    private static string Approvals(RequestResource request) =>
        request.Spec.Needs is [_, ..] ? $", {Printable.Escape(FactsText.Needs(request.Spec))}" : "";

    private static string End(RequestResource request)
    {
        var (id, spec) = (request.Metadata.Name, request.Spec);
        return spec switch
        {
            { State: RequestStates.Expired } => $"request {id} has expired",
            { ResolveReason: "" } => $"request {id} was {spec.State.ToLowerInvariant()}",
            _ => $"request {id} was {spec.State.ToLowerInvariant()}: {spec.ResolveReason}",
        };
    }
}
