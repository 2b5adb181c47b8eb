using System.CommandLine;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary><c>--yes</c>, of a command that approves.</summary>
public sealed class YesOption : Option<bool>
{
    /// <summary>Creates the option.</summary>
    public YesOption()
        : base("--yes") =>
        Description = "At a terminal, do not ask before a risky approval";
}

/// <summary>Shows reviewers what they are about to approve, and requesters who can approve.</summary>
public static class Approvals
{
    // The other risks are worth a line, but every first request of a user would ask.
    private static readonly string[] Asking = [RiskKinds.Root, RiskKinds.AllHosts, RiskKinds.DaemonHost, RiskKinds.Forwarding];

    /// <summary>Whether a risk is reason enough to ask again before an approval.</summary>
    public static bool AsksAgain(RequestRisk risk) => Asking.Contains(risk.Kind);

    extension(ParseResult parsed)
    {
        /// <summary>
        /// Warns of root, every host, the daemon's host and forwarding before an approval is sent. At a terminal, it shows all facts and
        /// asks; the end of the input means no.
        /// </summary>
        /// <param name="asked">Reads the request with its facts. If the caller cannot approve it, the daemon's refusal says why.</param>
        /// <param name="yes">Whether not to ask.</param>
        /// <param name="about">What each warning begins with: which of several requests it means.</param>
        /// <param name="cancellation">Cancels the question.</param>
        /// <returns>The whole ID of the request, null if the caller may not read it; and the warnings that were shown.</returns>
        /// <exception cref="FailureException">The answer is no.</exception>
        public async Task<(string? Id, string[] Shown)> BeforeApproval(
            Task<RequestResource> asked, bool yes, string about, CancellationToken cancellation)
        {
            RequestResource request;
            try
            {
                request = await asked;
            }
            catch (ProblemException refused) when (refused.Problem.Code == ProblemCode.Denied)
            {
                // The approval is refused too; the audit must say that somebody tried to approve, not only to read.
                return (null, []);
            }
            if (request.Facts is not { WhyNotYou: null } facts)
                return (request.Metadata.Name, []);
            var asks = !yes && Prompt.IsPossible;
            var risks = Risks(facts);
            if (asks && risks is [_, ..])
                foreach (var line in RequestText.Facts(request.Spec, facts))
                    parsed.Say(line);
            if (!await parsed.Confirms(request, facts, asks, cancellation, about))
                throw new FailureException($"request {request.Metadata.Name} has not been approved");
            return (request.Metadata.Name, risks);
        }

        /// <summary>
        /// Warns of the risks of an approval, and asks whether to take them. It asks nothing about an approval without a risk.
        /// </summary>
        /// <param name="request">The request.</param>
        /// <param name="facts">What the approval would open.</param>
        /// <param name="asks">Whether to ask.</param>
        /// <param name="cancellation">Cancels the question.</param>
        /// <param name="about">What each warning begins with.</param>
        /// <returns>Whether to approve; the end of the input means no.</returns>
        public async Task<bool> Confirms(
            RequestResource request, RequestFacts facts, bool asks, CancellationToken cancellation, string about = "")
        {
            var risks = Risks(facts);
            foreach (var risk in risks)
                parsed.Warn(about + risk);
            return risks is [] || !asks
                || await Prompt.Line(
                    parsed, $"approve the request of {request.Spec.User} for {string.Join(", ", request.Spec.Roles)}? [y/N] ", cancellation)
                    is "y" or "Y" or "yes";
        }

        /// <summary>Says who can approve a request that was filed and until when, and warns of what the requester should know.</summary>
        public void SayAwaited(RequestResource request)
        {
            foreach (var warning in RequestText.Warnings(request.Spec))
                parsed.Warn(warning);
            if (request.Facts is { } facts)
                parsed.Say($"needs {FactsText.Needs(request.Spec, facts)}, until {Wording.Time(request.Spec.Expires)}");
        }
    }

    private static string[] Risks(RequestFacts facts) =>
        [.. facts.Risks.Where(AsksAgain).Select(risk => risk.What)];
}
