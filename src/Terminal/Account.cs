using System.Runtime.InteropServices;

namespace CertAuthority.Terminal;

/// <summary>Accounts of this machine, as the C library knows them (files, LDAP, …).</summary>
internal static partial class Account
{
    /// <summary>The uid of an account, or null when there is none of that name.</summary>
    public static unsafe uint? Uid(string name)
    {
        var entry = getpwnam(name);
        return entry is null ? null : entry->Uid;
    }

    /// <summary>The uid of this process.</summary>
    public static uint OwnUid => geteuid();

    // struct passwd begins alike on Linux and macOS; what follows is not read.
    [StructLayout(LayoutKind.Sequential)]
    private struct Passwd
    {
        public nint Name;
        public nint Password;
        public uint Uid;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial Passwd* getpwnam(string name);

    [LibraryImport("libc")]
    private static partial uint geteuid();
}
