using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>Files that are on the disk when a call returns: whole, or not at all.</summary>
internal static partial class DurableFile
{
    internal const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    internal const UnixFileMode ReadableByAll = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const int LongestSecret = 4096;
    private const UnixFileMode EnteredByAll = ReadableByAll | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const ushort AnyoneElse = 0x3F; // S_IRWXG | S_IRWXO

    /// <summary>Creates a file that is there whole and durably, or not at all. One that exists is never replaced. The umask does not matter.</summary>
    /// <exception cref="IOException">The path exists, or the disk refused.</exception>
    internal static void Create(string path, ReadOnlySpan<byte> content, UnixFileMode mode) => Write(path, content, mode, replace: false, check: null);

    /// <summary>Puts a file in the place of another in one step: whoever opens the path finds the old content or the new, never less.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">What it will hold.</param>
    /// <param name="mode">Its mode; the umask does not matter.</param>
    /// <param name="check">Sees the new file under a name of its own, and throws to leave the old one where it is.</param>
    /// <param name="spare">An empty file on the same file system that keeps blocks for the next time, for what must be possible on a full disk too; null for none.</param>
    /// <exception cref="IOException">The disk refused; the old file is as it was, unless only the flush of the folder failed.</exception>
    internal static void Replace(string path, ReadOnlySpan<byte> content, UnixFileMode mode, Action<string>? check = null, string? spare = null) =>
        Write(path, content, mode, replace: true, check, spare);

