using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>
/// The socket that systemd listens on for the daemon (sd_listen_fds(3)). It outlives this process: whoever connects while
/// the daemon starts again waits in the queue of the kernel.
/// </summary>
public static partial class PassedSocket
{
    private const int First = 3; // SD_LISTEN_FDS_START
    private const int SetDescriptorFlags = 2, CloseOnExec = 1; // F_SETFD, FD_CLOEXEC

    /// <summary>The socket, or null when none was passed to this process.</summary>
    /// <param name="path">Where the daemon is to serve.</param>
    /// <exception cref="InUseException">What was passed is something else.</exception>
    public static Socket? At(string path)
    {
        // The variables are inherited by whatever is started from here; only the process that they name may take them up.
        if (Environment.GetEnvironmentVariable("LISTEN_PID") != Environment.ProcessId.ToString())
            return null;
        var count = Environment.GetEnvironmentVariable("LISTEN_FDS");
        foreach (var name in (string[])["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"])
            Environment.SetEnvironmentVariable(name, null);
        if (count != "1")
            throw new InUseException($"systemd passed {count} sockets; certauthority.socket must have one ListenStream");

        // Not for the ssh-keygen that the daemon runs.
        _ = Fcntl(First, SetDescriptorFlags, CloseOnExec);
        var socket = Listening() ?? throw new InUseException(
            "what systemd passed is not a listening Unix stream socket; certauthority.socket must have one ListenStream with a path");
        var at = socket.LocalEndPoint?.ToString();
        if (at == path)
            return socket;
        socket.Dispose();
        throw new InUseException(
            $"systemd listens at {at}, and the daemon is to serve at {path}; name one path in certauthority.socket and in the configuration");
    }

    private static Socket? Listening()
    {
        try
        {
            var socket = new Socket(new SafeSocketHandle(First, ownsHandle: true));
            return socket.AddressFamily == AddressFamily.Unix && socket.SocketType == SocketType.Stream && IsListening(socket)
                ? socket
                : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private static bool IsListening(Socket socket) =>
        (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection)! != 0;

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Fcntl(int descriptor, int command, int argument);
}
