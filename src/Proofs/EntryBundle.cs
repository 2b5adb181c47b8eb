using System.Buffers.Binary;

namespace CertAuthority.Proofs;

/// <summary>Up to 256 entries in one file, each behind its length in two bytes: the entry bundle of C2SP <c>tlog-tiles</c>.</summary>
public static class EntryBundle
{
    /// <summary>The length of the longest entry, in bytes.</summary>
    public const int LongestEntry = ushort.MaxValue;

    /// <summary>Writes the entries.</summary>
    public static byte[] Write(IEnumerable<byte[]> entries)
    {
        using var bundle = new MemoryStream();
        Span<byte> length = stackalloc byte[sizeof(ushort)];
        foreach (var entry in entries)
        {
            BinaryPrimitives.WriteUInt16BigEndian(length, checked((ushort)entry.Length));
            bundle.Write(length);
            bundle.Write(entry);
        }
        return bundle.ToArray();
    }

    /// <summary>Reads the entries.</summary>
    /// <returns>Null if the bytes end within an entry.</returns>
    public static List<byte[]>? Read(ReadOnlySpan<byte> bundle)
    {
        var entries = new List<byte[]>();
        while (bundle.Length > 0)
        {
            if (!BinaryPrimitives.TryReadUInt16BigEndian(bundle, out var length) || bundle.Length < sizeof(ushort) + length)
                return null;
            entries.Add(bundle.Slice(sizeof(ushort), length).ToArray());
            bundle = bundle[(sizeof(ushort) + length)..];
        }
        return entries;
    }
}
