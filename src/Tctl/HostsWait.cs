using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// <c>--wait</c> of the commands that revoke: a revocation takes effect on a host only when the host has the new list. Each of these
/// commands waits a few seconds for that, and names the hosts without it; with the option, it waits longer and fails if hosts still lack
/// it.
/// </summary>
internal sealed class HostsWait : Option<bool>
{
    // For the option. Without it, the daemon decides how long a few seconds are.
    private const string Long = "30s";
    private const int MostNamed = 5;

    public HostsWait()
        : base("--wait")
    {
        Description =
            $"Wait up to {Long} until every host that the daemon writes to has the revocation list, and exit with 1 if one does not";
    }

    /// <summary>Waits, and shows which hosts lack the list.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="ca">The daemon.</param>
    /// <param name="exitCode">The exit code of the command otherwise.</param>
    /// <param name="cancellation">Cancels the wait when the user interrupts it.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> Run(ParseResult parsed, CaClient ca, int exitCode, CancellationToken cancellation)
    {
        var waits = parsed.GetValue(this);
        var asking = ca.Send(Routes.ListHostsBehind, new ListHostsBehind(waits ? Long : null), cancellation);
        await new Spinner(
            Spinner.IsPossible ? parsed.InvocationConfiguration.Error : null, "until hosts have the revocation list", default,
            TimeProvider.System).During(asking);
        var hosts = await asking;
        if (hosts.Behind == 0)
            return exitCode;
        var said =
            $"{Wording.Count(hosts.Behind, "host")} of {hosts.Written} {(hosts.Behind == 1 ? "does" : "do")} not have revocation list {hosts.KrlVersion} yet and still {(hosts.Behind == 1 ? "accepts" : "accept")} what was revoked";
        foreach (var line in hosts.Hosts.Take(MostNamed).Select(host => $"{host.Name}: {host.Failure ?? "it has not answered yet"}")
            .Prepend(said))
            Tell(line);
        if (hosts.Behind > MostNamed)
            Tell($"and {Wording.Count(hosts.Behind - MostNamed, "other host")}");
        parsed.Hint("the daemon goes on trying; tctl nodes ls shows how each host fares");
        return waits ? ExitCode.Failed : exitCode;

        void Tell(string line)
        {
            if (waits)
                parsed.Complain(line);
            else
                parsed.Warn(line);
        }
    }
}
