using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Shows what the daemon did with resources: the results as data, and the warnings.</summary>
internal static class Applied
{
    /// <summary>Shows what was done, and, if certificates were revoked, which hosts do not have the new revocation list yet.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> Show(
        this ParseResult parsed, AppliedResources applied, HostsWait wait, CaClient ca, CancellationToken cancellation)
    {
        parsed.Show(applied);
        return applied.Revoked is [] ? ExitCode.Done : await wait.Run(parsed, ca, ExitCode.Done, cancellation);
    }

    /// <summary>Shows what was done.</summary>
    public static void Show(this ParseResult parsed, AppliedResources applied)
    {
        parsed.PrintResult(applied, applied.Done);
        parsed.ShowConsequences(applied);
    }

    /// <summary>Shows the warnings, and what ended by the change.</summary>
    public static void ShowConsequences(this ParseResult parsed, AppliedResources applied)
    {
        foreach (var warning in applied.Warnings)
            parsed.Warn(warning);
        if (applied.Ended is not [])
            parsed.Say($"{Wording.Count(applied.Ended.Length, "request")} ended: {string.Join(", ", applied.Ended)}");
        if (applied.Revoked is not [])
            parsed.Say($"{Wording.Count(applied.Revoked.Length, "certificate")} revoked: {string.Join(", ", applied.Revoked)}");
    }
}
