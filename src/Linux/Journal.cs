namespace CertAuthority.Linux;

/// <summary>
/// The systemd journal, which reads a priority at the beginning of each line: <c>&lt;3&gt;</c> is an error, <c>&lt;4&gt;</c> a warning
/// (sd-daemon(3)).
/// </summary>
public static class Journal
{
    /// <summary>The prefix of an error line: a priority if the journal reads stderr, otherwise empty.</summary>
    public static string ErrorPrefix => IsStderr ? "<3>" : "";

    /// <summary>
    /// Whether the journal reads stderr: systemd passes the device and the inode of the stream that it connected (systemd.exec(5)), and
    /// stderr may have been redirected since.
    /// </summary>
    public static bool IsStderr { get; } = Environment.GetEnvironmentVariable("JOURNAL_STREAM") is { } stream
        && stream.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon
        && new FileInfo("/proc/self/fd/2").LinkTarget is { } target
        && target.EndsWith($":[{stream[(colon + 1)..]}]", StringComparison.Ordinal);
}
