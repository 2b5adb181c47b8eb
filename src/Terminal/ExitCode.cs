namespace CertAuthority.Terminal;

/// <summary>The exit codes. They never change, because scripts rely on them.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;
    /// <summary>Refused or failed.</summary>
    public const int Failed = 1;
    /// <summary>The command line does not parse; nothing was tried.</summary>
    public const int Usage = 2;
    /// <summary>No daemon answers.</summary>
    public const int Unreachable = 3;
    /// <summary>The time limit of <c>--wait</c> has passed.</summary>
    public const int GaveUp = 4;
    /// <summary>Ctrl-C.</summary>
    public const int Interrupted = 130;

    /// <summary>All exit codes with their meaning; the help and the manual pages use this table.</summary>
    public static readonly (int Code, string Meaning)[] All =
    [
        (Done, "done"),
        (Failed, "refused or failed"),
        (Usage, "the command line is not understood; nothing was tried"),
        (Unreachable, "no daemon answers"),
        (GaveUp, "the time of --wait is over"),
        (Interrupted, "interrupted by Ctrl-C"),
    ];
}