    private static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode, bool replace, Action<string>? check, string? spare = null)
    {
        var temporary = $"{path}.{Path.GetRandomFileName()}";
        try
        {
            var isSpare = File.Exists(spare);
            if (isSpare)
                File.Move(spare!, temporary);
            var options = new FileStreamOptions { Mode = isSpare ? FileMode.Open : FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = isSpare ? null : OwnerOnly };
            using (var stream = new FileStream(temporary, options))
            {
                File.SetUnixFileMode(stream.SafeFileHandle, mode);
                stream.Write(content);
                // Gives back the blocks behind it.
                stream.SetLength(content.Length);
                stream.Flush(flushToDisk: true);
            }
            check?.Invoke(temporary);
            File.Move(temporary, path, overwrite: replace);
            FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        finally
        {
            File.Delete(temporary);
            if (spare is not null)
                KeepSpare(spare, content.Length);
        }
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

    /// <summary>Reads a file that only this process's own user can read, under no other name.</summary>
    /// <exception cref="ExposedException">Others can read it, it belongs to somebody else, or it has a second name, under which somebody else could keep it.</exception>
    internal static byte[] ReadPrivate(string path)
    {
        ExpectOneName(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read);
        ExpectPrivate(path, FileStatus.Read(stream.SafeFileHandle), "600");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    /// <summary>Reads a password or the like: what a file holds that only its owner can read, root or the account of the daemon, without the line ends behind it. At most 4096 bytes.</summary>
    /// <param name="path">Where.</param>
    /// <param name="account">The uid that the daemon runs as, where somebody else looks at its files; null for that of this process.</param>
    /// <exception cref="ExposedException">Others can read it, or could change it.</exception>
    internal static byte[] ReadSecret(string path, uint? account)
    {
        var whole = TrustedPath.Read(path, account);
        ExpectOwnerOnly(path, FileStatus.Read(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path)!.Value, "600");
        return whole.Length <= LongestSecret ? whole.AsSpan().TrimEnd("\r\n"u8).ToArray() : throw new IOException($"{path} has more than {LongestSecret} bytes");
    }

    /// <summary>Sees to it that what is to be opened for writing, if it is there, is this process's own user's and nobody else's.</summary>
    /// <exception cref="ExposedException">Others can write to it, it belongs to somebody else, or it has a second name.</exception>
    internal static void ExpectOwn(string path)
    {
        if (FileStatus.Read(path) is not { } status)
            return;
        ExpectOneName(path);
        ExpectOwner(path, status);
        if (status.IsWritableByOthers)
            throw new ExposedException($"{path} has mode {status.Permissions}, so that others can write to it; run: chmod go-w {path}");
    }

    /// <summary>The folder, made with mode 0700 when it is missing, and only this process's own user's.</summary>
    /// <exception cref="ExposedException">Others can enter it, it belongs to somebody else, or somebody else could replace it.</exception>
    internal static void PrivateDirectory(string path)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        ExpectTrusted(Path.GetDirectoryName(Path.GetFullPath(path)));
        using var directory = Open(path, OpenCloseOnExec);
        if (directory.IsInvalid)
            throw new IOException($"{path} could not be opened: {new Win32Exception().Message}");
        ExpectPrivate(path, FileStatus.Read(directory), "700");
    }

    /// <summary>The folder, made with mode 0755 when it is missing, where nobody can write but this process's own user and root.</summary>
    /// <exception cref="ExposedException">Others can write there or above it, it belongs to somebody else, or the path is a link.</exception>
    /// <exception cref="IOException">It cannot be made, or what lies there is no folder.</exception>
    internal static void PublicDirectory(string path)
    {
        // Who owns the folder that a link lies in decides where it leads.
        if (new DirectoryInfo(path).LinkTarget is { } target)
            throw new ExposedException($"{path} is a symbolic link; name the directory itself, {target}");
        if (!Directory.Exists(path))
        {
            if (!Directory.Exists(Path.GetDirectoryName(path)))
                throw new DirectoryNotFoundException($"{path} cannot be made: there is no directory {Path.GetDirectoryName(path)}");
            Directory.CreateDirectory(path);
            File.SetUnixFileMode(path, EnteredByAll);
        }
        ExpectTrusted(path);
        using var directory = Open(path, OpenCloseOnExec);
        if (directory.IsInvalid)
            throw new IOException($"{path} could not be opened: {new Win32Exception().Message}");
    }

    /// <summary>Takes a folder for this process alone, until the handle is disposed of. Only those who ask, too, are kept out.</summary>
    /// <exception cref="InUseException">Another process has it.</exception>
    internal static SafeFileHandle LockDirectory(string path)
    {
        var directory = Open(path, OpenCloseOnExec);
        if (!directory.IsInvalid && Flock(directory, LockExclusive | LockNoWait) == 0)
            return directory;
        var why = new Win32Exception();
        directory.Dispose();
        throw why.NativeErrorCode == WouldBlock ? new InUseException($"{path} is held by another process") : new IOException($"{path} could not be locked: {why.Message}");
    }

    private static void ExpectTrusted(string? path)
    {
        if (path is not null && TrustedPath.Fault(path) is { } fault)
            throw new ExposedException(fault);
    }

    private static void ExpectOneName(string path)
    {
        if (FileStatus.Read(path) is not { } status)
            return;
        if (status.IsLink)
            throw new ExposedException($"{path} is a symbolic link; put the file itself there");
        if (!status.IsRegular)
            throw new ExposedException($"{path} is not a regular file; move it away");
        if (status.Links > 1)
            throw new ExposedException($"{path} has {status.Links} names, and somebody else could hold it under another one; run: cp -p {path} {path}.new && mv {path}.new {path}");
    }

    private static void ExpectPrivate(string path, FileStatus status, string expected)
    {
        ExpectOwner(path, status);
        ExpectOwnerOnly(path, status, expected);
    }

    private static void ExpectOwner(string path, FileStatus status)
    {
        var self = Accounts.GetEffectiveUserId();
        if (status.Owner != self)
            throw new ExposedException($"{path} belongs to uid {status.Owner}, and this process runs as uid {self}; run: chown {self} {path}");
    }

    private static void ExpectOwnerOnly(string path, FileStatus status, string expected)
    {
        if ((status.Mode & AnyoneElse) != 0)
            throw new ExposedException($"{path} has mode {status.Permissions}, so that others can use it; run: chmod {expected} {path}");
    }

    // A rename survives a power cut only when its folder is flushed; .NET opens no folders.
    private static void FlushDirectory(string path)
    {
        using var directory = Open(path, OpenCloseOnExec);
        if (directory.IsInvalid || Fsync(directory) != 0)
            throw new IOException($"{path} could not be flushed: {new Win32Exception().Message}");
    }

    private const int OpenCloseOnExec = 0x80000; // O_RDONLY | O_CLOEXEC; O_DIRECTORY has other bits on other machines
    private const int LockExclusive = 2;         // LOCK_EX
    private const int LockNoWait = 4;            // LOCK_NB
    private const int WouldBlock = 11;           // EWOULDBLOCK

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);
}
