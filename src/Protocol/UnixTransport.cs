using System.Net.Sockets;

namespace CertAuthority.Protocol;

/// <summary>To a daemon on this machine.</summary>
public static class UnixTransport
{
    /// <summary>Connects, and sees who is there before anything is sent.</summary>
    /// <param name="server">Where.</param>
    /// <param name="trusts">Whether a uid may be the daemon's. Anybody can bind a socket in a place of his own.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="UnreachableException">Nobody is there, or somebody who is not to be trusted.</exception>
    public static async ValueTask<Socket> Connect(ServerAddress.Unix server, Func<uint, bool> trusts, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(server.SocketPath), cancellation).ConfigureAwait(false);
            var uid = PeerCredentials.Of(socket).Uid;
            return trusts(uid)
                ? socket
                : throw new UnreachableException(
                    $"the daemon at {server} runs as uid {uid}, which is neither root, nor certauthority, nor you",
                    "name the right one with --server or CERTAUTHORITY_SERVER");
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            throw new UnreachableException($"no daemon answers at {server}", "start certauthority, or name another with --server or CERTAUTHORITY_SERVER");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
