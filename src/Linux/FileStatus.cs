using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>What the kernel reports about a file: .NET exposes neither its owner, nor its names, nor its identity.</summary>
/// <param name="Owner">The uid of its owner.</param>
/// <param name="Links">How many names (hard links) it has.</param>
/// <param name="Mode">The type and permissions, as in <c>st_mode</c>.</param>
/// <param name="Device">The file system that contains it: major and minor number.</param>
/// <param name="Inode">The inode number. No other file gets it while a process holds this one open.</param>
[StructLayout(LayoutKind.Auto)]
public readonly partial record struct FileStatus(uint Owner, uint Links, ushort Mode, (uint Major, uint Minor) Device, ulong Inode)
{
    private const ushort KindMask = 0xF000, RegularKind = 0x8000, DirectoryKind = 0x4000, LinkKind = 0xA000, SocketKind = 0xC000;
    private const ushort StickyBit = 0x200, WritableByOthers = 0x12; // S_ISVTX; S_IWGRP | S_IWOTH

    private const int AtEmptyPath = 0x1000, AtSymlinkNoFollow = 0x100, AtCurrentDirectory = -100;
    private const uint BasicStats = 0x7FF;
    private const int NoSuchFile = 2, NotADirectory = 20, PermissionDenied = 13;

    /// <summary>Whether it is an ordinary file.</summary>
    public bool IsRegular => (Mode & KindMask) == RegularKind;

    /// <summary>Whether it is a folder.</summary>
    public bool IsDirectory => (Mode & KindMask) == DirectoryKind;

    /// <summary>Whether it is a symbolic link.</summary>
    public bool IsLink => (Mode & KindMask) == LinkKind;

    /// <summary>Whether it is a Unix socket, alive or dead.</summary>
    public bool IsSocket => (Mode & KindMask) == SocketKind;

    /// <summary>Whether both are the same file, even if its owner has changed.</summary>
    public bool IsSameFileAs(FileStatus? other) => other is { } one && one.Device == Device && one.Inode == Inode;

    /// <summary>Whether group or other accounts can write to it; nobody can write to a link.</summary>
    public bool IsWritableByOthers => !IsLink && (Mode & WritableByOthers) != 0;

    /// <summary>Whether it is a folder in which all accounts can remove and rename only their own files, such as /tmp.</summary>
    public bool IsSticky => IsDirectory && (Mode & StickyBit) != 0;

    /// <summary>The permissions, as chmod(1) takes them.</summary>
    public string Permissions => Convert.ToString(Mode & 0xFFF, toBase: 8).PadLeft(4, '0');

    /// <summary>Reads the status of a path, of a link itself; null if nothing exists there.</summary>
    /// <exception cref="IOException">The kernel does not report it.</exception>
    public static FileStatus? Read(string path)
    {
        Span<byte> status = stackalloc byte[256];
        if (Statx(AtCurrentDirectory, path, AtSymlinkNoFollow, BasicStats, status) == 0)
            return Read(status);
        var why = new Win32Exception();
        return why.NativeErrorCode is NoSuchFile or NotADirectory ? null : throw new IOException($"{path}: {why.Message}");
    }

    /// <summary>Reads the status of a path, following links; null if nothing exists there. This one also works on macOS.</summary>
    /// <exception cref="UnauthorizedAccessException">A folder on the way denies access to this account.</exception>
    /// <exception cref="IOException">The kernel does not report it.</exception>
    public static FileStatus? Follow(string path)
    {
        Span<byte> status = stackalloc byte[256];
        if (OperatingSystem.IsMacOS() ? Stat(path, status) == 0 : Statx(AtCurrentDirectory, path, 0, BasicStats, status) == 0)
            return OperatingSystem.IsMacOS() ? ReadOfMacOs(status) : Read(status);
        var why = new Win32Exception();
        return why.NativeErrorCode switch
        {
            NoSuchFile => null,
            PermissionDenied => throw new UnauthorizedAccessException(why.Message),
            _ => throw new IOException(why.Message),
        };
    }

    /// <summary>Returns a path without links for the file at another path.</summary>
    /// <exception cref="IOException">Nothing exists there, or the kernel does not report it.</exception>
    public static unsafe string RealPath(string path)
    {
        var buffer = stackalloc byte[4096]; // PATH_MAX
        return RealPath(path, buffer) != 0
            ? Marshal.PtrToStringUTF8((nint)buffer)!
            : throw new IOException($"{path}: {new Win32Exception().Message}");
    }

    /// <summary>Reads the status of an open file.</summary>
    /// <exception cref="IOException">The kernel does not report it.</exception>
    public static FileStatus Read(SafeFileHandle file)
    {
        Span<byte> status = stackalloc byte[256];
        return Statx(file, "", AtEmptyPath, BasicStats, status) == 0
            ? Read(status)
            : throw new IOException($"the owner of a file is not known: {new Win32Exception().Message}");
    }

    // struct statx of statx(2), the same on every architecture: stx_uid, stx_nlink, stx_mode, stx_dev_major, stx_dev_minor, stx_ino.
    private static FileStatus Read(ReadOnlySpan<byte> status) => new(
        MemoryMarshal.Read<uint>(status[20..]), MemoryMarshal.Read<uint>(status[16..]), MemoryMarshal.Read<ushort>(status[28..]),
        (MemoryMarshal.Read<uint>(status[136..]), MemoryMarshal.Read<uint>(status[140..])), MemoryMarshal.Read<ulong>(status[32..]));

    // struct stat of stat(2), with 64-bit inodes: st_dev, st_mode, st_nlink, st_ino, st_uid.
    private static FileStatus ReadOfMacOs(ReadOnlySpan<byte> status) => new(
        MemoryMarshal.Read<uint>(status[16..]), MemoryMarshal.Read<ushort>(status[6..]), MemoryMarshal.Read<ushort>(status[4..]),
        (0, MemoryMarshal.Read<uint>(status)), MemoryMarshal.Read<ulong>(status[8..]));

    // For Apple silicon; on Intel this name has the older structure.
    [LibraryImport("libc", EntryPoint = "stat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Stat(string path, Span<byte> status);

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial nint RealPath(string path, byte* resolved);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle file, string path, int flags, uint mask, Span<byte> status);
}
