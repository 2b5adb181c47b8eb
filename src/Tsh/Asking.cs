using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Asks for the reason of a request: a person at a terminal must give one if the roles require it.</summary>
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
    }
}
