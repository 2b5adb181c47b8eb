using CertAuthority.Linux;

namespace CertAuthority.Terminal;

/// <summary>The programs of OpenSSH and their like, which a command line runs for its user.</summary>
public static class InstalledProgram
{
    /// <summary>Runs a program without input, and waits until it ends.</summary>
    /// <param name="program">Its name, found through PATH.</param>
    /// <param name="arguments">Its arguments; no shell reads them.</param>
    /// <param name="cancellation">Kills the program when the user interrupts.</param>
    /// <param name="limit">The time after which the program is killed; that of <see cref="ChildProcess"/> unless given.</param>
    /// <param name="tooLate">The message when that happens, for a program that waits for something with a name of its own.</param>
    /// <param name="variables">Variables that differ from this process's own.</param>
    /// <exception cref="FailureException">The program is not installed, or did not end in time.</exception>
    public static async Task<(int ExitCode, string Output, string Error)> Run(
        string program, IEnumerable<string> arguments, CancellationToken cancellation,
        TimeSpan? limit = null, string? tooLate = null, params (string Name, string Value)[] variables)
    {
        var child = new ChildProcess(program, [.. arguments]) { Variables = [.. variables] };
        if (limit is { } within)
            child = child with { Within = within };
        try
        {
            var (exitCode, output, error) = await child.Run(cancellation);
            return (exitCode
                ?? throw new FailureException(tooLate ?? $"{program} did not end within {child.Within.TotalSeconds} s and was stopped"),
                output, error);
        }
        catch (IOException)
        {
            throw new FailureException($"{program} cannot be started", "install the OpenSSH client");
        }
    }
}
