using System.Runtime.InteropServices;

namespace CertAuthority.Terminal;

/// <summary>Accounts of this machine, as the C library knows them (files, LDAP, …).</summary>
public static partial class Account
{
    /// <summary>The uid of an account, or null when there is none of that name.</summary>
    public static unsafe uint? Uid(string name)
    {
        var entry = getpwnam(name);
        return entry is null ? null : entry->Uid;
    }

    /// <summary>The uid of this process.</summary>
    public static uint OwnUid => geteuid();

    /// <summary>The home directory that the account of this process has, whatever HOME says: ssh reads its configuration there. Null for an account without one.</summary>
    public static unsafe string? OwnHome
    {
        get
        {
            var entry = getpwuid(geteuid());
            if (entry is null)
                return null;
            return Marshal.PtrToStringUTF8(OperatingSystem.IsMacOS() ? entry->HomeOnMacOs : entry->HomeOnLinux) is { } home && Path.IsPathFullyQualified(home) ? home : null;
        }
    }

    // struct passwd begins alike on Linux and macOS, and goes on differently.
    [StructLayout(LayoutKind.Explicit)]
    private struct Passwd
    {
        [FieldOffset(16)]
        public uint Uid;

        [FieldOffset(32)]
        public nint HomeOnLinux;

        [FieldOffset(48)]
        public nint HomeOnMacOs;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial Passwd* getpwnam(string name);

    [LibraryImport("libc")]
    private static unsafe partial Passwd* getpwuid(uint uid);

    [LibraryImport("libc")]
    private static partial uint geteuid();
}
