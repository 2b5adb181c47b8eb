namespace CertAuthority.Protocol;

/// <summary>Nobody answers where the daemon should be, or whoever answers is not to be trusted.</summary>
public sealed class UnreachableException(string message, string? hint = null) : Exception(message)
{
    /// <summary>
    /// What is said, also by a relay to the far end of an ssh, where the daemon was there and hung up without a word: it was busy, or has
    /// ended.
    /// </summary>
    public const string BrokenOff = "the daemon broke off the connection";

    /// <summary>What to do about it.</summary>
    public string? Hint { get; } = hint;

    /// <summary>
    /// Whether it will be so the next time too, unless somebody does something about it: asking again is of no use, and a host counts
    /// refusals against one.
    /// </summary>
    public bool IsLasting { get; init; }

    /// <summary>Whether what was sent may have reached the daemon before.</summary>
    internal bool MayHaveArrived { get; init; }
}
