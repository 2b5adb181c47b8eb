namespace CertAuthority.Terminal;

/// <summary>Thrown if a command cannot do what it was asked.</summary>
/// <param name="message">What went wrong: lower case, no full stop.</param>
/// <param name="hint">What to do about it, if that helps.</param>
/// <param name="exitCode">One of <see cref="ExitCode"/>.</param>
public sealed class FailureException(string message, string? hint = null, int exitCode = ExitCode.Failed) : Exception(message)
{
    /// <summary>What to do about it.</summary>
    public string? Hint { get; } = hint;

    /// <summary>The exit code of the program.</summary>
    public int ExitCode { get; } = exitCode;
}
