using System.Text;
using CertAuthority.Linux;
using CertAuthority.Proofs;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Copies the log over the audit into a directory, or goes on with the copy that is there.</summary>
internal sealed class AuditExport
{
    private static readonly TimeSpan TellAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);

    private readonly AuditLog log;
    private readonly string target;

    private AuditExport(AuditLog log, AuditLog.SignedNote last, string target) => (this.log, Last, this.target) = (log, last, target);

    /// <summary>The checkpoint of what is copied.</summary>
    public AuditLog.SignedNote Last { get; }

    /// <summary>Reads the last checkpoint, and checks that what the directory has is its beginning.</summary>
    /// <exception cref="FailureException">It is not, or the audit does not match its checkpoint.</exception>
    public static async Task<AuditExport> Begin(AuditLog log, string target, CancellationToken cancellation)
    {
        var last = await log.Last(cancellation);
        if ((last.Fault ?? await CheckpointSignature.Fault(last, last.Key, cancellation)) is { } fault)
            throw new FailureException($"nothing was exported: {fault}", "see what does not match: tctl audit verify");
        if (AtomicFile.Read(Path.Combine(target, AuditLog.CheckpointFile)) is { } note)
            await ExpectContinues(log, last.Checkpoint, AuditLog.SignedNote.Read(note), target, cancellation);
        return new AuditExport(log, last, target);
    }

    /// <summary>Writes what is not there yet. Each file is there whole or not at all, and the checkpoint comes last.</summary>
    /// <param name="say">Receives how far it has got, every few seconds.</param>
    /// <param name="cancellation">Cancels it; what was written stays, and another call goes on.</param>
    public async Task Write(Action<string> say, CancellationToken cancellation)
    {
        var (size, written) = (Last.Checkpoint.Size, 0L);
        Directory.CreateDirectory(target);
        await using (new Timer(_ => say($"{written} of {size} entries are here"), null, TellAfter, TellEvery))
            foreach (var tile in TileId.Of(size))
            {
                var width = tile.WidthIn(size);
                // What is full never changes, so it is fetched once.
                if (!IsThere(tile, width))
                    await Fetch(tile, width, cancellation);
                written += tile.Level == 0 ? width : 0;
            }
        Replace(AuditLog.KeyFile, Encoding.UTF8.GetBytes($"{Last.Key}\n"));
        Replace(AuditLog.SignatureFile, Encoding.UTF8.GetBytes(Last.Signature));
        Replace(AuditLog.CheckpointFile, Encoding.UTF8.GetBytes(Last.Note));
    }

    /// <summary>Makes the names of all files durable; their contents are.</summary>
    public void Flush()
    {
        foreach (var directory in Directory.EnumerateDirectories(target, "*", SearchOption.AllDirectories).Append(target)
            .Append(Path.GetDirectoryName(Path.GetFullPath(target).TrimEnd('/')) ?? "/"))
            AtomicFile.FlushDirectory(directory);
    }

    private async Task Fetch(TileId tile, int width, CancellationToken cancellation)
    {
        var hashes = await log.Tile(tile, width, cancellation)
            ?? throw new FailureException($"the daemon has no tile {tile.Number} of level {tile.Level}", "tctl audit verify says more");
        if (tile.Level == 0)
        {
            var first = (tile.Number * TileId.Width) + 1;
            var entries = await log.Entries(tile.Number, width, cancellation)
                ?? throw new FailureException(
                    $"the daemon has archived the entries from {first} on, and they are not in {target}",
                    "name the archive: --archive DIR, or let the archive itself go on");
            if (!HashesOf(entries).AsSpan().SequenceEqual(hashes))
                throw new FailureException(
                    $"the entries from {first} on are not those that were logged", "tctl audit verify names them");
            Replace(TileId.EntriesPath(tile.Number, width), EntryBundle.Write(entries));
        }
        Replace(tile.Path(width), hashes);
    }

    // Whether the files are there, and the entries are those of the hashes.
    private bool IsThere(TileId tile, int width)
    {
        var (path, entries) = (Path.Combine(target, tile.Path(width)), Path.Combine(target, TileId.EntriesPath(tile.Number, width)));
        return File.Exists(path)
            && (tile.Level > 0
                || (File.Exists(entries) && EntryBundle.Read(File.ReadAllBytes(entries)) is { } read
                    && HashesOf(read).AsSpan().SequenceEqual(File.ReadAllBytes(path))));
    }

    private void Replace(string name, byte[] content)
    {
        var path = Path.Combine(target, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Replace(path, content, AtomicFile.OwnerOnly);
    }

    private static byte[] HashesOf(IEnumerable<byte[]> entries) => [.. entries.SelectMany(entry => TreeHash.OfLeaf(entry))];

    private static async Task ExpectContinues(
        AuditLog log, Checkpoint now, Checkpoint? before, string target, CancellationToken cancellation)
    {
        if (before is null)
            throw new FailureException($"{Path.Combine(target, AuditLog.CheckpointFile)} is not a checkpoint", "name another directory");
        if (before.Origin != now.Origin)
            throw new FailureException($"{target} has the log {before.Origin}, and the daemon has {now.Origin}", "name another directory");
        var tiles = new Dictionary<TileId, byte[]?>();
        foreach (var tile in TileId.Of(now.Size).Where(tile => IsAtEdge(tile, before.Size) || IsAtEdge(tile, now.Size)))
            tiles[tile] = await log.Tile(tile, tile.WidthIn(now.Size), cancellation);
        if (before.Size > now.Size || !Continues())
            throw new FailureException(
                $"the daemon's audit does not begin with the {before.Size} entries that {target} has",
                "nothing was changed there; keep it, for it shows what was lost");

        bool Continues()
        {
            var tree = new Tree(now.Size, tiles.GetValueOrDefault);
            try
            {
                return tree.RootOf(before.Size).AsSpan().SequenceEqual(before.Root) && tree.Root().AsSpan().SequenceEqual(now.Root);
            }
            catch (MissingTileException)
            {
                return false;
            }
        }
    }

    private static bool IsAtEdge(TileId tile, long size) => tile.Number == (size >> (8 * tile.Level)) / TileId.Width
        || tile.Number == ((size >> (8 * tile.Level)) - 1) / TileId.Width;
}
