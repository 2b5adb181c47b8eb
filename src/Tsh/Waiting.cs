using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Waits for the answer to a request. The request itself stays whatever happens to the wait.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // What a timer holds; a request is pending for a week at most.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    /// <summary>Returns the request once it is approved. Without a limit it waits as long as the request is pending.</summary>
    /// <exception cref="FailureException">It came to another end, the time is over, or somebody pressed Ctrl-C.</exception>
    public static async Task<RequestResource> UntilApproved(
        ParseResult parsed, CaClient ca, RequestResource request, string? user, TimeSpan? limit, CancellationToken cancellation)
    {
        var id = request.Metadata.Name;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (limit is { } end)
            patience.CancelAfter(end < Longest ? end : Longest);
        try
        {
            var answered = await UntilAnswered(parsed, ca, request, user, patience.Token);
            return answered.Spec.State == "APPROVED" ? answered : throw new FailureException(End(answered));
        }
        catch (OperationCanceledException)
        {
            var hint = $"the request stays; once it is approved: {Resume(id)}";
            throw cancellation.IsCancellationRequested
                ? new FailureException($"interrupted, request {id} is still pending", hint, ExitCode.Interrupted)
                : new FailureException($"gave up waiting, request {id} is still pending", hint, ExitCode.GaveUp);
        }
    }

    /// <summary>How an approved request is put to use.</summary>
    public static string Resume(string id) => $"tsh login --request-id={id}";

    private static async Task<RequestResource> UntilAnswered(
        ParseResult parsed, CaClient ca, RequestResource request, string? user, CancellationToken cancellation)
    {
        var lost = false;
        while (request.Spec.State == "PENDING")
        {
            try
            {
                request = await ca.Send(
                    Routes.GetMyRequest, new GetMyRequest(request.Metadata.Name, user, request.Metadata.Revision, "25s"), cancellation);
                lost = false;
            }
            // The daemon restarts, or has its hands full.
            catch (Exception passing) when (passing is UnreachableException
                or ProblemException { Problem.Code: ProblemCode.Unavailable or ProblemCode.Limited })
            {
                if (!lost)
                    parsed.Warn($"{passing.Message}; still waiting for request {request.Metadata.Name}");
                lost = true;
                await Task.Delay(Pause, cancellation);
            }
        }
        return request;
    }

    private static string End(RequestResource request)
    {
        var (id, spec) = (request.Metadata.Name, request.Spec);
        return spec switch
        {
            { State: "EXPIRED" } => $"request {id} has expired",
            { ResolveReason: "" } => $"request {id} was {spec.State.ToLowerInvariant()}",
            _ => $"request {id} was {spec.State.ToLowerInvariant()}: {spec.ResolveReason}",
        };
    }
}
