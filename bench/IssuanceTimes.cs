using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace CertAuthority.Bench;

/// <summary>Asks a running daemon for certificates from several connections at once, with nothing between the clock and the socket.</summary>
internal static class IssuanceTimes
{
    private const int WarmUpClients = 8;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    /// <summary>Prints, for each number of clients, certificates per second, the daemon's processor time for one, and how long callers wait.</summary>
    /// <param name="args">The socket, the process of the daemon, a public key, how many accounts have a user (uids from 200001 on), seconds for each round, numbers of clients.</param>
    public static int Print(string[] args)
    {
        if (args is not [var socket, var pid, var key, var users, var length, .. var rounds] || rounds.Length == 0)
        {
            Console.Error.WriteLine("usage: issuance SOCKET PID KEY USERS SECONDS CLIENTS…");
            return 2;
        }
        var daemon = Process.GetProcessById(Number(pid));
        var calls = new Calls(socket, key, Number(users));
        calls.Round(WarmUpClients, WarmUp, daemon);
        Console.WriteLine("clients\tcertificates/s\tµs of processor\tp50 ms\tp99 ms");
        foreach (var clients in rounds.Select(Number))
        {
            var (waits, wall, processor) = calls.Round(clients, TimeSpan.FromSeconds(Number(length)), daemon);
            Console.WriteLine(string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{clients}\t{waits.Length / wall.TotalSeconds:0}\t{processor.TotalMicroseconds / waits.Length:0}\t{At(0.5):0.00}\t{At(0.99):0.00}"));

            double At(double share) => waits[(int)((waits.Length - 1) * share)].TotalMilliseconds;
        }
        return 0;
    }

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>
    /// Calls as many accounts: each may log in only so often within a minute. The daemon asks the kernel who connects, so each connection
    /// is made by a thread that is the account for that moment.
    /// </summary>
    private sealed class Calls(string socket, string key, int users)
    {
        private readonly byte[] call = Call(key);

        /// <summary>One thread for each client, each with connections of its own, of which it uses one after the other.</summary>
        public (TimeSpan[] Waits, TimeSpan Wall, TimeSpan Processor) Round(int clients, TimeSpan length, Process daemon)
        {
            var waits = new List<TimeSpan>[clients];
            using var ready = new Barrier(clients + 1);
            var end = long.MaxValue;
            var threads = Enumerable.Range(0, clients).Select(client => new Thread(() =>
            {
                var answer = new byte[16 * 1024];
                var connections = Connect(Enumerable.Range(0, users).Where(user => user % clients == client), answer);
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
            daemon.Refresh();
            var (before, watch) = (daemon.TotalProcessorTime, Stopwatch.StartNew());
            Volatile.Write(ref end, Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency));
            ready.SignalAndWait();
            threads.ForEach(thread => thread.Join());
            var wall = watch.Elapsed;
            daemon.Refresh();
            return ([.. waits.SelectMany(of => of).Order()], wall, daemon.TotalProcessorTime - before);
        }

        private List<Socket> Connect(IEnumerable<int> accounts, byte[] answer) =>
            accounts.Select(account => CallerSocket.Connect(socket, CallerSocket.FirstUid + (uint)account, made => Ask(made, answer))).ToList();

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

        /// <summary>Returns whether an answer is there to its end, and ends the run unless it is a certificate.</summary>
        private static bool IsWhole(ReadOnlySpan<byte> answer)
        {
            var head = answer.IndexOf("\r\n\r\n"u8);
            if (head < 0)
                return false;
            if (!answer.StartsWith("HTTP/1.1 200 "u8))
                throw new InvalidOperationException($"not a certificate: {Encoding.UTF8.GetString(answer)}");
            var at = answer.IndexOf("Content-Length: "u8) + "Content-Length: ".Length;
            return answer.Length - head - 4 >= int.Parse(answer[at..(at + answer[at..].IndexOf((byte)'\r'))], provider: null);
        }

        private static byte[] Call(string key)
        {
            var body = $"{{\"public_key\":\"{key}\"}}";
            return Encoding.ASCII.GetBytes(
                $"POST /v1/my/certificates HTTP/1.1\r\nHost: ca\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        }
    }
}
