using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Tells a user, after something of theirs was revoked, whether hosts still accept it.</summary>
internal static class HostsBehindText
{
    // For --wait. Without it, the daemon decides how long a few seconds are.
    private const string Long = "30s";

    /// <summary><c>--wait</c> of the commands that revoke.</summary>
    public static Option<bool> WaitForHosts() => new("--wait")
    {
        Description =
            $"Wait up to {Long} until every host that the daemon writes to has the revocation list, and exit with 1 if one does not",
    };

    /// <summary>
    /// Waits a few seconds for the hosts, and shows how many do not have the new revocation list. Only administrators see their names.
    /// </summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="ca">The daemon.</param>
    /// <param name="cancellation">Cancels the wait when the user interrupts it.</param>
    /// <param name="wait">Whether to wait longer, and to fail if hosts still lack the list.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> SayHostsBehind(this ParseResult parsed, CaClient ca, CancellationToken cancellation, bool wait = false)
    {
        var hosts = await ca.Send(Routes.CountHostsBehind, new ListHostsBehind(wait ? Long : null), cancellation);
        if (hosts.Behind == 0)
            return ExitCode.Done;
        var line =
            $"{Wording.Count(hosts.Behind, "host")} of {hosts.Written} {(hosts.Behind == 1 ? "does" : "do")} not have the new revocation list yet and still {(hosts.Behind == 1 ? "accepts" : "accept")} what was revoked";
        if (wait)
            parsed.Complain(line);
        else
            parsed.Warn(line);
        parsed.Hint("the daemon goes on trying; an administrator sees which: tctl nodes ls");
        return wait ? ExitCode.Failed : ExitCode.Done;
    }
}
