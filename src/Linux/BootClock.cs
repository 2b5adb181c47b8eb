using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>
/// The system's clocks: the time of day, which can be set, and the time since boot, which cannot be set and continues while the machine
/// sleeps.
/// </summary>
public sealed partial class BootClock : TimeProvider
{
    private const int SinceBoot = 7; // CLOCK_BOOTTIME
    private const long NanosecondsPerSecond = 1_000_000_000;

    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>
    /// An ID of this boot of this machine; timestamps of two boots cannot be compared. The unit hides the file that contains it
    /// (<c>ProcSubset=pid</c>) and passes the ID instead. If neither exists, each start counts as a new boot.
    /// </summary>
    public static string BootId { get; } =
        File.Exists(BootIdFile)
            ? File.ReadAllText(BootIdFile).Trim()
            : Environment.GetEnvironmentVariable("CERTAUTHORITY_BOOT_ID") ?? Guid.NewGuid().ToString();

    /// <inheritdoc/>
    public override long TimestampFrequency => NanosecondsPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => GetTime(SinceBoot, out var time) == 0
        ? time.Seconds * NanosecondsPerSecond + time.Nanoseconds
        : throw new Win32Exception();

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int GetTime(int clock, out Time time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Time
    {
        internal nint Seconds;
        internal nint Nanoseconds;
    }
}
