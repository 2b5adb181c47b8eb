using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>The log over the audit: its last checkpoint, the tiles with its hashes, and the entries.</summary>
/// <param name="archives">Where entries are that the log itself does not have any more.</param>
internal abstract class AuditLog(IReadOnlyList<ExportedLog> archives)
{
    public const string CheckpointFile = "checkpoint";
    public const string SignatureFile = "checkpoint.sig";
    public const string KeyFile = "audit_key.pub";

    /// <summary>Returns how many entries there are, in words.</summary>
    public static string Count(long size) => size == 1 ? "1 entry" : $"{size} entries";

    /// <summary>Reads the last checkpoint, and the key that signs checkpoints.</summary>
    /// <exception cref="FailureException">There is none.</exception>
    public abstract Task<SignedNote> Last(CancellationToken cancellation);

    /// <summary>Reads the hashes of a tile; null if there is no such tile.</summary>
    public abstract Task<byte[]?> Tile(TileId tile, int width, CancellationToken cancellation);

    /// <summary>Reads the entries whose hashes are in a tile of level 0.</summary>
    /// <returns>The entries, fewer than asked for if some are missing; null if they are archived, and no archive has them.</returns>
    public async Task<IReadOnlyList<byte[]>?> Entries(long number, int width, CancellationToken cancellation)
    {
        if (await OwnEntries(number, width, cancellation) is { } own)
            return own;
        foreach (var archive in archives)
            if (await archive.OwnEntries(number, width, cancellation) is { Count: > 0 } archived)
                return archived;
        return null;
    }

    /// <summary>Reads entries without the archives; null if they are archived.</summary>
    protected internal abstract Task<IReadOnlyList<byte[]>?> OwnEntries(long number, int width, CancellationToken cancellation);

    /// <summary>A checkpoint as it is signed.</summary>
    /// <param name="Note">The checkpoint as a signed note.</param>
    /// <param name="Signature">The signature of the note.</param>
    /// <param name="Key">The key that signs, as a line.</param>
    /// <param name="Fault">What the daemon says against its audit; null for nothing.</param>
    internal sealed record SignedNote(string Note, string Signature, string Key, string? Fault = null)
    {
        /// <summary>The checkpoint itself, whoever signed it.</summary>
        /// <exception cref="FailureException">It is not one.</exception>
        public Checkpoint Checkpoint => Read(Note) ?? throw new FailureException("the last checkpoint is malformed");

        /// <summary>Reads a checkpoint; null if it is not one.</summary>
        public static Checkpoint? Read(string note) =>
            Proofs.Note.Parse(note) is { } read && Checkpoint.Parse(read.Text) is { } checkpoint && read.Name == checkpoint.Origin
                ? checkpoint
                : null;
    }
}

/// <summary>The log that the daemon has.</summary>
/// <param name="ca">The daemon.</param>
/// <param name="archives">Where the entries are that it has archived.</param>
internal sealed class DaemonLog(CaClient ca, params IReadOnlyList<ExportedLog> archives) : AuditLog(archives)
{
    public override async Task<SignedNote> Last(CancellationToken cancellation)
    {
        var last = await ca.Send(Routes.GetCheckpoint, new GetCheckpoint(), cancellation);
        return last is { Note: { } note, Signature: { } signature }
            ? new SignedNote(note, signature, last.Key, last.Fault)
            : throw new FailureException(
                last.Fault is null
                    ? "no checkpoint of the audit is signed yet; try again in a moment"
                    : $"the audit does not match its last checkpoint: {last.Fault}");
    }

    public override async Task<byte[]?> Tile(TileId tile, int width, CancellationToken cancellation)
    {
        try
        {
            var hashes = (await ca.Send(Routes.GetAuditTile, new GetAuditTile(tile.Level, tile.Number), cancellation)).Hashes;
            return hashes.Length < width * TreeHash.Length ? null : hashes[..(width * TreeHash.Length)];
        }
        catch (ProblemException missing) when (missing.Problem.Code == ProblemCode.NotFound)
        {
            return null;
        }
    }

    protected internal override async Task<IReadOnlyList<byte[]>?> OwnEntries(long number, int width, CancellationToken cancellation) =>
        await ca.Send(Routes.GetAuditEntries, new GetAuditEntries(number * TileId.Width, width), cancellation) is var reply
        && reply.Archived > number * TileId.Width ? null : reply.Entries;
}

/// <summary>The log in a directory that <c>tctl audit export</c> or <c>tctl audit archive</c> wrote.</summary>
/// <param name="directory">The directory.</param>
internal sealed class ExportedLog(string directory) : AuditLog([])
{
    /// <summary>Opens the archives that the user names.</summary>
    /// <exception cref="FailureException">One of them is no export.</exception>
    public static async Task<IReadOnlyList<ExportedLog>> Open(IEnumerable<string> directories, CancellationToken cancellation)
    {
        var logs = directories.Select(directory => new ExportedLog(directory)).ToList();
        foreach (var log in logs)
            _ = (await log.Last(cancellation)).Checkpoint;
        return logs;
    }

    /// <summary>Checks that each archive is of a log.</summary>
    /// <exception cref="FailureException">One is of another log.</exception>
    public static async Task ExpectOf(Checkpoint checkpoint, IEnumerable<ExportedLog> archives, CancellationToken cancellation)
    {
        foreach (var archive in archives)
            if ((await archive.Last(cancellation)).Checkpoint.Origin is var origin && origin != checkpoint.Origin)
                throw new FailureException($"{archive.Directory} has the log {origin}, and this is {checkpoint.Origin}");
    }

    /// <summary>The directory.</summary>
    public string Directory => directory;

    public override async Task<SignedNote> Last(CancellationToken cancellation) => new(
        await Text(CheckpointFile, cancellation), await Text(SignatureFile, cancellation), await Text(KeyFile, cancellation));

    /// <summary>Reads the hashes of a tile; null if there is no such file.</summary>
    public byte[]? Read(TileId tile, int width) => Bytes(tile.Path(width));

    public override Task<byte[]?> Tile(TileId tile, int width, CancellationToken cancellation) => Task.FromResult(Read(tile, width));

    protected internal override Task<IReadOnlyList<byte[]>?> OwnEntries(long number, int width, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<byte[]>?>(
            Bytes(TileId.EntriesPath(number, width)) is { } bundle && EntryBundle.Read(bundle) is { } entries ? entries : []);

    private async Task<string> Text(string name, CancellationToken cancellation)
    {
        try
        {
            return await File.ReadAllTextAsync(Path.Combine(directory, name), cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException($"{directory} is not an export of the audit: {e.Message}", $"tctl audit export {directory} makes one");
        }
    }

    private byte[]? Bytes(string name)
    {
        try
        {
            return File.ReadAllBytes(Path.Combine(directory, name));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
