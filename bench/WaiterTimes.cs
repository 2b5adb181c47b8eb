using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace CertAuthority.Bench;

/// <summary>Lets many accounts wait for the answer to one request, each on a connection of its own.</summary>
internal static class WaiterTimes
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);

    /// <summary>Prints what a waiter costs the daemon in memory and processor time, and how long after the approval the last one knows.</summary>
    /// <param name="args">The socket, the process of the daemon, the ID of a pending request that all of them may review, and how many wait.</param>
    public static async Task<int> Print(string[] args)
    {
        if (args is not [var socket, var pid, var request, var count])
        {
            Console.Error.WriteLine("usage: waiters SOCKET PID REQUEST COUNT");
            return 2;
        }
        var daemon = Process.GetProcessById(Number(pid));
        var waiters = Number(count);
        // The first call of an account that the daemon does not know is slow, on purpose.
        var look = Call("GET", $"/v1/my/requests/{request}");
        for (var n = 0; n < waiters; n++)
            CallerSocket.Connect(socket, CallerSocket.FirstUid + (uint)n, connection => Ask(connection, look)).Dispose();
        await Task.Delay(Idle);
        var empty = Memory(daemon);

        var wait = Call("GET", $"/v1/my/requests/{request}?after=1&wait=25s");
        var connections = new List<Socket>(waiters);
        var begun = Stopwatch.StartNew();
        for (var n = 0; n < waiters; n++)
            connections.Add(CallerSocket.Connect(socket, CallerSocket.FirstUid + (uint)n, connection => connection.Send(wait)));
        var told = connections.ConvertAll(connection => Told(connection));
        // Until the daemon has heard them all.
        await Task.Delay(TimeSpan.FromSeconds(10));
        Console.WriteLine($"{waiters} waiters after {begun.Elapsed.TotalSeconds:0.0} s, {told.Count(one => one.IsCompleted)} of them answered already");
        Console.WriteLine($"memory: {(Memory(daemon) - empty) / 1024.0 / waiters:0.0} KiB each ({empty >> 20} MiB without them)");
        var before = Processor(daemon);
        await Task.Delay(Idle);
        Console.WriteLine($"processor while they wait: {(Processor(daemon) - before) / Idle * 100:0.0} % of one");

        var awake = Processor(daemon);
        var from = Stopwatch.GetTimestamp();
        using (var root = CallerSocket.Connect(socket, 0, connection => Ask(connection, Call("POST", $"/v1/requests/{request}/approve", "{}"))))
            Console.WriteLine($"approved after {Stopwatch.GetElapsedTime(from).TotalMilliseconds:0} ms");
        var times = (await Task.WhenAll(told)).Select(at => Stopwatch.GetElapsedTime(from, at).TotalMilliseconds).Order().ToArray();
        Console.WriteLine($"the answer is there after {times[times.Length / 2]:0} ms (half of them), {times[times.Length * 99 / 100]:0} ms (99 of 100), {times[^1]:0} ms (all)");
        Console.WriteLine($"waking took {(Processor(daemon) - awake).TotalMicroseconds / waiters:0} microseconds of processor each");
        connections.ForEach(connection => connection.Dispose());
        return 0;
    }

    private static async Task<long> Told(Socket connection)
    {
        var answer = new byte[4096];
        var read = await connection.ReceiveAsync(answer);
        var at = Stopwatch.GetTimestamp();
        return Encoding.ASCII.GetString(answer, 0, read).Contains("\"state\":\"APPROVED\"", StringComparison.Ordinal)
            ? at
            : throw new InvalidOperationException($"not an approved request: {Encoding.UTF8.GetString(answer, 0, read)}");
    }

    private static void Ask(Socket connection, byte[] call)
    {
        var answer = new byte[16 * 1024];
        connection.Send(call);
        var read = connection.Receive(answer);
        if (read == 0)
            throw new SocketException((int)SocketError.ConnectionReset);
        if (!answer.AsSpan().StartsWith("HTTP/1.1 200 "u8))
            throw new InvalidOperationException($"refused: {Encoding.UTF8.GetString(answer, 0, read)}");
    }

    private static byte[] Call(string method, string path, string body = "") => Encoding.ASCII.GetBytes(
        $"{method} {path} HTTP/1.1\r\nHost: ca\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static long Memory(Process daemon)
    {
        daemon.Refresh();
        return daemon.WorkingSet64;
    }

    private static TimeSpan Processor(Process daemon)
    {
        daemon.Refresh();
        return daemon.TotalProcessorTime;
    }
}
