using System.ComponentModel;
using System.Diagnostics;

namespace CertAuthority.Protocol;

/// <summary>
/// To a daemon on another host: the system's ssh runs <c>tsh relay</c> there. Keys, agents, security keys, jump hosts, shared
/// connections and host keys are ssh's business, and who one is there is what its sshd says.
/// </summary>
/// <param name="server">Where.</param>
internal sealed class SshTransport(ServerAddress.Ssh server)
{
    // Nobody is asked for a passphrase in the middle of a wait.
    private bool mayAsk = true;

    /// <summary>Starts ssh. Whether it gets through shows with the first byte that comes back.</summary>
    /// <exception cref="UnreachableException">There is no ssh.</exception>
    public Stream Connect()
    {
        var start = new ProcessStartInfo("ssh", Arguments(server, mayAsk))
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        try
        {
            var connection = new SshStream(server, Process.Start(start)!, onFirstByte: () => mayAsk = false);
            return connection;
        }
        catch (Win32Exception)
        {
            throw new UnreachableException("ssh can not be started", "install the OpenSSH client") { IsLasting = true };
        }
    }

    /// <summary>Everything after the word ssh.</summary>
    internal static string[] Arguments(ServerAddress.Ssh server, bool mayAsk) =>
    [
        "-T",
        // What the user has set for a login on that host is not for this.
        "-o", "ClearAllForwardings=yes", "-o", "ForwardAgent=no", "-o", "ForwardX11=no", "-o", "RemoteCommand=none",
        "-o", "LogLevel=ERROR",
        // A wait must notice that the way is gone.
        "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3",
        .. mayAsk ? (string[])[] : ["-o", "BatchMode=yes"],
        .. server.Port is null ? (string[])[] : ["-p", $"{server.Port}"],
        .. server.User is null ? (string[])[] : ["-l", server.User],
        "--", server.Host, "tsh relay",
    ];
}
