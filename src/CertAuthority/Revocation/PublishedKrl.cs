using CertAuthority.OpenSsh;

namespace CertAuthority.Revocation;

/// <summary>A revocation list that was written.</summary>
/// <param name="Version">Counts up with each.</param>
/// <param name="Bytes">All of it.</param>
internal sealed record PublishedKrl(ulong Version, byte[] Bytes)
{
    /// <summary>The list that lies at a path; null when there is none, or none that can be read.</summary>
    public static Krl? At(string path)
    {
        try
        {
            return File.Exists(path) ? Krl.Parse(File.ReadAllBytes(path)) : null;
        }
        catch (SshFormatException)
        {
            return null;
        }
    }
}
