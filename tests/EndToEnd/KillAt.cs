using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Kills a running daemon at one of its next system calls, before the kernel has done it.</summary>
internal sealed class KillAt : IDisposable
{
    private readonly Process strace;

    private KillAt(Process strace) => this.strace = strace;

    /// <param name="daemon">The daemon.</param>
    /// <param name="calls">The system calls that count, separated by commas.</param>
    /// <param name="number">At which of them it dies, from 1.</param>
    /// <param name="path">The only file whose calls count; null for all.</param>
    public static async Task<KillAt> Attach(TestDaemon daemon, string calls, int number, string? path = null)
    {
        var strace = Process.Start(new ProcessStartInfo("strace", [
            "-f", "-qq", "-o", "/dev/null", .. path is null ? (string[])[] : ["-P", path], "-e", $"trace={calls}", "-e", $"inject={calls}:signal=KILL:when={number}", "-p", $"{daemon.ProcessId}"])
        { UseShellExecute = false })!;
        await Eventually.Holds(() => daemon.HasEnded || IsTraced(daemon.ProcessId));
        return new KillAt(strace);
    }

    private static bool IsTraced(int process)
    {
        try
        {
            return Directory.EnumerateDirectories($"/proc/{process}/task").All(task =>
                !File.ReadLines(Path.Combine(task, "status")).Contains("TracerPid:\t0"));
        }
        catch (IOException)
        {
            // A thread ended meanwhile.
            return false;
        }
    }

    /// <summary>Lets go of a daemon that is still there.</summary>
    public void Dispose()
    {
        if (!strace.HasExited)
        {
            using var end = Process.Start("kill", ["-s", "TERM", $"{strace.Id}"]);
            end.WaitForExit();
            // It can wait for ever for threads of a daemon that died while it was looking.
            if (!strace.WaitForExit(TimeSpan.FromSeconds(5)))
                strace.Kill();
        }
        strace.WaitForExit();
        strace.Dispose();
    }
}
