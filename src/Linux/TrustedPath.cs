namespace CertAuthority.Linux;

/// <summary>
/// Whether only root and the account of the daemon decide what lies at a path: what the daemon obeys, such as its configuration, and what
/// it runs
/// must be nobody else's. Whoever can write in a folder can put another file there; whoever owns a link can lead it elsewhere.
/// </summary>
public static class TrustedPath
{
    // The kernel follows as many.
    private const int MostLinks = 40;

    /// <summary>Who else could change what lies there, and how to mend it; null when nobody can, or nothing lies there.</summary>
    /// <param name="path">Absolute.</param>
    /// <param name="account">
    /// The uid that the daemon runs as, where somebody else looks at its files; null for that of this process.
    /// </param>
    /// <exception cref="IOException">The kernel does not say.</exception>
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
            // Of what is sticky, the next part is safe when it is ours.
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

    /// <summary>A file of at most a mebibyte that nobody else could have changed.</summary>
    /// <param name="path">Where.</param>
    /// <param name="account">As above.</param>
    /// <exception cref="ExposedException">Somebody could.</exception>
    /// <exception cref="IOException">It is no regular file, is too long, or cannot be read.</exception>
    public static byte[] Read(string path, uint? account = null)
    {
        const int Longest = 1 << 20;
        if (Fault(Path.GetFullPath(path), account) is { } fault)
            throw new ExposedException(fault);
        // Looked at before it is opened: opening a FIFO waits for whoever writes to it.
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
