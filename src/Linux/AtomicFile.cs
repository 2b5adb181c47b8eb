using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>
/// Writes files that other programs read, replace or remove at the same time: when a call returns, the file is complete on the disk, or
/// unchanged.
/// </summary>
public static partial class AtomicFile
{
    /// <summary>Mode 0600.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Mode 0644.</summary>
    public const UnixFileMode ReadableByAll = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>
    /// Returns the content of a file; null if there is none. A separate check for existence is not enough, because another program can
    /// remove the file in between.
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

    /// <summary>Creates a file. An existing one is never replaced. The umask has no effect.</summary>
    /// <exception cref="IOException">The path exists, or writing to the disk failed.</exception>
    public static void Create(string path, ReadOnlySpan<byte> content, UnixFileMode mode) =>
        Write(path, content, mode, replace: false, check: null);

    /// <summary>
    /// Replaces a file in one step: a program that opens the path finds the whole old content or the whole new content. With half a
    /// revocation list, sshd would lock everyone out.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="content">The whole content.</param>
    /// <param name="mode">The mode of the file; the umask has no effect.</param>
    /// <param name="check">Examines the new file under a temporary name, and throws to keep the old one in place.</param>
    /// <param name="spare">
    /// The path of an empty file on the same file system that reserves blocks for the next write, for files that must be writable even on a
    /// full disk; null for none.
    /// </param>
    /// <exception cref="IOException">
    /// Writing to the disk failed; the old file is unchanged, unless only the flush of the folder failed.
    /// </exception>
    public static void Replace(
        string path, ReadOnlySpan<byte> content, UnixFileMode mode, Action<string>? check = null, string? spare = null) =>
        Write(path, content, mode, replace: true, check, spare);

    /// <summary>
    /// Replaces a file in one step, without waiting for the disk: after a power cut, it may be empty. It is for files whose readers notice
    /// that, and that are written again; thousands of them are written in seconds.
    /// </summary>
    /// <exception cref="IOException">Writing failed; the old file is unchanged.</exception>
    public static void ReplaceUnflushed(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        var temporary = Temporary(path);
        try
        {
            using (var file = Open(temporary, mode, FileMode.CreateNew))
                file.Write(content);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Writes content that is produced as a stream.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">The mode of the file; the umask has no effect.</param>
    /// <param name="replace">Whether to replace an existing file; if false, one is an error.</param>
    /// <param name="write">Writes the whole content.</param>
    /// <exception cref="IOException">The path exists, or writing to the disk failed.</exception>
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
                // Releases the blocks behind the content.
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

    /// <summary>
    /// Gives a file another name, in the same folder, for good; a file of that name is replaced. Without the file, nothing happens.
    /// </summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static void Rename(string path, string name)
    {
        if (FileStatus.Read(path) is null)
            return;
        File.Move(path, name, overwrite: true);
        FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(name))!);
    }

    private static string Temporary(string path) => $"{path}.{Path.GetRandomFileName()}";

    // Nobody else can read the file before it has its mode.
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

    // Reserves room for a list twice as long; on a full disk, for one that is hardly longer.
    private static void KeepSpare(string spare, long length)
    {
        try
        {
            using var file = File.OpenHandle(spare, FileMode.OpenOrCreate, FileAccess.ReadWrite);
            File.SetUnixFileMode(file, OwnerOnly);
            if (!DiskSpace.TryKeep(file, 0, Math.Max(1 << 20, 2 * length)))
                DiskSpace.TryKeep(file, 0, length + (64 << 10));
        }
        // The file has been written. A failure to reserve room for the next one is no reason to fail now.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>Makes a new or renamed file of a folder survive a power cut; .NET cannot open folders.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public static void FlushDirectory(string path)
    {
        using var directory = OwnFile.OpenDirectory(path);
        if (directory.IsInvalid || Fsync(directory) != 0)
            throw new IOException($"{path} could not be flushed: {new Win32Exception().Message}");
    }

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);
}
