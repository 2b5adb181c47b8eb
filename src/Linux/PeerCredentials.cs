using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>The credentials of the peer of a connected Unix socket, as the kernel reports them (<c>struct ucred</c>).</summary>
/// <param name="Pid">Process id.</param>
/// <param name="Uid">User ID: the real one even from a user namespace; an unmapped one appears as 65534.</param>
/// <param name="Gid">Primary group id.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct PeerCredentials(int Pid, uint Uid, uint Gid)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    /// <summary>Reads the credentials from the kernel (SO_PEERCRED). Linux only.</summary>
    public static PeerCredentials Read(Socket socket)
    {
        Span<byte> ucred = stackalloc byte[12];
        return socket.GetRawSocketOption(SolSocket, SoPeerCred, ucred) == ucred.Length
            ? MemoryMarshal.Read<PeerCredentials>(ucred)
            : throw new SocketException((int)SocketError.OperationNotSupported);
    }
}
