using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>Which file is at a path now, so that nobody removes another one that has taken its name. A link is not followed.</summary>
/// <param name="Device">The file system it is on: major and minor number.</param>
/// <param name="Inode">Its number there; nobody else gets it while a process holds the file open.</param>
/// <param name="Owner">The uid that owns it.</param>
/// <param name="IsSocket">Whether it is a Unix socket, alive or dead.</param>
readonly partial record struct FileIdentity((uint Major, uint Minor) Device, ulong Inode, uint Owner, bool IsSocket)
{
    const int NoSuchFile = 2, NotADirectory = 20; // ENOENT, ENOTDIR
    const int CurrentFolder = -100, NoFollow = 0x100; // AT_FDCWD, AT_SYMLINK_NOFOLLOW
    const uint TypeOwnerAndInode = 0x1 | 0x8 | 0x100; // STATX_TYPE, STATX_UID, STATX_INO
    const int KindOfFile = 0xF000, Socket = 0xC000; // S_IFMT, S_IFSOCK

    /// <summary>What is at a path; null for nothing.</summary>
    /// <exception cref="IOException">The system does not say.</exception>
    internal static unsafe FileIdentity? At(string path)
    {
        // struct statx of statx(2): the same on every architecture.
        Span<byte> status = stackalloc byte[256];
        fixed (byte* into = status)
            if (Statx(CurrentFolder, path, NoFollow, TypeOwnerAndInode, into) != 0)
            {
                var error = Marshal.GetLastPInvokeError();
                return error is NoSuchFile or NotADirectory ? null : throw new IOException($"{path}: {new Win32Exception(error).Message}");
            }
        return new FileIdentity(
            (MemoryMarshal.Read<uint>(status[136..]), MemoryMarshal.Read<uint>(status[140..])),
            MemoryMarshal.Read<ulong>(status[32..]),
            MemoryMarshal.Read<uint>(status[20..]),
            (MemoryMarshal.Read<ushort>(status[28..]) & KindOfFile) == Socket);
    }

    /// <summary>Whether both are one file, whoever owns it by now.</summary>
    internal bool IsSameFileAs(FileIdentity? other) => other is { } one && one.Device == Device && one.Inode == Inode;

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int directory, string path, int flags, uint mask, byte* status);
}
