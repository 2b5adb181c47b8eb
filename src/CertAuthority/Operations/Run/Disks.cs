using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Operations;

/// <summary>The disk that the database lies on.</summary>
internal static class Disks
{
    /// <exception cref="IOException">The kernel does not say how full it is.</exception>
    public static DiskStatus Measure(Authority ca)
    {
        var space = DiskSpace.Measure(ca.Database.Folder);
        return new DiskStatus(ca.Database.Folder, space.PercentUsed, space.Free, ca.Database.HasRoom);
    }
}
