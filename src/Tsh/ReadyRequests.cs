using System.CommandLine;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Approved requests that the certificate at hand does not use.</summary>
internal static class ReadyRequests
{
    // The largest number of requests in one login.
    private const int Most = 5;

    extension(ParseResult parsed)
    {
        /// <summary>Shows the command that uses them, together with those already in use. Without any, it prints nothing.</summary>
        public void HintAtReady(IEnumerable<RequestResource> requests, string[] inUse)
        {
            foreach (var (ready, together) in Logins([.. requests], inUse, TimeProvider.System.GetUtcNow()))
                parsed.Hint(
                    $"{(ready is [var one] ? $"request {one.Metadata.Name} ({For(one)}) is" : $"{ready.Length} requests are")} approved and ready: {Use(together)}");
        }

        /// <summary>Says how many requests wait for the user's review. If there is none, or it is not known, it prints nothing.</summary>
        public void HintAtReviews(RequestList list)
        {
            if (list.Reviewable is > 0 and var count)
                parsed.Hint($"{(count == 1 ? "1 request waits" : $"{count} requests wait")} for your review: tsh review");
        }

        /// <summary>
        /// Asks at the prompt for each request whether to use it; without a terminal, uses none. The end of the input answers no to the
        /// remaining ones, and Ctrl-C ends the command. After a yes, only requests that can be combined with it are offered.
        /// </summary>
        public async Task<string[]> Offer(CaClient ca, string? user, CancellationToken cancellation)
        {
            if (Console.IsInputRedirected || Console.IsErrorRedirected)
                return [];
            var chosen = new List<RequestResource>();
            await using var input = StandardStream.Input();
            foreach (var request in Ready((await List(ca, user, cancellation)).Requests, [], TimeProvider.System.GetUtcNow()).Take(Most))
            {
                if (chosen is [var first, ..] && IsForHosts(first) != IsForHosts(request))
                    continue;
                var answer = await Answer(
                    $"use approved request {request.Metadata.Name[..8]} ({For(request)}, until {Wording.Time(request.Spec.AccessExpires)})? [y/N] ");
                if (answer is null)
                    break;
                if (answer.Value)
                    chosen.Add(request);
            }
            return [.. chosen.Select(request => request.Metadata.Name)];

            async Task<bool?> Answer(string question)
            {
                while (true)
                {
                    parsed.Ask(question);
                    try
                    {
                        switch ((await Line(input).WaitAsync(cancellation))?.Trim().ToLowerInvariant())
                        {
                            case "y" or "yes":
                                return true;
                            case "" or "n" or "no":
                                return false;
                            case null:
                                parsed.EndLine();
                                return null;
                        }
                    }
                    catch (OperationCanceledException)
                    {
                        parsed.EndLine();
                        throw;
                    }
                }
            }
        }
    }

    /// <summary>Returns the command that uses approved requests.</summary>
    public static string Use(params string[] ids) => $"tsh login --request-id={string.Join(',', ids.Take(Most))}";

    /// <summary>
    /// Finds the logins that would use approved requests. One certificate is either for requests for roles or for requests for hosts, so
    /// there are at most two logins; each also includes the requests in use that it can carry.
    /// </summary>
    /// <param name="requests">The user's requests.</param>
    /// <param name="inUse">The IDs of the requests that the certificates at hand use.</param>
    /// <param name="now">The current time.</param>
    /// <returns>For each login, the requests that it would add, and the IDs of all requests that it uses.</returns>
    public static IEnumerable<(RequestResource[] Ready, string[] Together)> Logins(
        IReadOnlyList<RequestResource> requests, string[] inUse, DateTimeOffset now)
    {
        foreach (var kind in Ready(requests, inUse, now).GroupBy(IsForHosts))
        {
            var kept = requests.Where(request => inUse.Contains(request.Metadata.Name) && IsForHosts(request) == kind.Key)
                .Select(request => request.Metadata.Name).ToList();
            RequestResource[] ready = [.. kind.Take(Math.Max(1, Most - kept.Count))];
            yield return (ready, [.. kept.Take(Most - ready.Length), .. ready.Select(request => request.Metadata.Name)]);
        }
    }

    // Of several requests for the same thing, the one that lasts longest is enough; if one in use lasts as long, none is needed.
    private static IEnumerable<RequestResource> Ready(IEnumerable<RequestResource> requests, string[] inUse, DateTimeOffset now) => requests
        .Where(
            request => request.Spec.State == RequestStates.Approved && !(request.Spec.AssumeStartTime > now)
                && request.Spec.AccessExpires > now)
        .GroupBy(For)
        .Select(
            same => same.OrderByDescending(request => request.Spec.AccessExpires)
                .ThenByDescending(request => inUse.Contains(request.Metadata.Name)).First())
        .Where(request => !inUse.Contains(request.Metadata.Name));

    private static bool IsForHosts(RequestResource request) => request.Spec.Resources is [_, ..];

    // What the request opens: the hosts that it names, otherwise the roles.
    private static string For(RequestResource request) => request.Spec.Resources is [_, ..] hosts
        ? $"{string.Join(", ", hosts.Select(host => host.StartsWith("node/", StringComparison.Ordinal) ? host["node/".Length..] : host).Order(StringComparer.Ordinal))} as {Roles(request)}"
        : Roles(request);

    private static string Roles(RequestResource request) => string.Join(", ", request.Spec.GrantedRoles.Order(StringComparer.Ordinal));

    /// <summary>
    /// Returns the user's requests, and how many wait for their review; nothing if the daemon does not answer. It is a courtesy at the end
    /// of a finished command, so a failed call is not an error.
    /// </summary>
    public static async Task<RequestList> List(CaClient ca, string? user, CancellationToken cancellation)
    {
        try
        {
            return await ca.Send(Routes.ListMyRequests, new ListMyRequests(user, CountReviewable: true), cancellation);
        }
        catch (Exception silent) when (silent is UnreachableException or ProblemException)
        {
            return new RequestList([]);
        }
    }

    // Reads byte by byte: text typed ahead belongs to the next question.
    private static Task<string?> Line(Stream input) => Task.Run(() =>
    {
        var line = new StringBuilder();
        while (input.ReadByte() is var one and >= 0)
            if (one == '\n')
                return line.ToString();
            else
                line.Append((char)one);
        return null;
    });
}
