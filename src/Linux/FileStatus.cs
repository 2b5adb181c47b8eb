using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>What the kernel says of a file: .NET tells neither its owner, nor its names, nor which file it is.</summary>
/// <param name="Owner">The uid of its owner.</param>
/// <param name="Links">How many names it has.</param>
/// <param name="Mode">Its kind and its permissions, as in <c>st_mode</c>.</param>
/// <param name="Device">The file system it is on: major and minor number.</param>
/// <param name="Inode">Its number there. No other file gets it while a process holds this one open.</param>
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

    /// <summary>Whether both are one file, whoever owns it by now.</summary>
    public bool IsSameFileAs(FileStatus? other) => other is { } one && one.Device == Device && one.Inode == Inode;

    /// <summary>Whether others can write to it; of a link, nobody can.</summary>
    public bool IsWritableByOthers => !IsLink && (Mode & WritableByOthers) != 0;

    /// <summary>Whether it is a folder in which each removes and renames only what is theirs, such as /tmp.</summary>
    public bool IsSticky => IsDirectory && (Mode & StickyBit) != 0;

    /// <summary>The permissions, as chmod(1) takes them.</summary>
    public string Permissions => Convert.ToString(Mode & 0xFFF, toBase: 8).PadLeft(4, '0');

    /// <summary>Of what lies at a path, of a link itself; null when nothing does.</summary>
    /// <exception cref="IOException">The kernel does not say.</exception>
    public static FileStatus? Read(string path)
    {
        Span<byte> status = stackalloc byte[256];
        if (Statx(AtCurrentDirectory, path, AtSymlinkNoFollow, BasicStats, status) == 0)
            return Read(status);
        var why = new Win32Exception();
        return why.NativeErrorCode is NoSuchFile or NotADirectory ? null : throw new IOException($"{path}: {why.Message}");
    }

    /// <summary>Of what lies at a path, behind links; null when nothing does. macOS answers this one, too.</summary>
    /// <exception cref="UnauthorizedAccessException">A folder on the way does not let this account through.</exception>
    /// <exception cref="IOException">The kernel does not say.</exception>
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

    /// <summary>The path of what lies at another one, without links.</summary>
    /// <exception cref="IOException">Nothing lies there, or the kernel does not say.</exception>
    public static unsafe string RealPath(string path)
    {
        var buffer = stackalloc byte[4096]; // PATH_MAX
        return RealPath(path, buffer) != 0
            ? Marshal.PtrToStringUTF8((nint)buffer)!
            : throw new IOException($"{path}: {new Win32Exception().Message}");
    }

    /// <summary>Of an open file.</summary>
    /// <exception cref="IOException">The kernel does not say.</exception>
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

    // On Apple's own processors; on Intel's this name is the older structure's.
    [LibraryImport("libc", EntryPoint = "stat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Stat(string path, Span<byte> status);

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial nint RealPath(string path, byte* resolved);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle file, string path, int flags, uint mask, Span<byte> status);
}
