using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace CertAuthority.Bench;

/// <summary>
/// Calls a server, or several in turn, over and over from several connections at once, with nothing between the clock and the socket. The daemon asks the kernel
/// who connects, so each connection is made by a thread that is the account for that moment.
/// </summary>
/// <param name="sockets">The paths of the servers' sockets; the clients spread over them.</param>
/// <param name="call">The bytes of one call.</param>
/// <param name="uids">The accounts that call.</param>
internal sealed class Load(IReadOnlyList<string> sockets, byte[] call, IReadOnlyList<uint> uids)
{
    /// <summary>What one round measured.</summary>
    /// <param name="Waits">How long each call waited, in ascending order.</param>
    /// <param name="Wall">How long the round took.</param>
    /// <param name="Processor">The server's processor time.</param>
    public sealed record Measured(TimeSpan[] Waits, TimeSpan Wall, TimeSpan Processor)
    {
        public double PerSecond => Waits.Length / Wall.TotalSeconds;

        /// <summary>The server's processor time for one call, in µs.</summary>
        public double Cost => Processor.TotalMicroseconds / Waits.Length;

        /// <summary>The wait in ms that this share of the calls does not exceed.</summary>
        public double Wait(double share) => Waits[(int)((Waits.Length - 1) * share)].TotalMilliseconds;
    }

    /// <summary>One thread for each client, each with connections of its own, of which it uses one after the other.</summary>
    /// <param name="clients">How many call at the same time; at most as many as there are accounts.</param>
    /// <param name="length">How long they call.</param>
    /// <param name="servers">The processes whose processor time is measured.</param>
    public Measured Round(int clients, TimeSpan length, params IReadOnlyList<Process> servers)
    {
        var waits = new List<TimeSpan>[clients];
        using var ready = new Barrier(clients + 1);
        var end = long.MaxValue;
        var threads = Enumerable.Range(0, clients).Select(client => new Thread(() =>
        {
            var answer = new byte[16 * 1024];
            var connections = uids.Where((_, index) => index % clients == client)
                .Select(uid => CallerSocket.Connect(sockets[client % sockets.Count], uid, made => Ask(made, answer))).ToList();
            waits[client] = new List<TimeSpan>(100_000);
            ready.SignalAndWait();
            ready.SignalAndWait();
            for (var next = 0; Stopwatch.GetTimestamp() < Volatile.Read(ref end); next = (next + 1) % connections.Count)
            {
                var from = Stopwatch.GetTimestamp();
                Ask(connections[next], answer);
                waits[client].Add(Stopwatch.GetElapsedTime(from));
            }
            connections.ForEach(connection => connection.Dispose());
        })).ToList();
        threads.ForEach(thread => thread.Start());
        ready.SignalAndWait();
        var (before, watch) = (Processor(servers), Stopwatch.StartNew());
        Volatile.Write(ref end, Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency));
        ready.SignalAndWait();
        threads.ForEach(thread => thread.Join());
        var wall = watch.Elapsed;
        return new Measured([.. waits.SelectMany(of => of).Order()], wall, Processor(servers) - before);
    }

    private static TimeSpan Processor(IReadOnlyList<Process> servers)
    {
        var sum = TimeSpan.Zero;
        foreach (var server in servers)
        {
            server.Refresh();
            sum += server.TotalProcessorTime;
        }
        return sum;
    }

    private void Ask(Socket connection, byte[] answer)
    {
        connection.Send(call);
        var length = 0;
        do
        {
            var read = connection.Receive(answer.AsSpan(length));
            if (read == 0)
                throw new SocketException((int)SocketError.ConnectionReset);
            length += read;
        }
        while (!IsWhole(answer.AsSpan(0, length)));
    }

    /// <summary>Returns whether an answer is there to its end, and ends the run unless the call succeeded.</summary>
    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
            return false;
        if (!answer.StartsWith("HTTP/1.1 200 "u8))
            throw new InvalidOperationException($"the call failed: {Encoding.UTF8.GetString(answer)}");
        var at = answer.IndexOf("Content-Length: "u8) + "Content-Length: ".Length;
        return answer.Length - head - 4 >= int.Parse(answer[at..(at + answer[at..].IndexOf((byte)'\r'))], CultureInfo.InvariantCulture);
    }
}
