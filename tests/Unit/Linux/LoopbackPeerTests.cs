using System.Net;
using System.Net.Sockets;
using CertAuthority.Linux;

namespace CertAuthority.Tests.Unit.Linux;

/// <summary>Whose socket is at the other end, by the kernel's list of connections.</summary>
public class LoopbackPeerTests
{
    private static readonly string[] List =
    [
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  5001        0 11 1 0000000000000000 100 0 0 10 0",
        "   1: 0100007F:1F90 0100007F:A3E2 01 00000000:00000000 00:00000000 00000000  5001        0 12 1 0000000000000000 20 4 30 10 -1",
        "   2: 0100007F:A3E2 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  5002        0 13 1 0000000000000000 20 4 30 10 -1",
        "   3: 0000000000000000FFFF00000100007F:A3E3 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000  5003        0 14 1 0 20 4 30 10 -1",
        "   4: broken",
    ];

    [Theory]
    [InlineData(41954, 5002u)]
    [InlineData(41955, 5003u)]
    [InlineData(41956, null)]
    public void Uid_is_that_of_the_other_end(int port, uint? uid) =>
        Assert.Equal(uid, LoopbackPeer.UidIn(List, new IPEndPoint(IPAddress.Loopback, port), new IPEndPoint(IPAddress.Loopback, 8080)));

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void Connection_of_our_own_is_ours(AddressFamily family)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient(family);
        if (family == AddressFamily.InterNetworkV6)
            client.Client.DualMode = true;
        client.Connect(IPAddress.Loopback, ((IPEndPoint)listener.LocalEndpoint).Port);
        using var accepted = listener.AcceptSocket();
        var (peer, own) = ((IPEndPoint)accepted.RemoteEndPoint!, (IPEndPoint)accepted.LocalEndPoint!);
        Assert.True(LoopbackPeer.BelongsTo(peer, own, Accounts.OwnUid));
        Assert.False(LoopbackPeer.BelongsTo(peer, own, Accounts.OwnUid + 1));
        Assert.False(LoopbackPeer.BelongsTo(new IPEndPoint(IPAddress.Loopback, 1), own, Accounts.OwnUid));
    }
}
