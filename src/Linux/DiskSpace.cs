using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>Room on a file system: how much there is, and keeping some of it for one file.</summary>
/// <param name="Size">Bytes that the file system has for everybody but root's share.</param>
/// <param name="Free">Bytes of them that nobody uses.</param>
[StructLayout(LayoutKind.Auto)]
public readonly partial record struct DiskSpace(long Size, long Free)
{
    private const int KeepSize = 1; // FALLOC_FL_KEEP_SIZE
    private const int Interrupted = 4;
    private const int NoSpace = 28;
    private const int OverQuota = 122;

    /// <summary>Of the file system that a path is on.</summary>
    /// <exception cref="IOException">The kernel does not say.</exception>
    public static DiskSpace Measure(string path)
    {
        var drive = new DriveInfo(path);
        return new DiskSpace(drive.TotalSize - drive.TotalFreeSpace + drive.AvailableFreeSpace, drive.AvailableFreeSpace);
    }

    /// <summary>How much of it is used, in percent, rounded down: 100 means that nothing is left.</summary>
    public int PercentUsed => Size <= 0 ? 100 : (int)((Size - Free) * 100 / Size);

    /// <summary>
    /// Gives a file blocks behind its end, without making it longer: whoever writes there later needs no more room, however full
    /// the file system is by then. Cutting the file to its length gives them back.
    /// </summary>
    /// <param name="file">Open for writing.</param>
    /// <param name="from">Where they begin.</param>
    /// <param name="length">How many bytes.</param>
    /// <returns>False when there is no room for them.</returns>
    /// <exception cref="IOException">The file system cannot do that, or the disk failed.</exception>
    public static bool TryKeep(SafeFileHandle file, long from, long length)
    {
        while (Fallocate(file, KeepSize, from, length) != 0)
            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted: continue;
                case NoSpace or OverQuota: return false;
                default: throw new IOException(Marshal.GetLastPInvokeErrorMessage());
            }
        return true;
    }

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Fallocate(SafeFileHandle file, int mode, long from, long length);
}
