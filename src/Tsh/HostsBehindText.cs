using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>What a user hears after something of theirs was revoked: whether hosts still accept it.</summary>
internal static class HostsBehindText
{
    /// <summary>Waits a few seconds for the hosts, and says how many do not have the new revocation list. Their names are for administrators.</summary>
    public static async Task SayHostsBehind(this ParseResult parsed, CaClient ca, CancellationToken cancellation)
    {
        var hosts = await ca.Send(Routes.CountHostsBehind, new ListHostsBehind(), cancellation);
        if (hosts.Behind == 0)
            return;
        parsed.Warn($"{Wording.Count(hosts.Behind, "host")} of {hosts.Written} {(hosts.Behind == 1 ? "does" : "do")} not have the new revocation list yet and still {(hosts.Behind == 1 ? "accepts" : "accept")} what was revoked");
        parsed.Hint("the daemon goes on trying; an administrator sees which: tctl nodes ls");
    }
}
