using System.CommandLine;
using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Requests that are approved, and that the certificate at hand makes no use of.</summary>
internal static class ReadyRequests
{
    // What a login takes.
    private const int Most = 5;

    extension(ParseResult parsed)
    {
        /// <summary>Names the command that puts them to use, beside those that are in use already. Without any it says nothing.</summary>
        public void HintAtReady(IEnumerable<RequestResource> requests, string[] inUse)
        {
            var ready = Ready(requests).Select(request => request.Metadata.Name).Except(inUse).ToArray();
            var subject = ready switch
            {
                [] => null,
                [var one] => $"request {one} is",
                var several => $"{several.Length} requests are",
            };
            if (subject is not null)
                parsed.Hint($"{subject} approved and ready: {Use([.. inUse, .. ready])}");
        }

        /// <summary>The same about all of the user's. A courtesy at the end of a command that is done, so failing to ask is no failure.</summary>
        public async Task HintAtReady(CaClient ca, string? user, string[] inUse, CancellationToken cancellation) =>
            parsed.HintAtReady(await Of(ca, user, cancellation), inUse);

        /// <summary>
        /// Asks at the prompt, request by request, which of them to use; where nobody sits at one, none. The end of the input answers
        /// no to what is left, and Ctrl-C ends the command.
        /// </summary>
        public async Task<string[]> Offer(CaClient ca, string? user, CancellationToken cancellation)
        {
            if (Console.IsInputRedirected || Console.IsErrorRedirected)
                return [];
            var chosen = new List<string>();
            await using var input = StandardStream.Input();
            foreach (var request in Ready(await Of(ca, user, cancellation)).Take(Most))
            {
                var answer = await Answer($"use approved request {request.Metadata.Name[..8]} ({string.Join(", ", request.Spec.GrantedRoles)}, until {Wording.Time(request.Spec.AccessExpires)})? [Y/n] ");
                if (answer is null)
                    break;
                if (answer.Value)
                    chosen.Add(request.Metadata.Name);
            }
            return [.. chosen];

            async Task<bool?> Answer(string question)
            {
                while (true)
                {
                    parsed.Ask(question);
                    try
                    {
                        switch ((await Line(input).WaitAsync(cancellation))?.Trim().ToLowerInvariant())
                        {
                            case "" or "y" or "yes":
                                return true;
                            case "n" or "no":
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

    /// <summary>How approved requests are put to use.</summary>
    public static string Use(params string[] ids) => $"tsh login --request-id={string.Join(',', ids.Take(Most))}";

    private static IEnumerable<RequestResource> Ready(IEnumerable<RequestResource> requests)
    {
        var now = TimeProvider.System.GetUtcNow();
        return requests.Where(request => request.Spec.State == "APPROVED" && !(request.Spec.AssumeStartTime > now));
    }

    /// <summary>The user's requests; none where nobody tells.</summary>
    public static async Task<RequestResource[]> Of(CaClient ca, string? user, CancellationToken cancellation)
    {
        try
        {
            return (await ca.Send(Routes.ListMyRequests, new ListMyRequests(user), cancellation)).Requests;
        }
        catch (Exception silent) when (silent is UnreachableException or ProblemException)
        {
            return [];
        }
    }

    // Byte by byte: what is typed ahead is the next question's.
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
