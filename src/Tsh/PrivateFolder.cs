using CertAuthority.Linux;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// A folder where nobody but its owner (and root) can put, replace or read keys. Somebody who can write to it, or to a folder
/// above it, could plant a key of their own there, and tsh would have it certified.
/// </summary>
internal static class PrivateFolder
{
    /// <summary>Refuses a folder that somebody else can write. Nothing is created.</summary>
    /// <param name="path">An absolute path; what does not exist yet is judged by the folders in which it will be made.</param>
    /// <exception cref="FailureException">Somebody else can write it, or this account cannot enter it.</exception>
    public static void Expect(string path)
    {
        if (Fault(path) is var (fault, hint))
            throw new FailureException(fault, hint);
    }

    /// <summary>Whether a folder is there, this account can enter it, and nobody else can write it.</summary>
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
        // The folders that count are those behind links.
        var real = FileStatus.RealPath(existing);
        for (var folder = real; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var status = Stat(folder)!.Value;
            if (status.Owner != 0 && status.Owner != Accounts.OwnUid)
                return ($"{folder} belongs to another account, uid {status.Owner}, which could put its own key there",
                    "set TSH_HOME to a folder of your own");
            // In /tmp and its kind people cannot touch the folders of other people.
            var isProtected = status.IsSticky && !(folder == real && existing == path);
            if (status.IsWritableByOthers && !isProtected)
                return ($"other accounts can write {folder}, and could put their own key there", $"chmod go-w {folder}");
        }
        return null;
    }

    /// <summary>What lies at a path, behind links; null where there is nothing.</summary>
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
