using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace CertAuthority.Bench;

/// <summary>Asks a running daemon for certificates from several connections at once, with nothing between the clock and the socket.</summary>
internal static class IssuanceTimes
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    /// <summary>Prints, for each number of clients, certificates per second, the daemon's processor time for one, and how long callers wait.</summary>
    /// <param name="args">The socket, the process of the daemon, a public key, how many users there are (u1, u2, …), seconds for each round, numbers of clients.</param>
    public static async Task<int> Print(string[] args)
    {
        if (args is not [var socket, var pid, var key, var users, var length, .. var rounds] || rounds.Length == 0)
        {
            Console.Error.WriteLine("usage: issuance SOCKET PID KEY USERS SECONDS CLIENTS…");
            return 2;
        }
        var daemon = Process.GetProcessById(Number(pid));
        var calls = new Calls(socket, key, Number(users));
        await Round(calls, 8, WarmUp);
        Console.WriteLine("clients\tcertificates/s\tµs of processor\tp50 ms\tp99 ms");
        foreach (var clients in rounds.Select(Number))
        {
            daemon.Refresh();
            var (before, watch) = (daemon.TotalProcessorTime, Stopwatch.StartNew());
            var waits = await Round(calls, clients, TimeSpan.FromSeconds(Number(length)));
            var wall = watch.Elapsed;
            daemon.Refresh();
            var processor = daemon.TotalProcessorTime - before;
            Array.Sort(waits);
            Console.WriteLine(string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{clients}\t{waits.Length / wall.TotalSeconds:0}\t{processor.TotalMicroseconds / waits.Length:0}\t{At(0.5):0.00}\t{At(0.99):0.00}"));

            double At(double share) => waits[(int)((waits.Length - 1) * share)].TotalMilliseconds;
        }
        return 0;
    }

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<TimeSpan[]> Round(Calls calls, int clients, TimeSpan length)
    {
        var end = Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency);
        return (await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(() => calls.Repeat(client, end))))).SelectMany(waits => waits).ToArray();
    }

    /// <summary>One user after the other: each may have a limited number of live certificates.</summary>
    private sealed class Calls(string socket, string key, int users)
    {
        private int next;

        public async Task<List<TimeSpan>> Repeat(int client, long end)
        {
            using var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket));
            var answer = new byte[16 * 1024];
            var waits = new List<TimeSpan>();
            while (Stopwatch.GetTimestamp() < end)
            {
                var body = $"{{\"public_key\":\"{key}\",\"user\":\"u{(uint)Interlocked.Increment(ref next) % users + 1}\"}}";
                var call = Encoding.ASCII.GetBytes($"POST /v1/my/certificates HTTP/1.1\r\nHost: ca\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
                var from = Stopwatch.GetTimestamp();
                await connection.SendAsync(call);
                await Answer(connection, answer);
                waits.Add(Stopwatch.GetElapsedTime(from));
            }
            return waits;
        }

        /// <summary>Reads one answer to its end, in chunks or of a known length, and ends the run unless it is a certificate.</summary>
        private static async Task Answer(Socket connection, byte[] buffer)
        {
            var length = 0;
            while (true)
            {
                var read = await connection.ReceiveAsync(buffer.AsMemory(length));
                if (read == 0)
                    throw new InvalidOperationException("the daemon has closed the connection");
                length += read;
                var so = Encoding.ASCII.GetString(buffer, 0, length);
                var head = so.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (head < 0)
                    continue;
                if (!so.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
                    throw new InvalidOperationException($"not a certificate: {so}");
                if (Whole(so, head))
                    return;
            }
        }

        private static bool Whole(string answer, int head)
        {
            const string Field = "Content-Length: ";
            var at = answer.IndexOf(Field, 0, head, StringComparison.OrdinalIgnoreCase);
            return at < 0
                ? answer.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal)
                : answer.Length - head - 4 >= Number(answer[(at + Field.Length)..answer.IndexOf('\r', at)]);
        }
    }
}
