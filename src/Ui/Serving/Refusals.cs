using CertAuthority.Protocol;
using CertAuthority.Ui.Desks;

namespace CertAuthority.Ui.Serving;

/// <summary>Shows what was refused, and what would help, as the terminal does.</summary>
internal static class Refusals
{
    /// <summary>The lines for a refusal of the daemon.</summary>
    public static Said[] Of(Problem problem, Desk desk) =>
    [
        .. (problem.Faults is { Length: > 0 } faults ? faults : [problem.Detail]).Select(fault => new Said(SaidKind.Refused, fault)),
        .. new[] { problem.Hint }.Concat(desk.Show(problem.Next)).OfType<string>().Select(hint => new Said(SaidKind.Hint, hint)),
    ];

    /// <summary>The lines for a daemon that does not answer.</summary>
    public static Said[] Of(UnreachableException gone) =>
        gone.Hint is { } hint
            ? [new Said(SaidKind.Refused, gone.Message), new Said(SaidKind.Hint, hint)]
            : [new Said(SaidKind.Refused, gone.Message)];
}
