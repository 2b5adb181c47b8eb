using System.ComponentModel;
using System.Diagnostics;

namespace CertAuthority.Protocol;

/// <summary>
/// Connects to a daemon on another host: the system's ssh runs <c>tsh relay</c> there. ssh handles keys, agents, security keys, jump hosts,
/// shared connections and host keys, and the remote sshd decides which account the user has there.
/// </summary>
/// <param name="server">The address of the daemon.</param>
/// <param name="toConnect">The time limit for the connection, without what the user is asked.</param>
/// <param name="onFirstByte">Called once the first byte of an answer has arrived.</param>
/// <param name="tell">Called if a connection is slow; null if nobody reads the message.</param>
internal sealed class SshTransport(ServerAddress.Ssh server, TimeSpan toConnect, Action onFirstByte, Action<string>? tell)
{
    private static readonly TimeSpan Unnoticed = TimeSpan.FromSeconds(2);

    /// <summary>Starts ssh. The first byte that arrives shows whether it reached the daemon.</summary>
    /// <param name="mayAsk">Whether ssh may ask the user for a passphrase.</param>
    /// <exception cref="UnreachableException">ssh is not installed.</exception>
    public Stream Connect(bool mayAsk)
    {
        var start = new ProcessStartInfo("ssh", Arguments(server, mayAsk, toConnect))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        try
        {
            var connection = new SshStream(server, Process.Start(start)!, onFirstByte);
            if (tell is not null && mayAsk)
                _ = TellIfSlow(connection, tell);
            return connection;
        }
        catch (Win32Exception)
        {
            throw new UnreachableException("ssh cannot be started", "install the OpenSSH client") { IsLasting = true };
        }
    }

    // ssh asks for passphrases at the terminal, but mentions a security key only if its stderr is a terminal.
    private async Task TellIfSlow(SshStream connection, Action<string> tell)
    {
        await Task.WhenAny(connection.Answered, Task.Delay(Unnoticed)).ConfigureAwait(false);
        if (!connection.Answered.IsCompleted)
            tell($"waiting for ssh to {server.Host}; if your security key blinks, touch it");
    }

    /// <summary>Returns all arguments of ssh.</summary>
    internal static string[] Arguments(ServerAddress.Ssh server, bool mayAsk, TimeSpan toConnect) =>
    [
        "-T",
        // The user's settings for logins on that host must not apply here.
        "-o", "ClearAllForwardings=yes", "-o", "ForwardAgent=no", "-o", "ForwardX11=no", "-o", "RemoteCommand=none",
        "-o", "LogLevel=ERROR",
        // A wait must notice a lost connection.
        "-o", $"ConnectTimeout={toConnect.TotalSeconds}", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3",
        .. mayAsk ? (string[])[] : ["-o", "BatchMode=yes"],
        .. server.Port is null ? (string[])[] : ["-p", $"{server.Port}"],
        .. server.User is null ? (string[])[] : ["-l", server.User],
        "--", server.Host, "tsh relay",
    ];
}
