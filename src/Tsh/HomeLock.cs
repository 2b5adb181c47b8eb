using System.Runtime.InteropServices;
using CertAuthority.Terminal;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Tsh;

/// <summary>
/// Keeps other tsh of the same home out while key and certificate are put in place or taken away, so that they always belong
/// together. It is the folder that is locked, so nothing is left behind; the kernel lets go of it when its holder dies.
/// </summary>
internal static partial class HomeLock
{
    private const int ReadOnly = 0, CloseOnExec = 0x80000, Exclusive = 2, Interrupted = 4;

    /// <summary>Waits for it; disposing lets go.</summary>
    /// <param name="folder">The home; it exists.</param>
    public static IDisposable Take(string folder)
    {
        var handle = open(folder, ReadOnly | CloseOnExec);
        while (!handle.IsInvalid)
        {
            if (flock(handle, Exclusive) == 0)
                return handle;
            if (Marshal.GetLastPInvokeError() != Interrupted)
                break;
        }
        var error = Marshal.GetLastPInvokeErrorMessage();
        handle.Dispose();
        throw new FailureException($"{folder} cannot be locked: {error}");
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);
}
