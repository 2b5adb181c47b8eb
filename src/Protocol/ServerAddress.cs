namespace CertAuthority.Protocol;

/// <summary>Where the daemon is: <c>unix:PATH</c>.</summary>
/// <param name="SocketPath">The socket's path.</param>
public sealed record ServerAddress(string SocketPath)
{
    /// <summary>Where a daemon of this account listens unless told otherwise.</summary>
    /// <param name="isRoot">Root's is the one of the whole machine.</param>
    /// <param name="runtimeDirectory">The value of XDG_RUNTIME_DIR, or null.</param>
    public static string DefaultSocket(bool isRoot, string? runtimeDirectory) =>
        isRoot || string.IsNullOrEmpty(runtimeDirectory) ? "/run/certauthority/ca.sock" : Path.Combine(runtimeDirectory, "certauthority", "ca.sock");

    /// <summary>Reads <c>unix:PATH</c>; null for anything else.</summary>
    public static ServerAddress? TryParse(string text) =>
        text.StartsWith("unix:", StringComparison.Ordinal) && Path.IsPathFullyQualified(text["unix:".Length..]) ? new ServerAddress(text["unix:".Length..]) : null;

    /// <inheritdoc/>
    public override string ToString() => $"unix:{SocketPath}";
}
