using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>
/// The socket that systemd listens on for the daemon (sd_listen_fds(3)). It outlives this process: connections made while the daemon
/// restarts wait in the kernel's queue.
/// </summary>
public static partial class PassedSocket
{
    private const int First = 3; // SD_LISTEN_FDS_START
    private const int SetDescriptorFlags = 2, CloseOnExec = 1; // F_SETFD, FD_CLOEXEC

    /// <summary>Returns the socket; null if none was passed to this process.</summary>
    /// <param name="path">The path where the daemon must serve.</param>
    /// <exception cref="InUseException">The passed descriptor is something else.</exception>
    public static Socket? At(string path)
    {
        if (Take("certauthority.socket") is not { } socket)
            return null;
        var at = socket.LocalEndPoint?.ToString();
        if (at == path)
            return socket;
        socket.Dispose();
        throw new InUseException(
            $"systemd listens at {at}, and the daemon is to serve at {path}; name one path in certauthority.socket and in the configuration");
    }

    /// <summary>Returns the socket, wherever it listens; null if none was passed to this process.</summary>
    /// <param name="unit">The unit of systemd that describes the socket.</param>
    /// <exception cref="InUseException">The passed descriptor is something else.</exception>
    public static Socket? Take(string unit)
    {
        // Child processes inherit the variables; only the process that they name may use them.
        if (Environment.GetEnvironmentVariable("LISTEN_PID") != Environment.ProcessId.ToString())
            return null;
        var count = Environment.GetEnvironmentVariable("LISTEN_FDS");
        foreach (var name in (string[])["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"])
            Environment.SetEnvironmentVariable(name, null);
        if (count != "1")
            throw new InUseException($"systemd passed {count} sockets; {unit} must have one ListenStream");

        // Keeps programs that this process runs from inheriting it.
        _ = Fcntl(First, SetDescriptorFlags, CloseOnExec);
        return Listening() ?? throw new InUseException(
            $"what systemd passed is not a listening Unix stream socket; {unit} must have one ListenStream with a path");
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
