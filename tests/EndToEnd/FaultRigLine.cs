using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The line between one daemon and the PostgreSQL server: a TCP port that can be cut, or stand still without a word.</summary>
internal sealed class FaultRigLine : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, bool> open = [];
    private volatile TaskCompletionSource moving = new();
    private volatile bool isCut;

    public FaultRigLine(string server)
    {
        Server = server;
        moving.SetResult();
        listener.Start();
        _ = Accept();
    }

    /// <summary>The folder with the socket of the server; connections that are open stay where they are.</summary>
    public string Server { get; set; }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Breaks every connection, and takes none until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        isCut = true;
        foreach (var one in open.Keys)
            one.Dispose();
    }

    /// <summary>Keeps every byte, in both directions, until <see cref="Mend"/>.</summary>
    public void Stall() => moving = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Mend()
    {
        isCut = false;
        moving.TrySetResult();
    }

    public void Dispose()
    {
        listener.Dispose();
        Cut();
        moving.TrySetResult();
    }

    private async Task Accept()
    {
        try
        {
            while (true)
                _ = Serve(await listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The rig is over.
        }
    }

    private async Task Serve(Socket daemon)
    {
        using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (daemon)
            try
            {
                open[daemon] = open[server] = true;
                if (isCut)
                    return;
                await moving.Task;
                await server.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(Server, ".s.PGSQL.5432")));
                await Task.WhenAny(Pass(daemon, server), Pass(server, daemon));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The server is away, or the line was cut.
            }
            finally
            {
                open.TryRemove(daemon, out _);
                open.TryRemove(server, out _);
            }
    }

    private async Task Pass(Socket from, Socket to)
    {
        try
        {
            var buffer = new byte[65536];
            while (await from.ReceiveAsync(buffer) is > 0 and var count)
            {
                await moving.Task;
                for (var sent = 0; sent < count;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
            }
            await moving.Task;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The other end is told by the end of the connection.
        }
    }
}
