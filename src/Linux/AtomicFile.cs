using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>
/// Files that other programs read, replace or remove while we work with them: on the disk when a call returns, whole, or not at all.
/// </summary>
public static partial class AtomicFile
{
    /// <summary>Mode 0600.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Mode 0644.</summary>
    public const UnixFileMode ReadableByAll = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>
    /// What a file holds; null if there is none. Asking first whether it exists would not do: another program can remove it in between.
    /// </summary>
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Creates a file. One that exists is never replaced. The umask does not matter.</summary>
    /// <exception cref="IOException">The path exists, or the disk refused.</exception>
    public static void Create(string path, ReadOnlySpan<byte> content, UnixFileMode mode) =>
        Write(path, content, mode, replace: false, check: null);

    /// <summary>
    /// Puts a file in the place of another in one step: whoever opens the path finds the old content or the new, never less. sshd would
    /// lock everyone out over half a revocation list.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Its mode; the umask does not matter.</param>
    /// <param name="check">Sees the new file under a name of its own, and throws to leave the old one where it is.</param>
    /// <param name="spare">
    /// An empty file on the same file system that keeps blocks for the next time, for what must be possible on a full disk too; null for
    /// none.
    /// </param>
    /// <exception cref="IOException">The disk refused; the old file is as it was, unless only the flush of the folder failed.</exception>
    public static void Replace(
        string path, ReadOnlySpan<byte> content, UnixFileMode mode, Action<string>? check = null, string? spare = null) =>
        Write(path, content, mode, replace: true, check, spare);

    /// <summary>The same for content that is not there yet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">Its mode; the umask does not matter.</param>
    /// <param name="replace">Whether one that exists is replaced; else it is an error.</param>
    /// <param name="write">Writes all of it.</param>
    /// <exception cref="IOException">The path exists, or the disk refused.</exception>
    public static async Task Write(string path, UnixFileMode mode, bool replace, Func<Stream, Task> write)
    {
        var temporary = Temporary(path);
        try
        {
            await using (var file = Open(temporary, mode, FileMode.CreateNew))
            {
                await write(file).ConfigureAwait(false);
                file.Flush(flushToDisk: true);
            }
            Put(temporary, path, replace);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void Write(
        string path, ReadOnlySpan<byte> content, UnixFileMode mode, bool replace, Action<string>? check, string? spare = null)
    {
        var temporary = Temporary(path);
        try
        {
            var isSpare = File.Exists(spare);
            if (isSpare)
                File.Move(spare!, temporary);
            using (var file = Open(temporary, mode, isSpare ? FileMode.Open : FileMode.CreateNew))
            {
                file.Write(content);
                // Gives back the blocks behind it.
                file.SetLength(content.Length);
                file.Flush(flushToDisk: true);
            }
            check?.Invoke(temporary);
            Put(temporary, path, replace);
        }
        finally
        {
            File.Delete(temporary);
            if (spare is not null)
                KeepSpare(spare, content.Length);
        }
    }

    private static string Temporary(string path) => $"{path}.{Path.GetRandomFileName()}";

    // Nobody else reads it before it has its mode.
    private static FileStream Open(string temporary, UnixFileMode mode, FileMode how)
    {
        var file = new FileStream(
            temporary,
            new FileStreamOptions { Mode = how, Access = FileAccess.Write, UnixCreateMode = how == FileMode.Open ? null : OwnerOnly });
        File.SetUnixFileMode(file.SafeFileHandle, mode);
        return file;
    }

    private static void Put(string temporary, string path, bool replace)
    {
        File.Move(temporary, path, replace);
        FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    // For a list twice as long; on a disk that is full already, for one that is hardly longer.
    private static void KeepSpare(string spare, long length)
    {
        try
        {
            using var file = File.OpenHandle(spare, FileMode.OpenOrCreate, FileAccess.ReadWrite);
            File.SetUnixFileMode(file, OwnerOnly);
            if (!DiskSpace.TryKeep(file, 0, Math.Max(1 << 20, 2 * length)))
                DiskSpace.TryKeep(file, 0, length + (64 << 10));
        }
        // What was written is there. That the next one may fail is no reason to fail now.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    // A rename survives a power cut only when its folder is flushed; .NET opens no folders.
    private static void FlushDirectory(string path)
    {
        using var directory = OwnFile.OpenDirectory(path);
        if (directory.IsInvalid || Fsync(directory) != 0)
            throw new IOException($"{path} could not be flushed: {new Win32Exception().Message}");
    }

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);
}
