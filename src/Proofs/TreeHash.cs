using System.Numerics;
using System.Security.Cryptography;

namespace CertAuthority.Proofs;

/// <summary>
/// The hashes of a Merkle tree as RFC 6962, section 2.1, defines them. A leaf and a node begin with different bytes, so that neither can
/// pass for the other.
/// </summary>
public static class TreeHash
{
    /// <summary>The length of a hash, in bytes.</summary>
    public const int Length = SHA256.HashSizeInBytes;

    /// <summary>The root of a tree without leaves.</summary>
    public static byte[] OfNothing => SHA256.HashData([]);

    /// <summary>Returns the hash of a leaf.</summary>
    public static byte[] OfLeaf(ReadOnlySpan<byte> entry)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([0]);
        hash.AppendData(entry);
        return hash.GetHashAndReset();
    }

    /// <summary>Returns the hash of the node above two subtrees.</summary>
    public static byte[] OfNode(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> node = stackalloc byte[1 + (2 * Length)];
        node[0] = 1;
        left.CopyTo(node[1..]);
        right.CopyTo(node[(1 + Length)..]);
        return SHA256.HashData(node);
    }

    /// <summary>Returns the hash above a row of hashes, one after the other. Their number is a power of two.</summary>
    public static byte[] Above(ReadOnlySpan<byte> hashes) => hashes.Length == Length
        ? hashes.ToArray()
        : OfNode(Above(hashes[..(hashes.Length / 2)]), Above(hashes[(hashes.Length / 2)..]));

    /// <summary>
    /// Returns the size of the left subtree of a tree: the largest power of two that is smaller than the size of the tree.
    /// </summary>
    internal static long LeftOf(long size) => (long)(BitOperations.RoundUpToPowerOf2((ulong)size) / 2);
}
