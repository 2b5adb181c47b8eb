using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>Handles files and folders that belong only to the account of this process: keys, the database, a home.</summary>
public static partial class OwnFile
{
    private const int LongestSecret = 4096;
    private const UnixFileMode EnteredByAll =
        AtomicFile.ReadableByAll | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const ushort AnyoneElse = 0x3F; // S_IRWXG | S_IRWXO

    /// <summary>Reads a file that only this process's account can read, and that has no other name.</summary>
    /// <exception cref="ExposedException">
    /// Other accounts can read it, it belongs to somebody else, or it has a second name, under which somebody else could keep it.
    /// </exception>
    public static byte[] ReadPrivate(string path)
    {
        ExpectOneName(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read);
        ExpectPrivate(path, FileStatus.Read(stream.SafeFileHandle), "600");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    /// <summary>
    /// Reads a password or other secret from a file that only its owner can read; the owner is root or the account of the daemon. The line
    /// endings after it are removed. At most 4096 bytes.
    /// </summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="account">
    /// The uid that the daemon runs as, for a program of another account that checks its files; null for the uid of this process.
    /// </param>
    /// <exception cref="ExposedException">Other accounts can read it, or could change it.</exception>
    public static byte[] ReadSecret(string path, uint? account)
    {
        var whole = TrustedPath.Read(path, account);
        ExpectOwnerOnly(path, FileStatus.Read(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path)!.Value, "600");
        return whole.Length <= LongestSecret
            ? whole.AsSpan().TrimEnd("\r\n"u8).ToArray()
            : throw new IOException($"{path} has more than {LongestSecret} bytes");
    }

    /// <summary>Checks that a file to be opened for writing, if it exists, belongs only to this process's account.</summary>
    /// <exception cref="ExposedException">Other accounts can write to it, it belongs to somebody else, or it has a second name.</exception>
    public static void ExpectOwn(string path)
    {
        if (FileStatus.Read(path) is not { } status)
            return;
        ExpectOneName(path);
        ExpectOwner(path, status);
        if (status.IsWritableByOthers)
            throw new ExposedException($"{path} has mode {status.Permissions}, so that others can write to it; run: chmod go-w {path}");
    }

    /// <summary>Creates a folder with mode 0700 if it is missing, and checks that it belongs only to this process's account.</summary>
    /// <exception cref="ExposedException">
    /// Other accounts can enter it, it belongs to somebody else, or somebody else could replace it.
    /// </exception>
    public static void PrivateDirectory(string path)
    {
        Directory.CreateDirectory(path, AtomicFile.OwnerOnly | UnixFileMode.UserExecute);
        ExpectTrusted(Path.GetDirectoryName(Path.GetFullPath(path)));
        ExpectPrivateDirectory(path);
    }

    /// <summary>Checks that a folder belongs only to this process's account. It does not look at those above it.</summary>
    /// <exception cref="ExposedException">Other accounts can enter it, or it belongs to somebody else.</exception>
    public static void ExpectPrivateDirectory(string path)
    {
        using var directory = OpenDirectory(path);
        if (directory.IsInvalid)
            throw new IOException($"{path} could not be opened: {new Win32Exception().Message}");
        ExpectPrivate(path, FileStatus.Read(directory), "700");
    }

    /// <summary>
    /// Creates a folder with mode 0755 if it is missing, and checks that only this process's account and root can write there.
    /// </summary>
    /// <exception cref="ExposedException">
    /// Other accounts can write there or above it, it belongs to somebody else, or the path is a link.
    /// </exception>
    /// <exception cref="IOException">It cannot be created, or the path is not a folder.</exception>
    public static void PublicDirectory(string path)
    {
        // The owner of the folder that contains a link decides where the link leads.
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
        using var directory = OpenDirectory(path);
        if (directory.IsInvalid)
            throw new IOException($"{path} could not be opened: {new Win32Exception().Message}");
    }

    /// <summary>
    /// Locks a folder for this process, until the handle is disposed of or the process dies. The lock is advisory: it only stops processes
    /// that also take it.
    /// </summary>
    /// <param name="path">The folder; no file is left behind in it.</param>
    /// <param name="waits">Whether to wait for the other process; if false, the method throws.</param>
    /// <exception cref="InUseException">Another process holds the lock.</exception>
    /// <exception cref="IOException">It cannot be locked.</exception>
    public static SafeFileHandle LockDirectory(string path, bool waits = false)
    {
        var directory = OpenDirectory(path);
        while (!directory.IsInvalid)
        {
            if (Flock(directory, waits ? LockExclusive : LockExclusive | LockNoWait) == 0)
                return directory;
            if (Marshal.GetLastPInvokeError() != Interrupted)
                break;
        }
        var why = new Win32Exception();
        directory.Dispose();
        throw why.NativeErrorCode == WouldBlock
            ? new InUseException($"{path} is held by another process")
            : new IOException($"{path} cannot be locked: {why.Message}");
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
            throw new ExposedException(
                $"{path} has {status.Links} names, and somebody else could hold it under another one; run: cp -p {path} {path}.new && mv {path}.new {path}");
    }

    private static void ExpectPrivate(string path, FileStatus status, string expected)
    {
        ExpectOwner(path, status);
        ExpectOwnerOnly(path, status, expected);
    }

    private static void ExpectOwner(string path, FileStatus status)
    {
        var self = Accounts.OwnUid;
        if (status.Owner != self)
            throw new ExposedException(
                $"{path} belongs to uid {status.Owner}, and this process runs as uid {self}; run: chown {self} {path}");
    }

    private static void ExpectOwnerOnly(string path, FileStatus status, string expected)
    {
        if ((status.Mode & AnyoneElse) != 0)
            throw new ExposedException($"{path} has mode {status.Permissions}, so that others can use it; run: chmod {expected} {path}");
    }

    /// <summary>Opens a folder, for calls that take its descriptor. Check whether the handle is invalid.</summary>
    internal static SafeFileHandle OpenDirectory(string path) => Open(path, OperatingSystem.IsMacOS() ? CloseOnExecOfMacOs : CloseOnExec);

    private const int CloseOnExec = 0x80000, CloseOnExecOfMacOs =
        0x1000000; // O_RDONLY | O_CLOEXEC; O_DIRECTORY has other bits on other machines
    private const int LockExclusive = 2;         // LOCK_EX
    private const int LockNoWait = 4;            // LOCK_NB
    private const int Interrupted = 4;           // EINTR
    private const int WouldBlock = 11;           // EWOULDBLOCK

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);
}
