using System.Buffers.Binary;
using System.Net.Sockets;
using CertAuthority.Linux;

namespace CertAuthority.Signer;

/// <summary>Serves an agent to one account, at a socket that systemd listens on.</summary>
/// <param name="listening">The socket.</param>
/// <param name="client">The uid that may connect. The kernel says who does.</param>
/// <param name="answer">Answers a message.</param>
/// <param name="report">Takes a line for each connection that is refused.</param>
internal sealed class AgentServer(Socket listening, uint client, Func<ReadOnlyMemory<byte>, Task<byte[]>> answer, Action<string> report)
{
    // A certificate to be signed has less than 8 KiB, and a key less than 1 KiB.
    private const int LongestMessage = 16 << 10;

    private const int MostConnections = 32;

    private int connections;

    /// <summary>Accepts connections until the acceptor is stopped.</summary>
    /// <exception cref="SocketException">The socket can no longer accept connections.</exception>
    public void Run(Acceptor acceptor)
    {
        listening.Blocking = false;
        while (acceptor.Wait(listening, TimeSpan.FromMinutes(1)))
            while (true)
            {
                if (Acceptor.Next(listening, out var isExhausted) is { } accepted)
                    Admit(accepted);
                else if (!isExhausted)
                    break;
                else if (!acceptor.Wait(listening: null, TimeSpan.FromMilliseconds(100)))
                    return;
            }
    }

    private void Admit(Accepted accepted)
    {
        if (accepted.Uid == client && connections < MostConnections)
        {
            Interlocked.Increment(ref connections);
            _ = Serve(accepted);
            return;
        }
        report(accepted.Uid == client
            ? $"a connection beyond {MostConnections}"
            : $"a connection of uid {accepted.Uid}, and only uid {client} may connect");
        accepted.Close();
    }

    private async Task Serve(Accepted accepted)
    {
        // The next connection does not wait for this one.
        await Task.Yield();
        try
        {
            using var connection = accepted.ToSocket();
            var length = new byte[sizeof(uint)];
            while (await Fill(connection, length))
            {
                var announced = BinaryPrimitives.ReadUInt32BigEndian(length);
                if (announced is 0 or > LongestMessage)
                {
                    report($"a message of {announced} bytes, and 1 to {LongestMessage} are read");
                    return;
                }
                var message = new byte[announced];
                if (!await Fill(connection, message))
                    return;
                var reply = await answer(message);
                var frame = new byte[sizeof(uint) + reply.Length];
                BinaryPrimitives.WriteInt32BigEndian(frame, reply.Length);
                reply.CopyTo(frame, sizeof(uint));
                for (var sent = 0; sent < frame.Length;)
                    sent += await connection.SendAsync(frame.AsMemory(sent));
            }
        }
        catch (SocketException)
        {
            // The client is gone.
        }
        finally
        {
            Interlocked.Decrement(ref connections);
        }
    }

    private static async Task<bool> Fill(Socket connection, Memory<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var count = await connection.ReceiveAsync(buffer);
            if (count == 0)
                return false;
            buffer = buffer[count..];
        }
        return true;
    }
}
