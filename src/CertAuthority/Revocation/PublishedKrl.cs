using CertAuthority.OpenSsh;

namespace CertAuthority.Revocation;

/// <summary>A revocation list that was written.</summary>
/// <param name="Version">The version, which increases with each list.</param>
/// <param name="Bytes">The complete file.</param>
internal sealed record PublishedKrl(ulong Version, byte[] Bytes)
{
    /// <summary>When it was made.</summary>
    public DateTimeOffset Made { get; init; }

    /// <summary>The files with the CA keys that were in force then, by name.</summary>
    public IReadOnlyList<(string Name, byte[] Content)> Keys { get; init; } = [];

    /// <summary>The signed manifest that names it; null if it could not be signed.</summary>
    public byte[]? Manifest { get; init; }

    /// <summary>Reads the list at a path; null if there is none, or none that can be read.</summary>
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
