namespace CertAuthority.Protocol;

/// <summary>Thrown if no daemon answers at its address, or if the process that answers is not trusted.</summary>
public sealed class UnreachableException(string message, string? hint = null) : Exception(message)
{
    /// <summary>
    /// The message if the daemon accepted the connection and closed it without an answer, because it was busy or has ended. The relay at
    /// the far end of an ssh connection uses it too.
    /// </summary>
    public const string BrokenOff = "the daemon broke off the connection";

    /// <summary>What to do about it.</summary>
    public string? Hint { get; } = hint;

    /// <summary>
    /// Whether the same will happen again until somebody fixes the cause: a retry is useless, and a host may count failed attempts against
    /// the caller.
    /// </summary>
    public bool IsLasting { get; init; }

    /// <summary>Whether the request may have reached the daemon before the failure.</summary>
    public bool MayHaveArrived { get; init; }

    /// <summary>What lists the things that a call may have changed whose outcome is not known; null if nothing does.</summary>
    public NextStep? Look { get; init; }
}
