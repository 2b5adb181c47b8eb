using System.Net;
using System.Net.Sockets;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// TCP ports of 127.0.0.1 for the servers of the tests, each given once. A port that was used before belongs to another host in somebody's
/// known_hosts, and a port that the kernel gives to outgoing connections can be taken between the look and the server's start; so these lie
/// below that range (32768 and up).
/// </summary>
internal static class TestPort
{
    private const int First = 20000;
    private const int Count = 12000;
    private static int last = Environment.ProcessId * 101;

    public static int Next()
    {
        for (var tries = 0; tries < Count; tries++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref last) % Count);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody else's.
            }
        }
        throw new InvalidOperationException($"no port of {First} to {First + Count - 1} is free");
    }
}
