using CertAuthority.Linux;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Store;

/// <summary>
/// Space that the files of a database own beyond their content, so that a disk which other programs fill up still leaves enough room to
/// take access away. It is restored before each change that may not use it; while that is impossible, such changes are refused.
/// </summary>
/// <remarks>
/// The blocks belong to the database and its log themselves (fallocate(2) beyond their ends), so no other process can take them. Changes go
/// to the log, which starts again from its beginning after its content was copied into the database; so the space lasts for thousands of
/// revocations.
/// </remarks>
internal sealed class Reserve : IDisposable
{
    /// <summary>The number of bytes reserved beyond the end of each file.</summary>
    private const long Wanted = 4 << 20;

    /// <summary>How many of them may be used before they are renewed, so that not every change renews them.</summary>
    private const long Used = 256 << 10;

    private readonly List<KeptFile> files;
    private readonly ILogger log;
    private bool isImpossible;
    private bool isWhole = true;

    /// <param name="database">The database file, already open, with its log next to it.</param>
    /// <param name="log">Gets a line when the space runs out, and another when it is restored.</param>
    public Reserve(string database, ILogger log)
    {
        this.log = log;
        files = [new KeptFile(database), new KeptFile($"{database}-wal")];
        TopUp();
    }

    /// <summary>Whether all of the space is reserved.</summary>
    public bool IsWhole => Volatile.Read(ref isWhole);

    /// <summary>Reserves again what was used, if the disk has room.</summary>
    /// <returns>Whether all of the space is reserved, or the file system cannot reserve any.</returns>
    public bool TopUp()
    {
        if (isImpossible)
            return true;
        try
        {
            // Tries every file even if one has no room: the next one may need less.
            var kept = files.ConvertAll(file => file.TopUp()).TrueForAll(isKept => isKept);
            if (kept != isWhole)
                Tell(kept);
            Volatile.Write(ref isWhole, kept);
            return kept;
        }
        catch (IOException e)
        {
            isImpossible = true;
            log.LogWarning(
                "the file system of {Path} cannot keep room for a day on which it is full, and then nothing can be revoked, locked or denied: {Why}", files[0].Path, e.Message);
            return true;
        }
    }

    public void Dispose() => files.ForEach(file => file.Dispose());

    private void Tell(bool isKept)
    {
        if (isKept)
            log.LogInformation("there is room on the disk again: everything is done as before");
        else
            log.LogError(
                "the file system of {Path} is full: from now on nothing is granted or changed, until there is room, but revoking, locking and denying go on", files[0].Path);
    }

    /// <summary>
    /// One of the files. It stays open as long as SQLite has it open: closing any handle of a file releases all locks that the process has
    /// on it (fcntl(2)), including those of SQLite.
    /// </summary>
    private sealed class KeptFile(string path) : IDisposable
    {
        private readonly SafeFileHandle handle = File.OpenHandle(
            path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        private long keptTo;

        public string Path => path;

        public bool TopUp()
        {
            var length = RandomAccess.GetLength(handle);
            if (keptTo - length >= Wanted - Used)
                return true;
            if (!DiskSpace.TryKeep(handle, length, Wanted))
                return false;
            keptTo = length + Wanted;
            return true;
        }

        public void Dispose() => handle.Dispose();
    }
}
