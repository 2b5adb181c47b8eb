using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace CertAuthority.Bench;

/// <summary>Asks a running daemon for certificates from several connections at once.</summary>
internal static class IssuanceTimes
{
    private const int WarmUpClients = 8;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Prints, for each number of clients, certificates per second, the daemon's processor time for one, and how long callers wait; and
    /// beside that what the machine can do at best, measured right afterwards.
    /// </summary>
    /// <param name="args">The sockets and the processes of one or more daemons, each separated by commas, a public key, how many accounts have a user (uids from 200001 on), a PostgreSQL server for the ceiling or an empty text, seconds for each round, numbers of clients.</param>
    public static int Print(string[] args)
    {
        if (args is not [var sockets, var pids, var key, var users, var server, var length, .. var rounds] || rounds.Length == 0)
        {
            Console.Error.WriteLine("usage: issuance SOCKET,… PID,… KEY USERS SERVER SECONDS CLIENTS…");
            return 2;
        }
        Process[] daemons = [.. pids.Split(',').Select(pid => Process.GetProcessById(Number(pid)))];
        var time = TimeSpan.FromSeconds(Number(length));
        // An account may log in only so often within a minute, so there are many.
        var calls = new Load(sockets.Split(','), Call(key), [.. Enumerable.Range(0, Number(users)).Select(user => CallerSocket.FirstUid + (uint)user)]);
        calls.Round(WarmUpClients, WarmUp, daemons);
        using var ceiling = new IssuanceCeiling(Path.GetDirectoryName(sockets.Split(',')[0])!, server);
        ceiling.Round(WarmUpClients, WarmUp);
        Console.WriteLine("clients\tcertificates/s\tµs of processor\tp50 ms\tp99 ms\tceiling/s\tceiling µs\tshare of it\ttimes its µs");
        foreach (var clients in rounds.Select(Number))
        {
            var ours = calls.Round(clients, time, daemons);
            var (best, cost) = ceiling.Round(clients, time / 2);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{clients}\t{ours.PerSecond:0}\t{ours.Cost:0}\t{ours.Wait(0.5):0.00}\t{ours.Wait(0.99):0.00}\t{best:0}\t{cost:0}\t{ours.PerSecond / best:0.00}\t{ours.Cost / cost:0.0}"));
        }
        return 0;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static byte[] Call(string key)
    {
        var body = $"{{\"public_key\":\"{key}\"}}";
        return Encoding.ASCII.GetBytes(
            $"POST /v1/my/certificates HTTP/1.1\r\nHost: ca\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
    }
}
