using System.Runtime.InteropServices;
using System.Text;

namespace CertAuthority.Linux;

/// <summary>Looks up the machine's accounts through the C library, which includes directory services.</summary>
/// <remarks>
/// A call may take as long as a directory service takes. Only <see cref="NameService"/>, which sets a time limit, should call this.
/// </remarks>
public static partial class Accounts
{
    private const int Erange = 34;

    // The C library uses these error numbers, and no others, for a missing entry: 0, EPERM, ENOENT, ESRCH, EBADF (getpwnam(3)).
    private static readonly int[] NotFound = [0, 1, 2, 3, 9];

    /// <summary>The uid that this process acts as.</summary>
    public static uint OwnUid => GetEffectiveUserId();

    /// <summary>
    /// The home directory of this process's account, whatever HOME contains: ssh reads its configuration there. Null for an account without
    /// one.
    /// </summary>
    /// <exception cref="NameServiceException">The system cannot answer now.</exception>
    public static unsafe string? OwnHome => Of(GetEffectiveUserId(), "where the home of this account is", (in Passwd passwd) =>
        Marshal.PtrToStringUTF8((nint)(OperatingSystem.IsMacOS() ? passwd.HomeOnMacOs : passwd.HomeOnLinux)) is { } home
            && Path.IsPathFullyQualified(home) ? home : null);

    /// <summary>Returns the account of a uid; null if there is none. Each call asks again, because accounts can change.</summary>
    /// <exception cref="NameServiceException">The system cannot answer now.</exception>
    public static unsafe string? NameOf(uint uid) =>
        Of(uid, $"which account has uid {uid}", (in Passwd passwd) => Marshal.PtrToStringUTF8((nint)passwd.Name));

    private delegate string? Read(in Passwd passwd);

    private static unsafe string? Of(uint uid, string what, Read read)
    {
        Passwd passwd;
        for (var size = 1024; size <= 1 << 20; size *= 4)
        {
            var buffer = new byte[size];
            fixed (byte* text = buffer)
            {
                var error = GetPwUid(uid, &passwd, text, (nuint)size, out var found);
                if (error != Erange)
                    return found != 0 ? read(passwd) : Expect(error, what, (string?)null);
            }
        }
        return null;
    }

    /// <summary>Returns the uid of an account; null if there is no such account. Each call asks again.</summary>
    /// <exception cref="NameServiceException">The system cannot answer now.</exception>
    public static unsafe uint? UidOf(string name)
    {
        Passwd passwd;
        for (var size = 1024; size <= 1 << 20; size *= 4)
        {
            var buffer = new byte[size];
            fixed (byte* text = buffer)
            {
                var error = GetPwNam(name, &passwd, text, (nuint)size, out var found);
                if (error != Erange)
                    return found != 0 ? passwd.Uid : Expect(error, $"which uid the account {name} has", (uint?)null);
            }
        }
        return null;
    }

    /// <summary>Returns the gid of a group and the accounts that it lists; null if there is no such group. Each call asks again.</summary>
    /// <exception cref="NameServiceException">The system cannot answer now.</exception>
    public static unsafe (uint Gid, string[] Members)? GroupOf(string name)
    {
        Group group;
        for (var size = 1024; size <= 1 << 20; size *= 4)
        {
            var buffer = new byte[size];
            fixed (byte* text = buffer)
            {
                var error = GetGrNam(name, &group, text, (nuint)size, out var found);
                if (error == Erange)
                    continue;
                if (found == 0)
                    return Expect(error, $"who is in the group {name}", ((uint, string[])?)null);
                var members = new List<string>();
                for (var member = group.Members; *member is not null; member++)
                    members.Add(Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(*member)));
                return (group.Gid, [.. members]);
            }
        }
        return null;
    }

    // An unreachable directory must not look like one without such an account.
    private static T Expect<T>(int error, string what, T none) => NotFound.Contains(error)
        ? none
        : throw new NameServiceException($"the system does not say {what}: {Marshal.GetPInvokeErrorMessage(error)}");

    // struct passwd has the same beginning on Linux and macOS, and differs after that.
    [StructLayout(LayoutKind.Explicit, Size = 80)]
    private unsafe struct Passwd
    {
        [FieldOffset(0)]
        public byte* Name;

        [FieldOffset(16)]
        public uint Uid;

        [FieldOffset(32)]
        public byte* HomeOnLinux;

        [FieldOffset(48)]
        public byte* HomeOnMacOs;
    }

    // struct group, the same on every Linux.
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct Group
    {
        public byte* Name;
        public byte* Password;
        public uint Gid;
        public byte** Members;
    }

    [LibraryImport("libc", EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int GetGrNam(string name, Group* group, byte* buffer, nuint size, out nint found);

    [LibraryImport("libc", EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int GetPwNam(string name, Passwd* passwd, byte* buffer, nuint size, out nint found);

    [LibraryImport("libc", EntryPoint = "getpwuid_r")]
    private static unsafe partial int GetPwUid(uint uid, Passwd* passwd, byte* buffer, nuint size, out nint found);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
