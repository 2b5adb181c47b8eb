using System.Diagnostics;
using System.Net.Sockets;
using CertAuthority.Linux;

namespace CertAuthority.Protocol;

/// <summary>
/// Connects to a daemon on this machine: first through the administrators' socket, which other accounts can neither connect to nor fill,
/// then through the public one. If the queue there is full, it tries again for some seconds.
/// </summary>
public static class UnixTransport
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    /// <summary>Connects, and checks the peer before anything is sent.</summary>
    /// <param name="server">The address of the daemon.</param>
    /// <param name="trusts">Whether a uid may be the daemon's. Needed because anybody can bind a socket in a place of their own.</param>
    /// <param name="cancellation">Cancels the attempt.</param>
    /// <exception cref="UnreachableException">Nobody listens there, or the process there is not trusted.</exception>
    public static async ValueTask<Socket> Connect(ServerAddress.Unix server, Func<uint, bool> trusts, CancellationToken cancellation)
    {
        if (ServerAddress.Unix.PathFault(server.SocketPath) is { } fault)
            throw new UnreachableException(fault, "name another with --server or CERTAUTHORITY_SERVER") { IsLasting = true };
        var pause = FirstPause;
        for (var clock = Stopwatch.StartNew(); ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            // A caller who may not connect there, or finds no trusted process, still has the public socket.
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
    /// Returns a connection, or why there is none; <see cref="SocketError.WouldBlock"/> if a daemon listens and its queue is full.
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
