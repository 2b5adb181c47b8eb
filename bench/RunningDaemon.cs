using System.Diagnostics;
using System.Globalization;
using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Bench;

/// <summary>A daemon of its own, and a client of it.</summary>
internal sealed class RunningDaemon : IAsyncDisposable
{
    private readonly Process process;

    private RunningDaemon(Process process, CaClient client) => (this.process, Client) = (process, client);

    public CaClient Client { get; }

    public TimeSpan Ready { get; private set; }

    /// <summary>Memory in use, in bytes.</summary>
    public long Memory
    {
        get
        {
            process.Refresh();
            return process.WorkingSet64;
        }
    }

    /// <summary>The processor time so far, utime and stime of /proc/PID/stat.</summary>
    public TimeSpan Processor
    {
        get
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }
    }

    public static async Task<RunningDaemon> Start(string program, string directory)
    {
        var watch = Stopwatch.StartNew();
        var process = Process.Start(new ProcessStartInfo(
            program, [$"--config={directory}/certauthority.yaml", $"--data-dir={directory}/data", $"--socket={directory}/ca.sock"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var log = new StringBuilder();
        process.ErrorDataReceived += (_, line) => log.AppendLine(line.Data);
        process.BeginErrorReadLine();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
            if (line.StartsWith("ready:", StringComparison.Ordinal))
            {
                var ready = watch.Elapsed;
                // Whatever it prints later must not fill the pipe.
                _ = process.StandardOutput.ReadToEndAsync();
                return new RunningDaemon(process, new CaClient(ServerAddress.TryParse($"unix:{directory}/ca.sock")!, _ => true, TimeSpan.FromMinutes(10))) { Ready = ready };
            }
        throw new InvalidOperationException($"the daemon did not start: {log}");
    }

    /// <summary>Waits until the daemon has done what it does in the background after a start.</summary>
    public async Task Idle()
    {
        for (var (last, quiet) = (TimeSpan.Zero, 0); quiet < 3;)
        {
            await Task.Delay(1000);
            var used = Processor;
            quiet = (used - last).TotalMilliseconds <= 20 ? quiet + 1 : 0;
            last = used;
        }
    }

    public Task<LoggedIn> Login(string key, int n) => Client.Send(Routes.Login, new Login(key, User: $"u{(n % FilledDatabase.Own) + 1}"));

    /// <summary>Logs in over and over, and returns how long the slowest login took.</summary>
    public async Task<TimeSpan> SlowestLogin(string key, CancellationToken stop)
    {
        var slowest = TimeSpan.Zero;
        for (var n = 0; !stop.IsCancellationRequested; n++)
        {
            var watch = Stopwatch.StartNew();
            await Login(key, n);
            slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
            await Task.Delay(5, CancellationToken.None);
        }
        return slowest;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
