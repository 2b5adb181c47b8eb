using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace CertAuthority.Api;

/// <summary>
/// Tells a peer that has said all it will say from one that is gone. The HTTP server takes the end of what it reads for both, and gives
/// up the call under way; so <c>printf … | nc -N</c> and <c>printf … | ssh HOST tsh relay</c> would get no reply.
/// </summary>
internal sealed class Presence : IDisposable
{
    // A peer that is gone is noticed that much later than by the end of its input, and only if a call is under way.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    private readonly Socket socket;
    private readonly CancellationTokenSource gone = new();
    private readonly CancellationTokenRegistration endOfInput;
    private readonly CancellationTokenSource over = new();

    private Presence(Socket socket, ConnectionContext connection)
    {
        this.socket = socket;
        endOfInput = connection.ConnectionClosed.UnsafeRegister(state => _ = ((Presence)state!).Watch(), this);
        connection.ConnectionClosed = gone.Token;
    }

    /// <summary>Lets calls of a connection go on while their answer can still be read.</summary>
    public static Presence Of(ConnectionContext connection) => new(connection.Features.Get<IConnectionSocketFeature>()!.Socket, connection);

    public void Dispose()
    {
        endOfInput.Dispose();
        over.Cancel();
    }

    private async Task Watch()
    {
        while (CanBeWrittenTo())
        {
            await Task.Delay(LookEvery, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (over.IsCancellationRequested)
                return;
        }
        await gone.CancelAsync();
    }

    // Sending nothing fails when nobody will ever read.
    private bool CanBeWrittenTo()
    {
        try
        {
            _ = socket.Send(ReadOnlySpan<byte>.Empty, SocketFlags.None, out var error);
            return error is SocketError.Success or SocketError.WouldBlock;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }
}
