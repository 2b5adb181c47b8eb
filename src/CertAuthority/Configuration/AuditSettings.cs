using CertAuthority.Linux;
using CertAuthority.Resources;

namespace CertAuthority.Configuration;

/// <summary>Where the daemon sends the audit, in addition to webhooks, and how long it keeps it.</summary>
/// <param name="Journal">Whether entries go to the systemd journal.</param>
/// <param name="File">The file that gets a line for each entry; null for none.</param>
internal sealed record AuditSettings(bool Journal, string? File)
{
    /// <summary>Sends it nowhere.</summary>
    public static readonly AuditSettings Nowhere = new(Journal: false, File: null);

    // A shorter time would archive what somebody still works with.
    private static readonly TimeSpan ShortestKeep = TimeSpan.FromDays(1);
    private static readonly TimeSpan LongestKeep = TimeSpan.FromDays(36500);

    /// <summary>The age at which an entry may be archived; null to keep all.</summary>
    public TimeSpan? Keep { get; init; }

    /// <summary>Reads the section.</summary>
    /// <param name="audit">The part of the configuration.</param>
    /// <param name="account">The uid that the daemon runs as, when root checks its files; null for the uid of this process.</param>
    /// <param name="dataDirectory">The data directory, which is no place for the file.</param>
    public static AuditSettings Read(FieldReader audit, uint? account, string dataDirectory)
    {
        var read = new AuditSettings(audit.Flag("journal"), audit.Text("file"))
        {
            Keep = audit.Duration("keep", ShortestKeep, LongestKeep),
        };
        if (read.File is { } path && Fault(path, account, dataDirectory) is { } fault)
            audit.Fault("file", $"{audit.Full("file")} {fault}");
        audit.Done();
        return read;
    }

    private static string? Fault(string path, uint? account, string dataDirectory)
    {
        if (!Path.IsPathFullyQualified(path) || path.EndsWith('/') || path.Contains('\0', StringComparison.Ordinal))
            return "takes the absolute path of a file";
        if (dataDirectory.Length > 0
            && Path.GetFullPath(path).StartsWith($"{Path.GetFullPath(dataDirectory).TrimEnd('/')}/", StringComparison.Ordinal))
            return $"takes a file outside of data_dir, {dataDirectory}";
        if (!Directory.Exists(Path.GetDirectoryName(path)))
            return $"is in a directory that does not exist: {Path.GetDirectoryName(path)}";
        return FileStatus.Read(path) switch
        {
            { IsLink: true } => $"is a symbolic link: {path}; name the file itself",
            { IsRegular: false } => $"is not a regular file: {path}",
            _ => TrustedPath.Fault(path, account) is { } exposed ? $"cannot be used: {exposed}" : null,
        };
    }
}
