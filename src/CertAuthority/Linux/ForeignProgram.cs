using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace CertAuthority.Linux;

/// <summary>How a run of a program ended.</summary>
/// <param name="Fault">What went wrong; null when it ended with 0.</param>
/// <param name="Said">The beginning of what it wrote to stdout and stderr; anybody may have had a hand in it.</param>
internal sealed record ProgramRun(string? Fault, string Said);

/// <summary>
/// Runs a program that somebody else wrote: no shell, next to nothing in its environment, its input on stdin and then the end of it,
/// in / and in a session of its own. When its time is over the whole group of processes is killed, whatever it has started.
/// </summary>
internal static partial class ForeignProgram
{
    private const int KeptOutput = 2000;
    private const int SigKill = 9;

    private static readonly ConcurrentDictionary<int, string> Sessions = new();

    // For output that is on its way when the program has ended; who holds stdout open longer is a child that was left behind.
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(1);

    /// <summary>The program that runs in a session, with whatever it has started; null where the session is none of ours.</summary>
    internal static string? OfSession(int session) => Sessions.GetValueOrDefault(session);

    /// <exception cref="OperationCanceledException">The daemon is stopping; the program was killed.</exception>
    internal static async Task<ProgramRun> Run(ImmutableArray<string> command, ReadOnlyMemory<byte> input, TimeSpan within, CancellationToken stopping)
    {
        if (!File.Exists(command[0]))
            return new ProgramRun($"{command[0]} does not exist, or cannot be reached", "");
        if (TrustedPath.Fault(command[0]) is { } fault)
            return new ProgramRun(fault, "");
        // setsid(1) becomes the program, under the same process id, which then is that of its group too.
        var start = new ProcessStartInfo("setsid", ["--", .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment["LANG"] = "C.UTF-8";
        try
        {
            using var process = Process.Start(start) ?? throw new IOException("it did not start");
            Sessions[process.Id] = command[0];
            try
            {
                return await Attend(process, input, within, stopping);
            }
            finally
            {
                Sessions.TryRemove(process.Id, out _);
            }
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return new ProgramRun($"{command[0]} cannot be run: {e.Message}", "");
        }
    }

    private static async Task<ProgramRun> Attend(Process process, ReadOnlyMemory<byte> input, TimeSpan within, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(within);
        var (output, errors) = (new MemoryStream(), new MemoryStream());
        // Not under the limit: they end when the last process of the group has closed them.
        var said = Task.WhenAll(Keep(process.StandardOutput.BaseStream, output), Keep(process.StandardError.BaseStream, errors));
        try
        {
            await Write(process.StandardInput.BaseStream, input, limit.Token);
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _ = Kill(-process.Id, SigKill);
            await Task.WhenAny(said, Task.Delay(Drain, CancellationToken.None));
            stopping.ThrowIfCancellationRequested();
            return new ProgramRun($"it did not end within {within.TotalSeconds} s and was killed", Text(output, errors));
        }
        if (await Task.WhenAny(said, Task.Delay(Drain, CancellationToken.None)) != said)
            _ = Kill(-process.Id, SigKill);
        return new ProgramRun(process.ExitCode == 0 ? null : $"it ended with {process.ExitCode}", Text(output, errors));
    }

    private static async Task Write(Stream stdin, ReadOnlyMemory<byte> input, CancellationToken limit)
    {
        try
        {
            await using (stdin)
                await stdin.WriteAsync(input, limit);
        }
        catch (IOException)
        {
            // It does not want to know.
        }
    }

    private static async Task Keep(Stream from, MemoryStream to)
    {
        var chunk = new byte[4096];
        try
        {
            while (await from.ReadAsync(chunk) is > 0 and var length)
                lock (to)
                    to.Write(chunk, 0, Math.Min(length, KeptOutput - (int)to.Length));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody listens any more.
        }
    }

    private static string Text(MemoryStream output, MemoryStream errors)
    {
        lock (output)
            lock (errors)
                return (Encoding.UTF8.GetString(output.ToArray()) + Encoding.UTF8.GetString(errors.ToArray())).Trim();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
