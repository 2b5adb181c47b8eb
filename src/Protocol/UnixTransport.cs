using System.Diagnostics;
using System.Net.Sockets;
using CertAuthority.Linux;

namespace CertAuthority.Protocol;

/// <summary>
/// To a daemon on this machine: by the socket of administrators first, which nobody else can connect to or fill, then by the one that is
/// open to all. Where too many wait there already, it tries again for some seconds.
/// </summary>
public static class UnixTransport
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    /// <summary>Connects, and sees who is there before anything is sent.</summary>
    /// <param name="server">Where.</param>
    /// <param name="trusts">Whether a uid may be the daemon's. Anybody can bind a socket in a place of their own.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="UnreachableException">Nobody is there, or somebody who is not to be trusted.</exception>
    public static async ValueTask<Socket> Connect(ServerAddress.Unix server, Func<uint, bool> trusts, CancellationToken cancellation)
    {
        if (ServerAddress.Unix.PathFault(server.SocketPath) is { } fault)
            throw new UnreachableException(fault, "name another with --server or CERTAUTHORITY_SERVER") { IsLasting = true };
        var pause = FirstPause;
        for (var clock = Stopwatch.StartNew(); ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            // Whoever may not connect there, or finds nobody to be trusted, is none the worse for it.
            if (server.AdministratorsPath is { } path && await TryConnect(path, cancellation).ConfigureAwait(false) is ({ } first, _))
            {
                if (trusts(PeerCredentials.Read(first).Uid))
                    return first;
                first.Dispose();
            }
            var (socket, error) = await TryConnect(server.SocketPath, cancellation).ConfigureAwait(false);
            if (socket is not null)
            {
                var uid = PeerCredentials.Read(socket).Uid;
                if (trusts(uid))
                    return socket;
                socket.Dispose();
                throw new UnreachableException(
                    $"the daemon at {server} runs as uid {uid}, which is neither root, nor certauthority, nor you",
                    "name the right one with --server or CERTAUTHORITY_SERVER");
            }
            if (error != SocketError.WouldBlock)
                throw new UnreachableException(
                    $"no daemon answers at {server}", "start certauthority, or name another with --server or CERTAUTHORITY_SERVER");
            if (clock.Elapsed > Patience)
                throw new UnreachableException(
                    $"too many callers wait for the daemon at {server}", "try again in a moment; the daemon's log names who connects most");
            await Task.Delay(pause, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// A connection, or why there is none; <see cref="SocketError.WouldBlock"/> where a daemon listens and its queue is full.
    /// </summary>
    private static async ValueTask<(Socket? Socket, SocketError Error)> TryConnect(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
            return (socket, SocketError.Success);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            return (null, e.SocketErrorCode);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
