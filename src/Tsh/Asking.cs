using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Files requests: a person at a terminal is asked for a reason if the roles require one.</summary>
internal static class Asking
{
    extension(ParseResult parsed)
    {
        /// <summary>Adds the reason to the request. A script is not asked; the daemon's error names what is missing.</summary>
        public async Task<CreateRequest> WithReason(CaClient ca, CreateRequest request, CancellationToken cancellation)
        {
            if (request.Reason.Length > 0 || Console.IsInputRedirected)
                return request;
            var plan = await ca.Send(Routes.PlanRequest, request, cancellation);
            if (plan.ReasonRequired is null)
                return request;
            foreach (var prompt in plan.ReasonPrompts is [] ? [plan.ReasonRequired] : plan.ReasonPrompts)
                parsed.Say(prompt);
            parsed.InvocationConfiguration.Error.Write("reason: ");
            // Not Console.In, because it changes the mode of the terminal.
            using var input = new StreamReader(Console.OpenStandardInput());
            var line = await Task.Run(input.ReadLine, cancellation).WaitAsync(cancellation);
            return request with { Reason = line?.Trim() ?? "" };
        }

        /// <summary>Files a request; if a pending one asks for the same, returns that one instead.</summary>
        public async Task<RequestResource> FileOrJoin(CaClient ca, CreateRequest request, CancellationToken cancellation)
        {
            try
            {
                return await ca.Send(Routes.CreateRequest, request, cancellation);
            }
            catch (ProblemException same) when (same.Problem.Next is [NextStep.WaitForSameRequest next])
            {
                parsed.Say($"{same.Message}; no other one is filed");
                return await ca.Send(Routes.GetMyRequest, new GetMyRequest(next.Request, request.User, Facts: true), cancellation);
            }
        }
    }
}
