using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Operations;

/// <summary>Measures the disk that holds the database.</summary>
internal static class Disks
{
    /// <exception cref="IOException">The kernel does not report how full it is.</exception>
    public static DiskStatus Measure(Authority ca)
    {
        var space = DiskSpace.Measure(ca.Database.Folder);
        return new DiskStatus(ca.Database.Folder, space.PercentUsed, space.Free, ca.Database.HasRoom);
    }
}
