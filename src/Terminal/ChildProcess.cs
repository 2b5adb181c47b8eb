using System.ComponentModel;
using System.Diagnostics;

namespace CertAuthority.Terminal;

/// <summary>
/// A program that has run to its end. The command lines start every program here, so that each has a time limit: an ssh-agent that
/// accepts and never answers must not hold up a login. Only ssh and an editor are started elsewhere: they own the terminal or are the
/// connection itself.
/// </summary>
/// <param name="ExitCode">0 where the program did what it was asked.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error, without the newline at the end.</param>
public readonly record struct ChildProcess(int ExitCode, string Output, string Error)
{
    /// <summary>How long a program may take that asks nobody and connects to nothing.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Runs a program without input, and waits until it ends.</summary>
    /// <param name="program">Its name, found through PATH.</param>
    /// <param name="arguments">Its arguments; no shell reads them.</param>
    /// <param name="cancellation">Kills the program when the user interrupts.</param>
    /// <param name="limit">The time after which the program is killed; <see cref="Limit"/> unless given.</param>
    /// <param name="tooLate">The message when that happens, for a program that waits for something with a name of its own.</param>
    /// <param name="environment">Variables that differ from this process's own.</param>
    /// <exception cref="FailureException">The program is not installed, or did not end in time.</exception>
    public static async Task<ChildProcess> Run(
        string program, IEnumerable<string> arguments, CancellationToken cancellation,
        TimeSpan? limit = null, string? tooLate = null, params (string Name, string Value)[] environment)
    {
        var within = limit ?? Limit;
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Start(start);
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timer.CancelAfter(within);
        try
        {
            process.StandardInput.Close();
            // Both at once: a program that fills one pipe while we read the other would stand still.
            var (output, error) = (process.StandardOutput.ReadToEndAsync(CancellationToken.None), process.StandardError.ReadToEndAsync(CancellationToken.None));
            await process.WaitForExitAsync(timer.Token);
            // What it left in the background may hold the pipes open.
            return new ChildProcess(process.ExitCode, await output.WaitAsync(timer.Token), (await error.WaitAsync(timer.Token)).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellation.ThrowIfCancellationRequested();
            throw new FailureException(tooLate ?? $"{program} did not end within {within.TotalSeconds} s and was stopped");
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            throw new FailureException($"{start.FileName} cannot be started", "install the OpenSSH client");
        }
    }
}
