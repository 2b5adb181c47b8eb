using System.Collections.Immutable;
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

    /// <summary>
    /// The tokens of the groups of each host, by the ID of its node, from the same moment as the list: so a host never gets a token before
    /// the list that revokes what the token must not open. Null if hosts keep what they have.
    /// </summary>
    public IReadOnlyDictionary<Guid, ImmutableArray<string>>? Groups { get; init; }

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

    /// <summary>
    /// Reads the beginning of the list at a path; null if there is no list. Of a list that is damaged further on, the beginning counts.
    /// </summary>
    public static KrlHeader? HeaderAt(string path)
    {
        const int usual = 8 << 10;
        if (!File.Exists(path))
            return null;
        using var file = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[Math.Min(RandomAccess.GetLength(file), usual)];
        var length = RandomAccess.Read(file, bytes, 0);
        try
        {
            return KrlHeader.Parse(bytes.AsSpan(0, length));
        }
        catch (SshFormatException)
        {
            // After hundreds of starts, the comment alone may be longer.
            return length < usual ? null : At(path)?.Header;
        }
    }
}
