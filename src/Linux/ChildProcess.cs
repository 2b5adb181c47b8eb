using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace CertAuthority.Linux;

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">0 if the program succeeded; null if it, or its output, did not end within its time limit.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error, without the newline at the end.</param>
public readonly record struct ProgramExit(int? ExitCode, string Output, string Error);

/// <summary>
/// Runs a program to its end with a time limit: an ssh-agent that accepts a connection and never answers must not block a login, and a
/// directory service that hangs must not block the daemon. Only programs that own the terminal, or that exchange messages with us, are
/// started elsewhere.
/// </summary>
/// <param name="Program">The program's path, or a name to find through PATH.</param>
/// <param name="Arguments">Its arguments; no shell reads them.</param>
public sealed partial record ChildProcess(string Program, ImmutableArray<string> Arguments)
{
    private const int SigKill = 9;

    private static readonly ConcurrentDictionary<int, string> Sessions = new();

    // For output that is still in transit when the program has ended. Only a process that the program left behind holds a pipe open for
    // longer.
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(1);

    /// <summary>The time limit. The default is enough for a program that asks nobody and connects to nothing.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The program's standard input, which ends after these bytes.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>The whole environment; null for that of this process.</summary>
    public ImmutableArray<(string Name, string Value)>? Environment { get; init; }

    /// <summary>Variables that differ from that environment.</summary>
    public ImmutableArray<(string Name, string Value)> Variables { get; init; } = [];

    /// <summary>The working directory; null for that of this process.</summary>
    public string? Directory { get; init; }

    /// <summary>How many bytes of each stream are kept; the rest is read and dropped.</summary>
    public int KeptOutput { get; init; } = int.MaxValue;

    /// <summary>
    /// Whether the program gets its own session, so that everything it starts is killed with it, and <see cref="OfSession"/> can find it.
    /// </summary>
    public bool HasSession { get; init; }

    /// <summary>Returns the program that runs in a session, with everything it has started; null if the session is not ours.</summary>
    public static string? OfSession(int session) => Sessions.GetValueOrDefault(session);

    /// <summary>Runs the program, and waits until it ends or exceeds its time limit.</summary>
    /// <exception cref="IOException">The program cannot be started.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled the run; the program was killed.</exception>
    public async Task<ProgramExit> Run(CancellationToken cancellation)
    {
        using var process = Start();
        if (HasSession)
            Sessions[process.Id] = Program;
        try
        {
            return await Attend(process, cancellation).ConfigureAwait(false);
        }
        finally
        {
            if (HasSession)
                Sessions.TryRemove(process.Id, out _);
        }
    }

    private Process Start()
    {
        // setsid(1) becomes the program and keeps the process ID, which is then also the ID of its session and its group.
        var start = HasSession ? new ProcessStartInfo("setsid", ["--", Program, .. Arguments]) : new ProcessStartInfo(Program, Arguments);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.UseShellExecute = false;
        start.WorkingDirectory = Directory ?? "";
        if (Environment is not null)
            start.Environment.Clear();
        foreach (var (name, value) in (ImmutableArray<(string, string)>)[.. Environment ?? [], .. Variables])
            start.Environment[name] = value;
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{Program} cannot be started: {e.Message}", e);
        }
    }

    private async Task<ProgramExit> Attend(Process process, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Within);
        var (output, error) = (new MemoryStream(), new MemoryStream());
        // Reads both at once: a program that fills one pipe while only the other is read would block.
        var said = Task.WhenAll(Keep(process.StandardOutput.BaseStream, output), Keep(process.StandardError.BaseStream, error));
        int? exitCode = null;
        try
        {
            await Give(process.StandardInput.BaseStream, limit.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            // Output that was cut off must not be taken for all of it. A session only logs its output, and its end closes the pipes.
            if (!HasSession)
                await said.WaitAsync(limit.Token).ConfigureAwait(false);
            exitCode = process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            Kill(process);
            cancellation.ThrowIfCancellationRequested();
        }
        if (await Task.WhenAny(said, Task.Delay(Drain, CancellationToken.None)).ConfigureAwait(false) != said && HasSession)
            Kill(process);
        return new ProgramExit(exitCode, Text(output), Text(error).Trim());
    }

    private async Task Give(Stream stdin, CancellationToken limit)
    {
        try
        {
            await using (stdin.ConfigureAwait(false))
                await stdin.WriteAsync(Input, limit).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The program does not read its input.
        }
    }

    private async Task Keep(Stream from, MemoryStream to)
    {
        var chunk = new byte[4096];
        try
        {
            while (await from.ReadAsync(chunk).ConfigureAwait(false) is > 0 and var length)
                lock (to)
                    to.Write(chunk, 0, Math.Min(length, KeptOutput - (int)to.Length));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody reads the output any more.
        }
    }

    private void Kill(Process process)
    {
        if (HasSession)
            _ = Kill(-process.Id, SigKill);
        else
            process.Kill(entireProcessTree: true);
    }

    private static string Text(MemoryStream stream)
    {
        lock (stream)
            return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
