using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Signing;

/// <summary>Files whose loss or exposure is the loss of the CA.</summary>
static partial class KeyFile
{
    internal const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    internal const UnixFileMode ReadableByAll = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    const UnixFileMode AnyoneElse =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Creates a file that is there whole and durably, or not at all. One that exists is never replaced. The umask does not matter.</summary>
    /// <exception cref="IOException">The path exists, or the disk refused.</exception>
    internal static void Create(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
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
            File.Move(temporary, path, overwrite: false);
            FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Reads a file that only this process's own user can read.</summary>
    /// <exception cref="CaKeyException">Others may, or it belongs to somebody else.</exception>
    internal static byte[] ReadPrivate(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read);
        var owner = OwnerOf(stream.SafeFileHandle);
        if (owner != GetEffectiveUserId())
            throw new CaKeyException($"{path} belongs to uid {owner}, and this process runs as uid {GetEffectiveUserId()}; run: chown {GetEffectiveUserId()} {path}");
        var mode = File.GetUnixFileMode(stream.SafeFileHandle);
        if ((mode & AnyoneElse) != UnixFileMode.None)
            throw new CaKeyException($"{path} has mode {Convert.ToString((int)mode, toBase: 8).PadLeft(4, '0')}, so that others can use the key; run: chmod 600 {path}");

        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    // A rename survives a power cut only when its folder is flushed; .NET opens no folders.
    static void FlushDirectory(string path)
    {
        using var directory = Open(path, OpenDirectory | OpenCloseOnExec);
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

    const int OpenDirectory = 0x10000;   // O_DIRECTORY
    const int OpenCloseOnExec = 0x80000; // O_CLOEXEC
    const int AtEmptyPath = 0x1000;      // AT_EMPTY_PATH
    const uint StatxUid = 0x8;           // STATX_UID

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle directory, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
