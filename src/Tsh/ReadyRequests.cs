using System.CommandLine;
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
            var now = TimeProvider.System.GetUtcNow();
            string[] approved = [.. requests.Where(request => request.Spec.State == "APPROVED" && !(request.Spec.AssumeStartTime > now)).Select(request => request.Metadata.Name)];
            var subject = approved.Except(inUse).ToArray() switch
            {
                [] => null,
                [var one] => $"request {one} is",
                var several => $"{several.Length} requests are",
            };
            if (subject is not null)
                parsed.Hint($"{subject} approved and ready: {Use([.. inUse, .. approved.Except(inUse)])}");
        }

        /// <summary>The same about all of the user's. A courtesy at the end of a command that is done, so failing to ask is no failure.</summary>
        public async Task HintAtReady(CaClient ca, string? user, string[] inUse, CancellationToken cancellation)
        {
            try
            {
                parsed.HintAtReady((await ca.Send(Routes.ListMyRequests, new ListMyRequests(user), cancellation)).Requests, inUse);
            }
            catch (Exception silent) when (silent is UnreachableException or ProblemException)
            {
            }
        }
    }

    /// <summary>How approved requests are put to use.</summary>
    public static string Use(params string[] ids) => $"tsh login --request-id={string.Join(',', ids.Take(Most))}";
}
