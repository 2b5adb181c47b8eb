using System.Globalization;
using System.Runtime.InteropServices;

namespace CertAuthority.Proofs;

/// <summary>
/// The place of a tile: up to 256 hashes of a level of the tree, of which each stands for 256 hashes of the level below. The format is
/// <c>tlog-tiles</c> of C2SP, so that the tools for such logs can read the files.
/// </summary>
/// <param name="Level">The level; the hashes of level 0 are those of the leaves.</param>
/// <param name="Number">The number in its level, from 0.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct TileId(int Level, long Number)
{
    /// <summary>The number of hashes in a tile that is full.</summary>
    public const int Width = 256;

    /// <summary>The height of a tile, in levels of the tree.</summary>
    internal const int Height = 8;

    /// <summary>The number of hashes that the tile has in a tree of the given size.</summary>
    public int WidthIn(long size) => (int)Math.Clamp((size >> (Height * Level)) - (Number * Width), 0, Width);

    /// <summary>The path of the file with the tile.</summary>
    /// <param name="width">The number of hashes in it. A tile that is not full has a path of its own for each number.</param>
    public string Path(int width) => $"tile/{Level}/{Digits(Number)}{Part(width)}";

    /// <summary>The path of the file with the entries whose hashes are in a tile of level 0.</summary>
    /// <param name="number">The number of that tile.</param>
    /// <param name="width">The number of entries in it.</param>
    public static string EntriesPath(long number, int width) => $"tile/entries/{Digits(number)}{Part(width)}";

    /// <summary>Returns all tiles of a tree, the lowest level first.</summary>
    public static IEnumerable<TileId> Of(long size)
    {
        for (var level = 0; size >> (Height * level) > 0; level++)
            for (long number = 0; new TileId(level, number).WidthIn(size) > 0; number++)
                yield return new TileId(level, number);
    }

    private static string Part(int width) => width == Width ? "" : string.Create(CultureInfo.InvariantCulture, $".p/{width}");

    // 1234067 is x001/x234/067, so that no directory gets more than a thousand names.
    private static string Digits(long number)
    {
        var path = (number % 1000).ToString("000", CultureInfo.InvariantCulture);
        while ((number /= 1000) > 0)
            path = string.Create(CultureInfo.InvariantCulture, $"x{number % 1000:000}/{path}");
        return path;
    }
}
