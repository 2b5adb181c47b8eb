using System.Security.Cryptography;
using System.Text;
using CertAuthority.Proofs;

namespace CertAuthority.Tests.Unit.Proofs;

/// <summary>The tree over tiles, against the definitions of RFC 6962 written out, and against values that others published.</summary>
public class TreeTests
{
    // Sizes around those at which tiles and levels begin.
    private static readonly long[] Sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257, 300, 511, 512, 513, 769, 65_535, 65_536, 65_537, 66_000];

    private static readonly byte[][] Leaves = [.. Enumerable.Range(0, 66_000).Select(n => TreeHash.OfLeaf(Encoding.ASCII.GetBytes($"entry {n}")))];

    [Theory]
    [InlineData(1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    [InlineData(2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    [InlineData(3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")]
    [InlineData(5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4")]
    [InlineData(7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c")]
    [InlineData(8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
    public void Root_is_that_of_the_reference(int size, string root)
    {
        string[] entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        var tree = new GrowingTree(0, _ => null);
        foreach (var entry in entries.Take(size))
            tree.Add(TreeHash.OfLeaf(Convert.FromHexString(entry)));
        Assert.Equal(root, Convert.ToHexStringLower(tree.Grown().Root()));
    }

    [Fact]
    public void Root_is_the_definition_at_every_size()
    {
        var tiles = Tiles(66_000);
        foreach (var size in Sizes)
        {
            var expected = Root(0, size);
            Assert.Equal(expected, new Tree(size, tiles.GetValueOrDefault).Root());
            Assert.Equal(expected, new Tree(66_000, tiles.GetValueOrDefault).RootOf(size));
        }
    }

    [Fact]
    public void Tree_that_grows_in_pieces_has_the_same_tiles()
    {
        var (stored, size) = (new Dictionary<TileId, byte[]>(), 0L);
        foreach (var piece in new[] { 1, 254, 1, 1, 256, 700, 2048, 62_000, 739 })
        {
            var tree = new GrowingTree(size, stored.GetValueOrDefault);
            for (var i = 0; i < piece; i++)
                tree.Add(Leaves[size + i]);
            foreach (var (tile, hashes) in tree.Changed())
                stored[tile] = hashes;
            size = tree.Size;
            Assert.Equal(Root(0, size), tree.Grown().Root());
        }
        Assert.Equal(66_000, size);
        var whole = Tiles(size);
        Assert.Equal(whole.Keys.OrderBy(one => (one.Level, one.Number)), TileId.Of(size));
        Assert.Equal(whole.Keys.ToHashSet(), stored.Keys.ToHashSet());
        Assert.All(whole, tile => Assert.Equal(tile.Value, stored[tile.Key]));
        Assert.All(whole, tile => Assert.Equal(tile.Key.WidthIn(size) * TreeHash.Length, tile.Value.Length));
    }

    [Fact]
    public void Inclusion_is_proven_for_every_leaf_and_for_no_other()
    {
        var tiles = Tiles(66_000);
        foreach (var size in Sizes.Where(size => size > 0))
        {
            var (tree, root) = (new Tree(size, tiles.GetValueOrDefault), Root(0, size));
            foreach (var index in size < 600 ? Enumerable.Range(0, (int)size).Select(n => (long)n) : [0L, 1, 255, 256, 65_534, size - 2, size - 1])
            {
                if (index >= size)
                    continue;
                var path = tree.Inclusion(index);
                Assert.Equal(Path(index, 0, size), path);
                Assert.True(Proof.Includes(Leaves[index], index, size, path, root), $"{index} of {size}");
                Assert.False(Proof.Includes(Leaves[(index + 1) % 66_000], index, size, path, root));
                Assert.False(Proof.Includes(Leaves[index], index, size, path, SHA256.HashData(root)));
                Assert.False(Proof.Includes(Leaves[index], index, size, [.. path, root], root));
                if (path.Length > 0)
                    Assert.False(Proof.Includes(Leaves[index], index, size, path[1..], root));
                if (size > 1)
                    Assert.False(Proof.Includes(Leaves[index], (index + 1) % size, size, path, root), $"{index} of {size} elsewhere");
            }
        }
    }

    [Fact]
    public void Consistency_is_proven_for_every_beginning_and_for_no_other()
    {
        var tiles = Tiles(66_000);
        long[] sizes = [.. Enumerable.Range(0, 70).Select(n => (long)n), .. Sizes];
        foreach (var size in sizes.Distinct())
            foreach (var earlier in sizes.Where(one => one <= size).Distinct())
            {
                var (root, before) = (Root(0, size), Root(0, earlier));
                var path = new Tree(size, tiles.GetValueOrDefault).Consistency(earlier);
                Assert.True(Proof.Extends(earlier, before, size, root, path), $"{earlier} in {size}");
                Assert.False(Proof.Extends(earlier, SHA256.HashData(before), size, root, path), $"another beginning of {earlier} in {size}");
                if (earlier > 0)
                    Assert.False(Proof.Extends(earlier, before, size, SHA256.HashData(root), path), $"{earlier} in another {size}");
                if (path.Length > 0)
                    Assert.False(Proof.Extends(earlier, before, size, root, path[..^1]));
                Assert.False(Proof.Extends(earlier, before, size, root, [.. path, root]));
                Assert.False(Proof.Extends(size + 1, before, size, root, path));
            }
    }

    [Fact]
    public void Missing_tile_is_said()
    {
        var tiles = Tiles(600);
        tiles.Remove(new TileId(0, 1));
        Assert.Contains("tile 1 of level 0", Assert.Throws<MissingTileException>(() => new Tree(600, tiles.GetValueOrDefault).Inclusion(300)).Message, StringComparison.Ordinal);
        tiles[new TileId(0, 2)] = tiles[new TileId(0, 2)][..^1];
        Assert.Throws<MissingTileException>(() => new GrowingTree(600, tiles.GetValueOrDefault));
    }

    [Theory]
    [InlineData(0, 0, 256, "tile/0/000")]
    [InlineData(0, 18, 192, "tile/0/018.p/192")]
    [InlineData(1, 1234067, 256, "tile/1/x001/x234/067")]
    [InlineData(2, 1000, 1, "tile/2/x001/000.p/1")]
    public void Path_is_that_of_tlog_tiles(int level, long number, int width, string path)
    {
        Assert.Equal(path, new TileId(level, number).Path(width));
        if (level == 0)
            Assert.Equal(path.Replace("/0/", "/entries/", StringComparison.Ordinal), TileId.EntriesPath(number, width));
    }

    private static Dictionary<TileId, byte[]> Tiles(long size)
    {
        var tree = new GrowingTree(0, _ => null);
        foreach (var leaf in Leaves.Take((int)size))
            tree.Add(leaf);
        return new(tree.Changed());
    }

    // RFC 6962, section 2.1, word for word; remembered, because the sizes have much in common.
    private static readonly Dictionary<(long, long), byte[]> Known = [];

    private static byte[] Root(long begin, long end)
    {
        if (end == begin)
            return SHA256.HashData([]);
        if (end - begin == 1)
            return Leaves[begin];
        lock (Known)
            if (!Known.TryGetValue((begin, end), out var root))
                Known[(begin, end)] = root = SHA256.HashData([1, .. Root(begin, begin + Left(end - begin)), .. Root(begin + Left(end - begin), end)]);
            else
                return root;
        return Known[(begin, end)];
    }

    private static byte[][] Path(long index, long begin, long end)
    {
        if (end - begin == 1)
            return [];
        var middle = begin + Left(end - begin);
        return index < middle ? [.. Path(index, begin, middle), Root(middle, end)] : [.. Path(index, middle, end), Root(begin, middle)];
    }

    private static long Left(long size)
    {
        var left = 1L;
        while (left * 2 < size)
            left *= 2;
        return left;
    }
}
