using System.Text;
using CertAuthority.Linux;
using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Auditing;

/// <summary>
/// The files from which hosts and others follow the checkpoints of the audit: <c>checkpoint</c>, its signature, and the tiles with the
/// hashes, in the layout of C2SP <c>tlog-tiles</c>. The entries are not among them: they name people.
/// </summary>
/// <param name="path">The absolute path of the directory.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class AuditDirectory(string path, ILogger log)
{
    // Whether every tile of the last checkpoint is there.
    private bool isWhole;

    /// <summary>Why the last checkpoint is not there; null if it is.</summary>
    public string? Failure { get; private set; }

    /// <summary>Writes the tiles that changed, and then the checkpoint that needs them; at first also every tile that is missing.</summary>
    public void Publish(Database database, SignedCheckpoint signed, IReadOnlyCollection<KeyValuePair<TileId, byte[]>> changed)
    {
        try
        {
            OwnFile.PublicDirectory(path);
            // Somebody may have emptied it.
            isWhole &= File.Exists(At("checkpoint"));
            foreach (var (tile, hashes) in changed)
                Put(tile.Path(hashes.Length / TreeHash.Length), hashes);
            if (!isWhole)
                PutMissing(database, signed.Checkpoint.Size);
            Put("checkpoint.sig", Encoding.ASCII.GetBytes(signed.Signature));
            Put("checkpoint", Encoding.UTF8.GetBytes(signed.Note));
            (isWhole, Failure) = (true, null);
            // Somebody may still read what a tile was before it was full, but only with the checkpoint before.
            foreach (var (tile, _) in changed.Where(one => one.Value.Length == TileId.Width * TreeHash.Length))
                if (Directory.Exists(At($"{tile.Path(TileId.Width)}.p")))
                    Directory.Delete(At($"{tile.Path(TileId.Width)}.p"), recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ExposedException or ProblemException)
        {
            // The copy for readers is late; the audit itself is not affected.
            (isWhole, Failure) = (false, e.Message);
            log.LogWarning("{Path} could not be written, and is tried again with the next checkpoint: {Why}", path, Printable.Escape(e.Message));
        }
    }

    private void PutMissing(Database database, long size)
    {
        foreach (var tile in TileId.Of(size))
        {
            var width = tile.WidthIn(size);
            if (!File.Exists(At(tile.Path(width))) && database.Read(snapshot => snapshot.Tile(tile)) is { } hashes)
                Put(tile.Path(width), hashes[..(width * TreeHash.Length)]);
        }
    }

    private void Put(string name, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        AtomicFile.Replace(At(name), content, AtomicFile.ReadableByAll);
    }

    private string At(string name) => Path.Combine(path, name);
}
