using CertAuthority.Linux;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// Checks a directory in which only its owner (and root) can create, replace or read keys. Another account that can write to it, or to a
/// directory above it, could put its own key there, and tsh would have it certified.
/// </summary>
internal static class PrivateFolder
{
    /// <summary>Refuses a directory that another account can write to. Nothing is created.</summary>
    /// <param name="path">
    /// An absolute path; a path that does not exist yet is checked by the directories in which it will be created.
    /// </param>
    /// <exception cref="FailureException">Another account can write to it, or this account cannot enter it.</exception>
    public static void Expect(string path)
    {
        if (Fault(path) is var (fault, hint))
            throw new FailureException(fault, hint);
    }

    /// <summary>Returns whether a directory exists, this account can enter it, and no other account can write to it.</summary>
    public static bool IsSafe(string path)
    {
        try
        {
            return Directory.Exists(path) && Fault(path) is null;
        }
        catch (FailureException)
        {
            return false;
        }
    }

    private static (string Fault, string Hint)? Fault(string path)
    {
        var existing = path;
        while (Stat(existing) is null)
            existing = Path.GetDirectoryName(existing)!;
        // The directories that matter are those to which links lead.
        var real = FileStatus.RealPath(existing);
        for (var folder = real; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var status = Stat(folder)!.Value;
            if (status.Owner != 0 && status.Owner != Accounts.OwnUid)
                return ($"{folder} belongs to another account, uid {status.Owner}, which could put its own key there",
                    "set TSH_HOME to a folder of your own");
            // In /tmp and similar directories, people cannot change other people's directories.
            var isProtected = status.IsSticky && !(folder == real && existing == path);
            if (status.IsWritableByOthers && !isProtected)
                return ($"other accounts can write {folder}, and could put their own key there", $"chmod go-w {folder}");
        }
        return null;
    }

    /// <summary>Returns the status of the file at a path, following links; null if there is none.</summary>
    private static FileStatus? Stat(string path)
    {
        try
        {
            return FileStatus.Follow(path);
        }
        catch (UnauthorizedAccessException)
        {
            throw new FailureException($"{path} cannot be reached: permission denied", "set HOME, or TSH_HOME, to a folder of your own");
        }
        catch (IOException e)
        {
            throw new FailureException($"{path} cannot be used: {e.Message}");
        }
    }
}
