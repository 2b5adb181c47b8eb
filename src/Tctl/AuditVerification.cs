using CertAuthority.Proofs;

namespace CertAuthority.Tctl;

/// <summary>
/// Checks a log against checkpoints that were signed. It computes every hash anew from the entries, so it depends on nothing that the log
/// says about itself. The signatures are checked elsewhere.
/// </summary>
/// <param name="log">The log.</param>
/// <param name="last">The checkpoint of the whole log.</param>
/// <param name="earlier">Checkpoints of the same log that somebody kept.</param>
internal sealed class AuditVerification(AuditLog log, Checkpoint last, IReadOnlyList<Checkpoint> earlier)
{
    private readonly GrowingTree tree = new(0, _ => null);
    private readonly List<string> faults = [];

    /// <summary>The number of entries that were read.</summary>
    public long Size => tree.Size;

    /// <summary>The number of entries of which only the hash was read, because they are archived.</summary>
    public long Archived { get; private set; }

    /// <summary>Returns one sentence for each fault; none if the log is what was signed.</summary>
    public async Task<List<string>> Faults(CancellationToken cancellation)
    {
        foreach (var one in earlier.Where(one => one.Size > last.Size))
            faults.Add($"the log has {last.Size} entries, and had {one.Size} in an earlier checkpoint: entries are missing");
        Compare();
        for (long number = 0; tree.Size < last.Size; number++)
        {
            var width = new TileId(0, number).WidthIn(last.Size);
            if (await log.Entries(number, width, cancellation) is not { } entries)
            {
                if (!await AddHashes(number, width, cancellation))
                    break;
                continue;
            }
            foreach (var entry in entries.Take(width))
            {
                tree.Add(TreeHash.OfLeaf(entry));
                Compare();
            }
            await CompareTiles(number, entries, cancellation);
            if (entries.Count > width)
                faults.Add($"there are entries after entry {tree.Size} that are in no checkpoint");
            if (entries.Count < width)
            {
                faults.Add($"the log ends with entry {tree.Size}, and its checkpoint has {last.Size}");
                break;
            }
        }
        return faults;
    }

    /// <summary>Adds the hashes of archived entries, which are as the log says them; the checkpoint tells whether they are right.</summary>
    private async Task<bool> AddHashes(long number, int width, CancellationToken cancellation)
    {
        if (await log.Tile(new TileId(0, number), width, cancellation) is not { } hashes)
        {
            faults.Add($"tile {number} of level 0 is missing");
            return false;
        }
        for (var place = 0; place < width; place++)
        {
            tree.Add(hashes.AsSpan(place * TreeHash.Length, TreeHash.Length));
            Compare();
        }
        Archived += width;
        await CompareTiles(number, [], cancellation);
        return true;
    }

    // The tiles tell which entry was changed; the checkpoint tells that one was, even if the tiles were changed too.
    private async Task CompareTiles(long number, IReadOnlyList<byte[]> entries, CancellationToken cancellation)
    {
        foreach (var (tile, computed) in tree.Changed())
        {
            var width = tile.WidthIn(last.Size);
            // A tile that is not full yet will be compared when it is, or at the end. If entries are missing, this is the end.
            if (width * TreeHash.Length != computed.Length && (tile.Level > 0 || entries.Count >= new TileId(0, number).WidthIn(last.Size)))
                continue;
            var said = await log.Tile(tile, width, cancellation);
            if (said is null)
                faults.Add($"tile {tile.Number} of level {tile.Level} is missing");
            else if (!said.AsSpan().StartsWith(computed))
                faults.Add(
                    tile == new TileId(0, number) && Differs(said, computed) is { } place && place < entries.Count
                        ? $"entry {(number * TileId.Width) + place + 1} is not the one that was logged"
                        : $"tile {tile.Number} of level {tile.Level} has other hashes than its entries");
        }
        tree.Forget();
    }

    private void Compare()
    {
        foreach (var signed in earlier.Append(last).Where(one => one.Size == tree.Size).Distinct())
            if (!tree.Grown().Root().AsSpan().SequenceEqual(signed.Root))
                faults.Add($"the first {signed.Size} entries are not those of the checkpoint with {signed.Size} entries");
    }

    private static int? Differs(byte[] said, byte[] computed)
    {
        var same = said.AsSpan().CommonPrefixLength(computed);
        return same < computed.Length ? same / TreeHash.Length : null;
    }
}
