namespace CertAuthority.Protocol;

/// <summary>
/// The folders of the account that runs a program. A path made from them is absolute or missing: one made from an empty or relative
/// value would lead into whatever folder the program was started in, which can be somebody else's.
/// </summary>
public static class UserFolders
{
    /// <summary>
    /// The home directory: HOME, or the account's own where HOME is not set. It need not exist. Null where it is not an absolute path.
    /// </summary>
    public static string? Home =>
        Absolute(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify));

    /// <summary>
    /// A folder of the XDG Base Directory Specification, which says that a relative path counts as none. Null where nothing names one.
    /// </summary>
    /// <param name="variable">The environment variable that names it, such as XDG_STATE_HOME.</param>
    /// <param name="belowHome">Where it is otherwise, below the home directory; null for nowhere.</param>
    public static string? Xdg(string variable, string? belowHome) =>
        Absolute(Environment.GetEnvironmentVariable(variable))
            ?? (belowHome is not null && Home is { } home ? Path.Combine(home, belowHome) : null);

    /// <summary>A path that an environment variable names; null unless it is absolute.</summary>
    private static string? Absolute(string? path) => Path.IsPathFullyQualified(path ?? "") ? path : null;
}
