using System.Collections.Immutable;

namespace CertAuthority.Linux;

/// <summary>The result of running a program.</summary>
/// <param name="Fault">What went wrong; null if the program exited with 0.</param>
/// <param name="Said">The beginning of its output on stdout and stderr; untrusted text.</param>
public sealed record ProgramRun(string? Fault, string Said);

/// <summary>
/// Runs a program that somebody else wrote: without a shell, with an almost empty environment, with its input on stdin, in the directory /
/// and in a session of its own. When its time is over, the whole process group is killed, including everything it has started.
/// </summary>
public static class ForeignProgram
{
    private const int KeptOutput = 2000;

    /// <summary>Runs the program, unless anybody other than root and the account of this process could change it.</summary>
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
