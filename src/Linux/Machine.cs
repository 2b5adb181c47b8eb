using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>Identifies this machine. A clone may have the same <see cref="Id"/>, but never the same <see cref="BootId"/> as well.</summary>
public static partial class Machine
{
    /// <summary>The content of <c>/etc/machine-id</c>; empty if there is none.</summary>
    public static string Id => Read("/etc/machine-id");

    /// <summary>The identity of the running kernel: containers of one machine share it.</summary>
    public static string BootId => Read("/proc/sys/kernel/random/boot_id");

    /// <summary>How many descriptors this process may have open at once: the soft limit, which .NET raises to the hard limit.</summary>
    public static long MostDescriptors => Limit(7, out var limit) == 0 ? (long)Math.Min(limit.Soft, long.MaxValue) : 1024; // RLIMIT_NOFILE

    private static string Read(string path) => File.Exists(path) ? File.ReadAllText(path).Trim() : "";

    [StructLayout(LayoutKind.Sequential)]
    private struct ResourceLimit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int Limit(int resource, out ResourceLimit limit);
}
