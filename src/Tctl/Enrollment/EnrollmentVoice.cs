using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Tells the operator what happens during an enrollment.</summary>
/// <param name="Say">Reports progress.</param>
/// <param name="Warn">Prints a warning.</param>
/// <param name="Created">Shows what creating the node did.</param>
/// <param name="Detail">Returns the text of a refusal of the daemon.</param>
internal sealed record EnrollmentVoice(
    Action<string> Say, Action<string> Warn, Action<AppliedResources> Created, Func<Problem, string> Detail)
{
    /// <summary>For one host, about which everything is said.</summary>
    public static EnrollmentVoice Of(ParseResult parsed) => new(
        parsed.Say, parsed.Warn, created =>
        {
            // The JSON is about the host, not the resource.
            if (!FormatOption.IsJson(parsed))
                parsed.Print(created.Done);
            parsed.ShowConsequences(created);
        }, parsed.DetailOf);

    /// <summary>For one of many hosts: only what needs attention.</summary>
    public static EnrollmentVoice OfMany(ParseResult parsed) =>
        new(_ => { }, parsed.Warn, parsed.ShowConsequences, parsed.DetailOf);
}
