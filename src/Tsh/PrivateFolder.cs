using System.Runtime.InteropServices;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// A folder where nobody but its owner (and root) can put, replace or read keys. Somebody who can write to it, or to a folder
/// above it, could plant a key of their own there, and tsh would have it certified.
/// </summary>
internal static partial class PrivateFolder
{
    private const int NoSuchFile = 2, PermissionDenied = 13;
    private const int WritableByOthers = 0b000_010_010, Sticky = 0b001_000_000_000;
    private const int CurrentFolder = -100;
    private const uint ModeAndOwner = 0x2 | 0x8;

    /// <summary>Refuses a folder that somebody else can write. Nothing is created.</summary>
    /// <param name="path">An absolute path; what does not exist yet is judged by the folders in which it will be made.</param>
    /// <exception cref="FailureException">Somebody else can write it, or this account cannot enter it.</exception>
    public static void Expect(string path)
    {
        if (Fault(path) is var (fault, hint))
            throw new FailureException(fault, hint);
    }

    /// <summary>Whether a folder is there, this account can enter it, and nobody else can write it.</summary>
    public static bool IsSafe(string path)
    {
        try
        {
            return Directory.Exists(path) && Fault(path) is null;
        }
        catch (FailureException)
        {
            return false;
        }
    }

    private static (string Fault, string Hint)? Fault(string path)
    {
        var existing = path;
        while (Stat(existing) is null)
            existing = Path.GetDirectoryName(existing)!;
        // The folders that count are those behind links.
        var real = RealPath(existing);
        for (var folder = real; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var (mode, owner) = Stat(folder)!.Value;
            if (owner != 0 && owner != Account.OwnUid)
                return ($"{folder} belongs to another account, uid {owner}, which could put its own key there", "set TSH_HOME to a folder of your own");
            // In /tmp and its kind people cannot touch the folders of other people.
            var isProtected = (mode & Sticky) != 0 && !(folder == real && existing == path);
            if ((mode & WritableByOthers) != 0 && !isProtected)
                return ($"other accounts can write {folder}, and could put their own key there", $"chmod go-w {folder}");
        }
        return null;
    }

    /// <summary>Mode and owner; null where there is nothing.</summary>
    private static unsafe (int Mode, uint Owner)? Stat(string path)
    {
        // .NET knows the mode of a file and not its owner, and the two systems have no call in common that has one layout.
        var status = stackalloc byte[256];
        if (OperatingSystem.IsMacOS())
        {
            if (stat(path, status) == 0) // struct stat of stat(2), with 64-bit inodes
                return (*(ushort*)(status + 4), *(uint*)(status + 16));
        }
        else if (statx(CurrentFolder, path, 0, ModeAndOwner, status) == 0) // struct statx of statx(2)
            return (*(ushort*)(status + 28), *(uint*)(status + 20));
        return Marshal.GetLastPInvokeError() switch
        {
            NoSuchFile => null,
            PermissionDenied => throw new FailureException($"{path} cannot be reached: permission denied", "set HOME, or TSH_HOME, to a folder of your own"),
            _ => throw new FailureException($"{path} cannot be used: {Marshal.GetLastPInvokeErrorMessage()}"),
        };
    }

    private static unsafe string RealPath(string path)
    {
        var buffer = stackalloc byte[4096]; // PATH_MAX
        return realpath(path, buffer) != 0 ? Marshal.PtrToStringUTF8((nint)buffer)! : throw new FailureException($"{path} cannot be used: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int statx(int directory, string path, int flags, uint mask, byte* status);

    // On Apple's own processors; on Intel's this name is the older structure's.
    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int stat(string path, byte* status);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial nint realpath(string path, byte* resolved);
}
