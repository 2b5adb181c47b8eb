using System.CommandLine;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>A command that runs something; each has its own file. Only this class turns errors into messages and exit codes.</summary>
public abstract class CliCommand : Command
{
    /// <summary>Creates a command.</summary>
    /// <param name="name">The name of the command.</param>
    /// <param name="description">One sentence for the help.</param>
    /// <param name="examples">Whole command lines, shown below the help.</param>
    protected CliCommand(string name, string description, params string[] examples)
        : base(name, description)
    {
        Examples = examples;
        SetAction(RunToExitCode);
    }

    /// <summary>Whole command lines that show it in use.</summary>
    public IReadOnlyList<string> Examples { get; }

    /// <summary>Runs the command.</summary>
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
            return parsed.IsUsage(refused.Problem) ? ExitCode.Usage : ExitCode.Failed;
        }
        catch (UnreachableException unreachable)
        {
            parsed.Complain(unreachable.Message, parsed.HintOf(unreachable));
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
            // The last resort: a stack trace does not help anybody at a prompt.
            parsed.Complain($"a fault of {parsed.RootCommandResult.Command.Name} itself: {fault.GetType().Name}: {fault.Message}");
            return ExitCode.Failed;
        }
    }
}
