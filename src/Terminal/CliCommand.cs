using System.CommandLine;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>
/// A command that does something: each has its own file. What goes wrong in it becomes words and an exit code here, and only here.
/// </summary>
public abstract class CliCommand : Command
{
    /// <summary>A command.</summary>
    /// <param name="name">Its word.</param>
    /// <param name="description">One sentence for the help.</param>
    /// <param name="examples">Whole command lines, shown under the help.</param>
    protected CliCommand(string name, string description, params string[] examples)
        : base(name, description)
    {
        Examples = examples;
        SetAction(RunToExitCode);
    }

    /// <summary>Whole command lines that show it in use.</summary>
    public IReadOnlyList<string> Examples { get; }

    /// <summary>Does it.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    protected abstract Task<int> Run(ParseResult parsed, CancellationToken cancellation);

    private async Task<int> RunToExitCode(ParseResult parsed, CancellationToken cancellation)
    {
        try
        {
            return await Run(parsed, cancellation);
        }
        catch (ProblemException refused)
        {
            parsed.Complain(refused.Problem);
            return ExitCode.Failed;
        }
        catch (UnreachableException unreachable)
        {
            parsed.Complain(unreachable.Message, unreachable.Hint);
            return ExitCode.Unreachable;
        }
        catch (FailureException failure)
        {
            parsed.Complain(failure.Message, failure.Hint);
            return failure.ExitCode;
        }
        catch (Exception disk) when (disk is IOException or UnauthorizedAccessException)
        {
            parsed.Complain(Wording.InOurStyle(disk.Message));
            return ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            parsed.Complain("interrupted");
            return ExitCode.Interrupted;
        }
        catch (Exception fault)
        {
            // The last resort: nobody at a prompt is helped by a stack trace.
            parsed.Complain($"a fault of {parsed.RootCommandResult.Command.Name} itself: {fault.GetType().Name}: {fault.Message}");
            return ExitCode.Failed;
        }
    }
}
