namespace CertAuthority.Protocol;

/// <summary>Where the daemon is: <c>unix:PATH</c>.</summary>
/// <param name="SocketPath">The socket's path.</param>
public sealed record ServerAddress(string SocketPath)
{
    /// <summary>Where a daemon of this account listens unless told otherwise.</summary>
    /// <param name="isRoot">Root's is the one of the whole machine.</param>
    public static string DefaultSocket(bool isRoot)
    {
        if (isRoot)
            return "/run/certauthority/ca.sock";
        var runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        if (string.IsNullOrEmpty(runtime))
            runtime = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local/state/certauthority/run");
        return Path.Combine(runtime, "certauthority", "ca.sock");
    }

    /// <summary>Reads <c>unix:PATH</c>; null for anything else.</summary>
    public static ServerAddress? TryParse(string text) =>
        text.StartsWith("unix:", StringComparison.Ordinal) && Path.IsPathFullyQualified(text["unix:".Length..]) ? new ServerAddress(text["unix:".Length..]) : null;

    /// <inheritdoc/>
    public override string ToString() => $"unix:{SocketPath}";
}
