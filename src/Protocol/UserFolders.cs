namespace CertAuthority.Protocol;

/// <summary>
/// The folders of the account that runs a program. A path made from them is absolute or null: a path made from an empty or relative value
/// would depend on the folder in which the program was started, which may belong to somebody else.
/// </summary>
public static class UserFolders
{
    /// <summary>
    /// The home directory: HOME, or the account's own if HOME is not set. It need not exist. Null if it is not an absolute path.
    /// </summary>
    public static string? Home =>
        Absolute(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify));

    /// <summary>
    /// Returns a folder of the XDG Base Directory Specification, which says to ignore relative paths. Null if nothing names one.
    /// </summary>
    /// <param name="variable">The environment variable that names it, such as XDG_STATE_HOME.</param>
    /// <param name="belowHome">The default below the home directory; null for none.</param>
    public static string? Xdg(string variable, string? belowHome) =>
        Absolute(Environment.GetEnvironmentVariable(variable))
            ?? (belowHome is not null && Home is { } home ? Path.Combine(home, belowHome) : null);

    /// <summary>Returns a path that an environment variable names; null unless it is absolute.</summary>
    private static string? Absolute(string? path) => Path.IsPathFullyQualified(path ?? "") ? path : null;
}
