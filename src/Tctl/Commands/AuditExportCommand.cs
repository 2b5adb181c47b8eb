using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.Linux;
using CertAuthority.Proofs;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary><c>tctl audit export</c>.</summary>
internal sealed class AuditExportCommand : CliCommand
{
    private static readonly TimeSpan TellAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);

    private readonly Argument<string> directory = new("DIR")
    {
        Description = "Where to; an earlier export there goes on",
        CompletionSources = { Suggestions.Files }
    };

    public AuditExportCommand()
        : base(
            "export", "Copies the audit, with everything that proves it, into files that others can check without the daemon",
            "tctl audit export /srv/audit")
    {
        Arguments.Add(directory);
        Options.Add(new FormatOption());
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var (log, target) = (new DaemonLog(ca), parsed.GetValue(directory)!);
        var last = await log.Last(cancellation);
        var (checkpoint, written) = (last.Checkpoint, 0L);
        if ((last.Fault ?? await CheckpointSignature.Fault(last, last.Key, cancellation)) is { } fault)
            throw new FailureException($"nothing was exported: {fault}", "see what does not match: tctl audit verify");
        if (AtomicFile.Read(Path.Combine(target, AuditLog.CheckpointFile)) is { } note)
            await ExpectContinues(log, checkpoint, AuditLog.SignedNote.Read(note), target, cancellation);
        Directory.CreateDirectory(target);
        await using (new Timer(_ => parsed.Say($"{written} of {checkpoint.Size} entries are here"), null, TellAfter, TellEvery))
            foreach (var tile in TileId.Of(checkpoint.Size))
            {
                var width = tile.WidthIn(checkpoint.Size);
                // What is full never changes, so it is fetched once.
                if (IsThere(tile, width))
                {
                    written += tile.Level == 0 ? width : 0;
                    continue;
                }
                var hashes = await log.Tile(tile, width, cancellation)
                    ?? throw new FailureException(
                        $"the daemon has no tile {tile.Number} of level {tile.Level}", "tctl audit verify says more");
                if (tile.Level == 0)
                {
                    var entries = await log.Entries(tile.Number, width, cancellation);
                    if (!HashesOf(entries).AsSpan().SequenceEqual(hashes))
                        throw new FailureException(
                            $"the entries from {(tile.Number * TileId.Width) + 1} on are not those that were logged",
                            "tctl audit verify names them");
                    Replace(TileId.EntriesPath(tile.Number, width), EntryBundle.Write(entries));
                    written += width;
                }
                Replace(tile.Path(width), hashes);
            }
        Replace(AuditLog.KeyFile, Encoding.UTF8.GetBytes($"{last.Key}\n"));
        Replace(AuditLog.SignatureFile, Encoding.UTF8.GetBytes(last.Signature));
        Replace(AuditLog.CheckpointFile, Encoding.UTF8.GetBytes(last.Note));
        parsed.PrintResult(
            new JsonObject { ["directory"] = Path.GetFullPath(target), ["origin"] = checkpoint.Origin, ["size"] = checkpoint.Size },
            $"{AuditLog.Count(checkpoint.Size)} of the audit are in {target}");
        return ExitCode.Done;

        // Whether the files are there, and the entries are those of the hashes.
        bool IsThere(TileId tile, int width)
        {
            var (path, entries) = (Path.Combine(target, tile.Path(width)), Path.Combine(target, TileId.EntriesPath(tile.Number, width)));
            return File.Exists(path)
                && (tile.Level > 0
                    || (File.Exists(entries) && EntryBundle.Read(File.ReadAllBytes(entries)) is { } read
                        && HashesOf(read).AsSpan().SequenceEqual(File.ReadAllBytes(path))));
        }

        void Replace(string name, byte[] content)
        {
            var path = Path.Combine(target, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.Replace(path, content, AtomicFile.OwnerOnly);
        }
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
