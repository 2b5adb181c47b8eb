using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using CertAuthority.Linux;

namespace CertAuthority.Signing;

/// <summary>An agent that gave no answer. The message says why, in words that follow "the agent at PATH".</summary>
internal sealed class AgentException(string message) : Exception(message);

/// <summary>All connections to the agent are in use, by callers who got theirs earlier.</summary>
internal sealed class AgentBusyException() : Exception("all connections to the agent are in use");

/// <summary>
/// Asks an ssh-agent, over a few connections that are kept. Every answer is bounded in length and in time: an agent is a program that can
/// hang, and that somebody else may have written.
/// </summary>
/// <param name="socket">The path of its socket.</param>
internal sealed class AgentClient(string socket) : IDisposable
{
    /// <summary>How long an answer may take, with the wait for a connection. A caller then has an answer within 5 s.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(4);

    /// <summary>The length of the longest answer.</summary>
    public const int LongestAnswer = 64 << 10;

    // ssh-agent has one thread: further connections only wait there. Other agents do more at once.
    private const int Most = 4;

    private readonly SemaphoreSlim places = new(Most);
    private readonly ConcurrentStack<Socket> idle = new();

    /// <summary>The path of its socket.</summary>
    public string Path => socket;

    /// <summary>Sends a message, and returns the answer.</summary>
    /// <exception cref="AgentException">There is no answer.</exception>
    /// <exception cref="AgentBusyException">No connection became free in time.</exception>
    public async Task<byte[]> Ask(byte[] message)
    {
        using var limit = new CancellationTokenSource(Within);
        try
        {
            await places.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new AgentBusyException();
        }
        try
        {
            // An agent that was restarted has closed the connections to it.
            while (idle.TryPop(out var connection))
                if (await Exchange(connection, message, limit.Token) is { } answer)
                    return answer;
            return await Exchange(await Connect(limit.Token), message, limit.Token)
                ?? throw new AgentException("closes the connection instead of answering");
        }
        catch (OperationCanceledException)
        {
            throw new AgentException($"did not answer within {Within.TotalSeconds} s");
        }
        catch (SocketException failed)
        {
            throw new AgentException($"cannot be reached: {failed.Message}");
        }
        finally
        {
            places.Release();
        }
    }

    public void Dispose()
    {
        while (idle.TryPop(out var connection))
            connection.Dispose();
        places.Dispose();
    }

    private async Task<Socket> Connect(CancellationToken limit)
    {
        if (TrustedPath.Fault(socket) is { } fault)
            throw new AgentException($"is not asked, because others could use or replace it: {fault}");
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), limit);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Sends a message on a connection, and keeps the connection if the answer is whole.</summary>
    /// <returns>Null if the agent has closed the connection.</returns>
    private async Task<byte[]?> Exchange(Socket connection, byte[] message, CancellationToken limit)
    {
        var isWhole = false;
        try
        {
            var frame = new byte[sizeof(int) + message.Length];
            BinaryPrimitives.WriteInt32BigEndian(frame, message.Length);
            message.CopyTo(frame, sizeof(int));
            await connection.SendAsync(frame, limit);
            var length = new byte[sizeof(uint)];
            if (!await Fill(connection, length, limit))
                return null;
            var announced = BinaryPrimitives.ReadUInt32BigEndian(length);
            if (announced is 0 or > LongestAnswer)
                throw new AgentException($"announces an answer of {announced} bytes, and 1 to {LongestAnswer} are read");
            var answer = new byte[announced];
            if (!await Fill(connection, answer, limit))
                throw new AgentException("closes the connection in the middle of its answer");
            isWhole = true;
            idle.Push(connection);
            return answer;
        }
        catch (SocketException closed) when (closed.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return null;
        }
        finally
        {
            // What comes later on this connection would be the answer to another question.
            if (!isWhole)
                connection.Dispose();
        }
    }

    private static async Task<bool> Fill(Socket connection, Memory<byte> buffer, CancellationToken limit)
    {
        while (!buffer.IsEmpty)
        {
            var count = await connection.ReceiveAsync(buffer, limit);
            if (count == 0)
                return false;
            buffer = buffer[count..];
        }
        return true;
    }
}
