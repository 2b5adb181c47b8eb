namespace CertAuthority.Linux;

/// <summary>
/// Checks that only root and the account of the daemon control the file at a path: nobody else may control what the daemon obeys, such as
/// its configuration, or what it runs. Anyone who can write to a folder can put another file there, and the owner of a link can point it
/// elsewhere.
/// </summary>
public static class TrustedPath
{
    // The kernel follows the same number.
    private const int MostLinks = 40;

    /// <summary>Returns who else could change the file, and how to fix that; null if nobody can, or if nothing exists there.</summary>
    /// <param name="path">The absolute path.</param>
    /// <param name="account">
    /// The uid that the daemon runs as, for a program of another account that checks its files; null for the uid of this process.
    /// </param>
    /// <exception cref="IOException">The kernel does not report it.</exception>
    public static string? Fault(string path, uint? account = null)
    {
        var self = account ?? Accounts.OwnUid;
        var (at, links) = ("/", 0);
        var ahead = new Stack<string>(Parts(path));
        while (ahead.TryPop(out var name))
        {
            if (name == "..")
            {
                at = Path.GetDirectoryName(at) ?? "/";
                continue;
            }
            at = Path.Combine(at, name);
            if (FileStatus.Read(at) is not { } status)
                return null;
            if (status.Owner != 0 && status.Owner != self)
                return $"{at} belongs to uid {status.Owner}, who could change it; run: chown {(status.IsLink ? "-h " : "")}{self} {at}";
            // In a sticky folder, the next part of the path is safe if it belongs to us.
            if (status.IsWritableByOthers && !(status.IsSticky && ahead.Count > 0))
                return $"{at} has mode {status.Permissions}, so that others can write there; run: chmod go-w {at}";
            if (!status.IsLink)
                continue;
            if (++links > MostLinks)
                return $"{path} goes through more than {MostLinks} symbolic links";
            var target = new FileInfo(at).LinkTarget ?? throw new IOException($"{at} cannot be read");
            at = target.StartsWith('/') ? "/" : Path.GetDirectoryName(at)!;
            foreach (var part in Parts(target))
                ahead.Push(part);
        }
        return null;
    }

    /// <summary>Reads a file of at most 1 MiB that nobody else could have changed.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="account">The uid that the daemon runs as; null for the uid of this process.</param>
    /// <exception cref="ExposedException">Somebody else could have changed it.</exception>
    /// <exception cref="IOException">It is not a regular file, is too long, or cannot be read.</exception>
    public static byte[] Read(string path, uint? account = null)
    {
        const int Longest = 1 << 20;
        if (Fault(Path.GetFullPath(path), account) is { } fault)
            throw new ExposedException(fault);
        // The type is checked before the file is opened, because opening a FIFO waits for a writer.
        if (FileStatus.Read(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path) is { IsRegular: false })
            throw new IOException("this is not a regular file");
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read);
        if (stream.Length > Longest)
            throw new IOException($"the file has more than {Longest} bytes");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    private static IEnumerable<string> Parts(string path) =>
        path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".").Reverse();
}
