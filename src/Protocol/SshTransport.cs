using System.ComponentModel;
using System.Diagnostics;

namespace CertAuthority.Protocol;

/// <summary>
/// To a daemon on another host: the system's ssh runs <c>tsh relay</c> there. Keys, agents, security keys, jump hosts, shared
/// connections and host keys are ssh's business, and who one is there is what its sshd says.
/// </summary>
/// <param name="server">Where.</param>
/// <param name="mayAsk">Whether it may ask somebody for a passphrase.</param>
/// <param name="tell">Told when a connection takes its time; null where nobody looks on.</param>
internal sealed class SshTransport(ServerAddress.Ssh server, bool mayAsk, Action<string>? tell)
{
    private static readonly TimeSpan Unnoticed = TimeSpan.FromSeconds(2);

    // Nobody is asked for a passphrase in the middle of a wait.
    private bool mayAsk = mayAsk;

    /// <summary>Starts ssh. Whether it gets through shows with the first byte that comes back.</summary>
    /// <exception cref="UnreachableException">There is no ssh.</exception>
    public Stream Connect()
    {
        var start = new ProcessStartInfo("ssh", Arguments(server, mayAsk))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        try
        {
            var connection = new SshStream(server, Process.Start(start)!, onFirstByte: () => mayAsk = false);
            if (tell is not null && mayAsk)
                _ = TellIfSlow(connection, tell);
            return connection;
        }
        catch (Win32Exception)
        {
            throw new UnreachableException("ssh cannot be started", "install the OpenSSH client") { IsLasting = true };
        }
    }

    // ssh itself asks for passphrases at the terminal, but a security key it mentions only where its stderr is one.
    private async Task TellIfSlow(SshStream connection, Action<string> tell)
    {
        await Task.WhenAny(connection.Answered, Task.Delay(Unnoticed)).ConfigureAwait(false);
        if (!connection.Answered.IsCompleted)
            tell($"waiting for ssh to {server.Host}; if your security key blinks, touch it");
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
