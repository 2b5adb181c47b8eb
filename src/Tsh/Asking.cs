using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The reason of a request: where the roles want one, a person at a terminal is asked for it.</summary>
internal static class Asking
{
    extension(ParseResult parsed)
    {
        /// <summary>The request with its reason. A script is not asked; it is told by the daemon what is missing.</summary>
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
            // Not Console.In: that changes the mode of the terminal.
            using var input = new StreamReader(Console.OpenStandardInput());
            var line = await Task.Run(input.ReadLine, cancellation).WaitAsync(cancellation);
            return request with { Reason = line?.Trim() ?? "" };
        }
    }
}
