using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>A file or folder that must be private is not. The message names it and what to run.</summary>
sealed class ExposedException(string message) : Exception(message);

/// <summary>Files that are on the disk when a call returns: whole, or not at all.</summary>
static partial class DurableFile
{
    internal const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    internal const UnixFileMode ReadableByAll = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    const int LongestSecret = 4096;
    const UnixFileMode EnteredByAll = ReadableByAll | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    const UnixFileMode AnyoneElse =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Creates a file that is there whole and durably, or not at all. One that exists is never replaced. The umask does not matter.</summary>
    /// <exception cref="IOException">The path exists, or the disk refused.</exception>
    internal static void Create(string path, ReadOnlySpan<byte> content, UnixFileMode mode) => Write(path, content, mode, replace: false, check: null);

    /// <summary>Puts a file in the place of another in one step: whoever opens the path finds the old content or the new, never less.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">What it will hold.</param>
    /// <param name="mode">Its mode; the umask does not matter.</param>
    /// <param name="check">Sees the new file under a name of its own, and throws to leave the old one where it is.</param>
    /// <exception cref="IOException">The disk refused; the old file is as it was, unless only the flush of the folder failed.</exception>
    internal static void Replace(string path, ReadOnlySpan<byte> content, UnixFileMode mode, Action<string>? check = null) =>
        Write(path, content, mode, replace: true, check);

    static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode, bool replace, Action<string>? check)
    {
        var temporary = $"{path}.{Path.GetRandomFileName()}";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = OwnerOnly };
            using (var stream = new FileStream(temporary, options))
            {
                File.SetUnixFileMode(stream.SafeFileHandle, mode);
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }
            check?.Invoke(temporary);
            File.Move(temporary, path, overwrite: replace);
            FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Reads a file that only this process's own user can read.</summary>
    /// <exception cref="ExposedException">Others may, or it belongs to somebody else.</exception>
    internal static byte[] ReadPrivate(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read);
        ExpectPrivate(path, OwnerOf(stream.SafeFileHandle), File.GetUnixFileMode(stream.SafeFileHandle), "600");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    /// <summary>Reads a password or the like: what a file holds that only its owner can read, without the line ends behind it. At most 4096 bytes.</summary>
    /// <exception cref="ExposedException">Others may read it.</exception>
    internal static byte[] ReadSecret(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read);
        ExpectOwnerOnly(path, File.GetUnixFileMode(stream.SafeFileHandle), "600");
        var content = new byte[LongestSecret + 1];
        var length = stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return length <= LongestSecret ? content.AsSpan(0, length).TrimEnd("\r\n"u8).ToArray() : throw new IOException($"{path} has more than {LongestSecret} bytes");
    }

    /// <summary>The folder, made with mode 0700 when it is missing, and only this process's own user's.</summary>
    /// <exception cref="ExposedException">Others may enter it, or it belongs to somebody else.</exception>
    internal static void PrivateDirectory(string path)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        using var directory = Open(path, OpenCloseOnExec);
        if (directory.IsInvalid)
            throw new IOException($"{path} could not be opened: {new Win32Exception().Message}");
        ExpectPrivate(path, OwnerOf(directory), File.GetUnixFileMode(path), "700");
    }

    /// <summary>The folder, made with mode 0755 when it is missing, where nobody can write but this process's own user and root.</summary>
    /// <exception cref="ExposedException">Others may write there, it belongs to somebody else, or the path is a link.</exception>
    /// <exception cref="IOException">It can not be made, or what lies there is no folder.</exception>
    internal static void PublicDirectory(string path)
    {
        // Who owns the folder that a link lies in decides where it leads.
        if (new DirectoryInfo(path).LinkTarget is { } target)
            throw new ExposedException($"{path} is a symbolic link; name the directory itself, {target}");
        if (!Directory.Exists(path))
        {
            if (!Directory.Exists(Path.GetDirectoryName(path)))
                throw new DirectoryNotFoundException($"{path} can not be made: there is no directory {Path.GetDirectoryName(path)}");
            Directory.CreateDirectory(path);
            File.SetUnixFileMode(path, EnteredByAll);
        }
        using var directory = Open(path, OpenCloseOnExec);
        if (directory.IsInvalid)
            throw new IOException($"{path} could not be opened: {new Win32Exception().Message}");
        var (self, owner, mode) = (GetEffectiveUserId(), OwnerOf(directory), File.GetUnixFileMode(path));
        if (owner != self && owner != 0)
            throw new ExposedException($"{path} belongs to uid {owner}, and this process runs as uid {self}; run: chown {self} {path}");
        if ((mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != UnixFileMode.None)
            throw new ExposedException($"{path} has mode {Octal(mode)}, so that others can write there; run: chmod go-w {path}");
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

    static void ExpectPrivate(string path, uint owner, UnixFileMode mode, string expected)
    {
        var self = GetEffectiveUserId();
        if (owner != self)
            throw new ExposedException($"{path} belongs to uid {owner}, and this process runs as uid {self}; run: chown {self} {path}");
        ExpectOwnerOnly(path, mode, expected);
    }

    static void ExpectOwnerOnly(string path, UnixFileMode mode, string expected)
    {
        if ((mode & AnyoneElse) != UnixFileMode.None)
            throw new ExposedException($"{path} has mode {Octal(mode)}, so that others can use it; run: chmod {expected} {path}");
    }

    static string Octal(UnixFileMode mode) => Convert.ToString((int)mode, toBase: 8).PadLeft(4, '0');

    // A rename survives a power cut only when its folder is flushed; .NET opens no folders.
    static void FlushDirectory(string path)
    {
        using var directory = Open(path, OpenCloseOnExec);
        if (directory.IsInvalid || Fsync(directory) != 0)
            throw new IOException($"{path} could not be flushed: {new Win32Exception().Message}");
    }

    static uint OwnerOf(SafeFileHandle file)
    {
        Span<byte> status = stackalloc byte[256]; // struct statx of statx(2)
        return Statx(file, "", AtEmptyPath, StatxUid, status) == 0
            ? MemoryMarshal.Read<uint>(status[20..]) // stx_uid
            : throw new IOException($"the owner of the key file is not known: {new Win32Exception().Message}");
    }

    const int OpenCloseOnExec = 0x80000; // O_RDONLY | O_CLOEXEC; O_DIRECTORY has other bits on other machines
    const int AtEmptyPath = 0x1000;      // AT_EMPTY_PATH
    const uint StatxUid = 0x8;           // STATX_UID
    const int LockExclusive = 2;         // LOCK_EX
    const int LockNoWait = 4;            // LOCK_NB
    const int WouldBlock = 11;           // EWOULDBLOCK

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle directory, string path, int flags, uint mask, Span<byte> status);

    /// <summary>The uid that this process acts as.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint GetEffectiveUserId();
}
