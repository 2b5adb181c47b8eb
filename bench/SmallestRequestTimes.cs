using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using CertAuthority.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace CertAuthority.Bench;

/// <summary>Compares the smallest request of the daemon with the same JSON from the HTTP server that it uses, alone.</summary>
internal static class SmallestRequestTimes
{
    private const int Rounds = 5;
    private static readonly byte[] Call = Encoding.ASCII.GetBytes($"{Routes.GetUserCas.Method} {Routes.GetUserCas.Path} HTTP/1.1\r\nHost: ca\r\n\r\n");

    /// <summary>Serves the JSON of that request to everybody, until the process is killed.</summary>
    /// <param name="args">The path of the socket.</param>
    public static async Task<int> Serve(string[] args)
    {
        if (args is not [var socket])
        {
            Console.Error.WriteLine("usage: bare-kestrel SOCKET");
            return 2;
        }
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket));
        await using var app = builder.Build();
        app.Run(context =>
        {
            var keys = new CaPublicKeys([new CaPublicKey($"ssh-ed25519 {new string('A', 68)} user CA", $"SHA256:{new string('A', 43)}")]);
            var json = JsonSerializer.SerializeToUtf8Bytes(keys, ProtocolJson.Strict.Of<CaPublicKeys>());
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = json.Length;
            return context.Response.Body.WriteAsync(json, 0, json.Length);
        });
        await app.RunAsync();
        return 0;
    }

    /// <summary>Prints, for each number of clients, the processor time of a call to each of the two, and the ratio: medians of rounds in turn.</summary>
    /// <param name="args">The socket and the process of the daemon, those of the bare server, seconds for each round, numbers of clients.</param>
    public static int Print(string[] args)
    {
        if (args is not [var socket, var pid, var bareSocket, var barePid, var length, .. var rounds] || rounds.Length == 0)
        {
            Console.Error.WriteLine("usage: smallest-request SOCKET PID BARE_SOCKET BARE_PID SECONDS CLIENTS…");
            return 2;
        }
        var time = TimeSpan.FromSeconds(Number(length));
        Console.WriteLine("clients\tcalls/s\tµs of processor\tp99 ms\tbare/s\tbare µs\tratio of µs");
        foreach (var clients in rounds.Select(Number))
        {
            var (ours, bare) = (Of(socket, pid), Of(bareSocket, barePid));
            // Both compile what is used often while they run.
            _ = (ours(time), bare(time));
            var pairs = Enumerable.Range(0, Rounds).Select(_ => (Ours: ours(time), Bare: bare(time))).OrderBy(pair => pair.Ours.Cost / pair.Bare.Cost).ToList();
            var (mine, theirs) = pairs[Rounds / 2];
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{clients}\t{mine.PerSecond:0}\t{mine.Cost:0.0}\t{mine.Wait(0.99):0.00}\t{theirs.PerSecond:0}\t{theirs.Cost:0.0}\t{mine.Cost / theirs.Cost:0.00}"));

            Func<TimeSpan, Load.Measured> Of(string path, string id)
            {
                var load = new Load([path], Call, [.. Enumerable.Repeat(0u, clients)]);
                var server = Process.GetProcessById(Number(id));
                return span => load.Round(clients, span, server);
            }
        }
        return 0;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
