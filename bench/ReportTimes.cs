using System.Diagnostics;
using System.Globalization;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Bench;

/// <summary>What a report on everybody's access costs at a large site: time, the daemon's processor time, and memory on both sides.</summary>
internal static class ReportTimes
{
    /// <summary>Fills a new database, starts the daemon on it, takes a report, and prints what it cost.</summary>
    /// <param name="args">
    /// The programs of the daemon and of tctl, an empty directory, and how many there are of: ended requests, certificates and audit
    /// entries each, users, roles, nodes.
    /// </param>
    public static async Task<int> Print(string[] args)
    {
        if (args is not [var program, var tctl, var directory, var history, var users, var roles, var nodes])
        {
            await Console.Error.WriteLineAsync("usage: reports PROGRAM TCTL DIRECTORY HISTORY USERS ROLES NODES");
            return 2;
        }
        Directory.CreateDirectory(Path.Combine(directory, "data"), (UnixFileMode)0b111_000_000);
        await File.WriteAllTextAsync(Path.Combine(directory, "certauthority.yaml"), "{}\n");
        await FilledDatabase.Write(
            Path.Combine(directory, "data/certauthority.db"), Number(history), Number(users), Number(roles), Number(nodes), live: 0);
        await using var daemon = await RunningDaemon.Start(program, directory);
        await daemon.Idle();
        var (before, memory, watch) = (daemon.Processor, daemon.Memory, Stopwatch.StartNew());
        var start = new ProcessStartInfo(tctl, ["access", "report", $"--server=unix:{directory}/ca.sock", "--since=3650d", "--format=json"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        using var report = Process.Start(start)!;
        var (bytes, peak, chunk) = (0L, 0L, new byte[1 << 16]);
        while (await report.StandardOutput.BaseStream.ReadAsync(chunk) is > 0 and var read)
        {
            bytes += read;
            report.Refresh();
            peak = report.HasExited ? peak : Math.Max(peak, report.PeakWorkingSet64);
        }
        await report.WaitForExitAsync();
        Row("exit code", report.ExitCode);
        Row("time, s", watch.Elapsed.TotalSeconds);
        Row("processor time of the daemon, s", (daemon.Processor - before).TotalSeconds);
        Row("memory of the daemon before, MB", memory / 1e6);
        Row("memory of the daemon after, MB", daemon.Memory / 1e6);
        Row("most memory of tctl, MB", peak / 1e6);
        Row("report, MB", bytes / 1e6);
        return 0;
    }

    private static void Row(string name, double value) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}\t{value:0.0}"));

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
