using System.Globalization;

namespace CertAuthority.Proofs;

/// <summary>
/// The proof that an entry is in a log, in the form of C2SP <c>tlog-proof</c>: everything that is needed to check it except the key and the
/// entry itself.
/// </summary>
/// <param name="Index">The place of the entry, from 0.</param>
/// <param name="Path">The hashes beside the path from the entry to the root.</param>
/// <param name="Note">The checkpoint, signed.</param>
public sealed record InclusionProof(long Index, IReadOnlyList<byte[]> Path, string Note)
{
    private const string Title = "c2sp.org/tlog-proof@v1";

    /// <summary>The text of the proof.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Title}\nindex {Index}\n{string.Concat(Path.Select(hash => $"{Convert.ToBase64String(hash)}\n"))}\n{Note}");

    /// <summary>Reads a proof.</summary>
    /// <returns>Null if it is not one.</returns>
    public static InclusionProof? Parse(string text)
    {
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || text[..end].Split('\n') is not [Title, var second, .. var hashes]
            || !second.StartsWith("index ", StringComparison.Ordinal)
            || !long.TryParse(second["index ".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return null;
        var path = new List<byte[]>();
        foreach (var hash in hashes)
        {
            var bytes = new byte[TreeHash.Length];
            if (!Convert.TryFromBase64String(hash, bytes, out var length) || length != bytes.Length)
                return null;
            path.Add(bytes);
        }
        var read = new InclusionProof(index, path, text[(end + 2)..]);
        return $"{read}" == text ? read : null;
    }
}
