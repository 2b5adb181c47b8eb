using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>
/// Reads a file in a directory where others can write. Between a look at a path and its opening, they can put a pipe there, which would be
/// waited for without end, or a link to a file of another account; so the file is opened first, and then looked at.
/// </summary>
public static partial class OrdinaryFile
{
    private const int ReadOnly = 0, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int AccessDenied = 13, PermissionDenied = 1;

    // O_NOFOLLOW is one of the few flags that are not the same on every architecture.
    private static readonly int NoFollow =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000;

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">Its path. Links in the directories on the way are followed.</param>
    /// <param name="most">The most bytes that it may have.</param>
    /// <returns>Null if it is missing, no ordinary file, or larger.</returns>
    /// <exception cref="UnauthorizedAccessException">This account may not read it.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static byte[]? Read(string path, int most)
    {
        using var file = Open(path, ReadOnly | NonBlocking | CloseOnExec | NoFollow);
        if (file.IsInvalid)
        {
            var why = new Win32Exception();
            return why.NativeErrorCode is AccessDenied or PermissionDenied ? throw new UnauthorizedAccessException(why.Message) : null;
        }
        if (!FileStatus.Read(file).IsRegular)
            return null;
        var (content, length) = (new byte[most + 1], 0);
        while (length < content.Length && RandomAccess.Read(file, content.AsSpan(length), length) is > 0 and var read)
            length += read;
        return length > most ? null : content[..length];
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);
}
