using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace CertAuthority.Linux;

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">0 if the program did what it was asked; null if its time was over and it was killed.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error, without the newline at the end.</param>
public readonly record struct ProgramExit(int? ExitCode, string Output, string Error);

/// <summary>
/// A program that runs to its end with a time limit: an ssh-agent that accepts and never answers must not hold up a login, nor a directory
/// service the daemon. Only those are started elsewhere that own the terminal, or with which a conversation is held.
/// </summary>
/// <param name="Program">Its path, or its name, found through PATH.</param>
/// <param name="Arguments">Its arguments; no shell reads them.</param>
public sealed partial record ChildProcess(string Program, ImmutableArray<string> Arguments)
{
    private const int SigKill = 9;

    private static readonly ConcurrentDictionary<int, string> Sessions = new();

    // For output that is on its way when the program has ended. Whoever holds a pipe open longer was left behind by it.
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(1);

    /// <summary>How long it may take. The default is enough for what asks nobody and connects to nothing.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Its standard input, and then the end of it.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>All of its environment; null for that of this process.</summary>
    public ImmutableArray<(string Name, string Value)>? Environment { get; init; }

    /// <summary>Variables that differ from that.</summary>
    public ImmutableArray<(string Name, string Value)> Variables { get; init; } = [];

    /// <summary>Where it runs; null for the directory of this process.</summary>
    public string? Directory { get; init; }

    /// <summary>How many bytes of each stream are kept; the rest is read and dropped.</summary>
    public int KeptOutput { get; init; } = int.MaxValue;

    /// <summary>
    /// Whether it has a session of its own, so that everything it starts is killed with it, and <see cref="OfSession"/> knows it.
    /// </summary>
    public bool HasSession { get; init; }

    /// <summary>The program that runs in a session, with whatever it has started; null if the session is none of ours.</summary>
    public static string? OfSession(int session) => Sessions.GetValueOrDefault(session);

    /// <summary>Runs it, and waits until it ends or its time is over.</summary>
    /// <exception cref="IOException">It cannot be started.</exception>
    /// <exception cref="OperationCanceledException">The caller has given up; the program was killed.</exception>
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
        // setsid(1) becomes the program, under the same process id, which then is that of its session and its group too.
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
        // Both at once: a program that fills one pipe while the other is read would stand still.
        var said = Task.WhenAll(Keep(process.StandardOutput.BaseStream, output), Keep(process.StandardError.BaseStream, error));
        int? exitCode = null;
        try
        {
            await Give(process.StandardInput.BaseStream, limit.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
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
            // The program does not want to know.
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
            // Nobody listens any more.
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
