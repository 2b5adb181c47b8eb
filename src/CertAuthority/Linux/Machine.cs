namespace CertAuthority.Linux;

/// <summary>Which machine this is. A clone shares the first of these, and never both.</summary>
internal static class Machine
{
    /// <summary>The content of <c>/etc/machine-id</c>; empty where there is none.</summary>
    public static string Id => Read("/etc/machine-id");

    /// <summary>The identity of the running kernel: containers of one machine share it.</summary>
    public static string BootId => Read("/proc/sys/kernel/random/boot_id");

    private static string Read(string path) => File.Exists(path) ? File.ReadAllText(path).Trim() : "";
}
