using System.Security.Cryptography;
using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>
/// Tells the script of a page when something that the page shows has changed. The daemon has no call that waits for a list, so this asks
/// again and again while a browser waits.
/// </summary>
internal static class Live
{
    /// <summary>What a page shows that could not reach the daemon.</summary>
    public const string Down = "down";

    // A change of what is far below the screen waits for the next one above it.
    private const int MostLookedAt = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(25);

    /// <summary>Holds its answer back until what is seen is not what there is, or the time is over; then says what there is.</summary>
    public static async Task<Answer> Wait(Visit visit)
    {
        var seen = visit.Query["seen"] ?? "";
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var now = await Look(visit, seen);
            if (now != seen || TimeProvider.System.GetElapsedTime(started) > Longest)
                return new Answer.Plain(now);
            await Task.Delay(Pause, visit.Cancellation);
        }
    }

    private static async Task<string> Look(Visit visit, string seen)
    {
        try
        {
            return seen.Split(' ') switch
            {
                ["request", var id, ..] => OfRequest(await visit.Desk.Request(id, cancellation: visit.Cancellation)),
                ["mine", ..] when visit.Desk is UserDesk user => $"mine {Print((await user.Mine(visit.Cancellation)).Requests)}",
                ["waiting", ..] => $"waiting {await OfWaiting(visit.Desk, visit.Cancellation)}",
                // The page came up without the daemon; any other answer makes it load again.
                _ => $"up {(await visit.Desk.Waiting(after: null, 1, visit.Cancellation)).Requests.Length}",
            };
        }
        catch (UnreachableException)
        {
            return Down;
        }
        catch (ProblemException)
        {
            return "gone";
        }
    }

    /// <summary>What a request is now.</summary>
    public static string OfRequest(RequestResource request) =>
        $"request {request.Metadata.Name} {request.Metadata.Revision} {request.Spec.State}";

    /// <summary>What waits now: how many requests, and which.</summary>
    public static async Task<string> OfWaiting(Desk desk, CancellationToken cancellation)
    {
        var requests = (await desk.Waiting(after: null, MostLookedAt, cancellation)).Requests;
        return $"{requests.Length} {Print(requests)}";
    }

    /// <summary>A short text that differs if one of the requests does.</summary>
    public static string Print(IEnumerable<RequestResource> requests) => Convert.ToHexString(
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', requests.Select(OfRequest)))).AsSpan(0, 16));
}
