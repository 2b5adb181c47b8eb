using System.Collections.Immutable;

namespace CertAuthority.Linux;

/// <summary>How a run of a program ended.</summary>
/// <param name="Fault">What went wrong; null when it ended with 0.</param>
/// <param name="Said">The beginning of what it wrote to stdout and stderr; anybody may have had a hand in it.</param>
public sealed record ProgramRun(string? Fault, string Said);

/// <summary>
/// Runs a program that somebody else wrote: no shell, next to nothing in its environment, its input on stdin and then the end of it,
/// in / and in a session of its own. When its time is over the whole group of processes is killed, whatever it has started.
/// </summary>
public static class ForeignProgram
{
    private const int KeptOutput = 2000;

    /// <summary>Runs it, unless anybody but root and the account of this process could change it.</summary>
    /// <exception cref="OperationCanceledException">The daemon is stopping; the program was killed.</exception>
    public static async Task<ProgramRun> Run(
        ImmutableArray<string> command, ReadOnlyMemory<byte> input, TimeSpan within, CancellationToken stopping)
    {
        if (!File.Exists(command[0]))
            return new ProgramRun($"{command[0]} does not exist, or cannot be reached", "");
        if (TrustedPath.Fault(command[0]) is { } fault)
            return new ProgramRun(fault, "");
        var program = new ChildProcess(command[0], command[1..])
        {
            Within = within,
            Input = input,
            Environment = [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8")],
            Directory = "/",
            KeptOutput = KeptOutput,
            HasSession = true,
        };
        try
        {
            var exit = await program.Run(stopping).ConfigureAwait(false);
            return new ProgramRun(
                exit.ExitCode switch
                {
                    0 => null,
                    null => $"it did not end within {within.TotalSeconds} s and was killed",
                    var code => $"it ended with {code}"
                },
                (exit.Output + exit.Error).Trim());
        }
        catch (IOException e)
        {
            return new ProgramRun(e.Message, "");
        }
    }
}
