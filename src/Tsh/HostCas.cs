using System.Collections.Immutable;
using System.Security.Cryptography;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tsh;

/// <summary>
/// Host CA keys that a file lets ssh believe, or that a daemon names. A key that is new to a file is believed only for a reason: it is the
/// first contact, a key of the file says so in a statement, directly or over others, or the user has compared its fingerprint.
/// </summary>
/// <param name="Keys">The keys.</param>
/// <param name="Installation">The installation whose keys they are; null if it is not known.</param>
internal sealed record HostCas(ImmutableArray<PublicKey> Keys, string? Installation)
{
    /// <summary>Reads a file that tsh wrote.</summary>
    public static HostCas Read(string? text)
    {
        var (keys, installation) = KnownHosts.ReadAuthorities(text ?? "");
        return new HostCas([.. keys], installation);
    }

    /// <summary>Returns the file.</summary>
    public override string ToString() => KnownHosts.Authorities(Keys, Installation);

    /// <summary>Returns the keys that statements of this installation lead to, beginning with these, which are among them.</summary>
    /// <param name="statements">The statements, in any order; those that cannot be read lead nowhere.</param>
    /// <param name="isSigned">Returns whether the signature of a statement fits.</param>
    public async Task<HashSet<PublicKey>> Reached(IEnumerable<string> statements, Func<HostCaStatement, Task<bool>> isSigned)
    {
        var reached = Keys.ToHashSet();
        var left = statements.Select(Parsed).OfType<HostCaStatement>().Where(one => one.Installation == Installation).ToList();
        while (left.Find(one => reached.Contains(one.Old)) is { } next)
        {
            left.Remove(next);
            if (!reached.Contains(next.Next) && await isSigned(next))
                reached.Add(next.Next);
        }
        return reached;
    }

    /// <summary>Returns what the file has from now on, and the keys that are not believed.</summary>
    /// <param name="offered">What the daemon names.</param>
    /// <param name="reached">The keys that there is a reason to believe.</param>
    public (HostCas After, ImmutableArray<PublicKey> Unproven) Follow(HostCas offered, IReadOnlySet<PublicKey> reached)
    {
        ImmutableArray<PublicKey> believed = [.. offered.Keys.Where(reached.Contains)];
        // An empty file would make the next login the first contact.
        return (
            new HostCas(believed.IsEmpty ? Keys : believed, Installation ?? offered.Installation),
            [.. offered.Keys.Where(key => !reached.Contains(key))]);
    }

    /// <summary>Returns the fingerprint of a key, as <c>ssh-keygen -l</c> prints it.</summary>
    public static string Fingerprint(PublicKey key) => $"SHA256:{Convert.ToBase64String(SHA256.HashData(key.ToBlob())).TrimEnd('=')}";

    private static HostCaStatement? Parsed(string statement)
    {
        try
        {
            return HostCaStatement.Parse(statement);
        }
        catch (SshFormatException)
        {
            return null;
        }
    }
}
