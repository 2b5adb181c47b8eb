using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>The free space on a file system, and a way to reserve some of it for one file.</summary>
/// <param name="Size">The size in bytes that is available to accounts other than root.</param>
/// <param name="Free">The unused bytes of that size.</param>
[StructLayout(LayoutKind.Auto)]
public readonly partial record struct DiskSpace(long Size, long Free)
{
    private const int KeepSize = 1; // FALLOC_FL_KEEP_SIZE
    private const int Interrupted = 4;
    private const int NoSpace = 28;
    private const int OverQuota = 122;

    /// <summary>Measures the file system of a path.</summary>
    /// <exception cref="IOException">The kernel does not report it.</exception>
    public static DiskSpace Measure(string path)
    {
        var drive = new DriveInfo(path);
        return new DiskSpace(drive.TotalSize - drive.TotalFreeSpace + drive.AvailableFreeSpace, drive.AvailableFreeSpace);
    }

    /// <summary>How much of it is used, in percent, rounded down; 100 means that nothing is left.</summary>
    public int PercentUsed => Size <= 0 ? 100 : (int)((Size - Free) * 100 / Size);

    /// <summary>
    /// Reserves blocks after the end of a file without making it longer: a later write there needs no more room, however full the file
    /// system is by then. Cutting the file to its length releases them.
    /// </summary>
    /// <param name="file">The file, open for writing.</param>
    /// <param name="from">The offset of the first reserved byte.</param>
    /// <param name="length">How many bytes to reserve.</param>
    /// <returns>False if there is not enough room.</returns>
    /// <exception cref="IOException">The file system does not support this, or the disk failed.</exception>
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
