using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Takes old entries out of the audit after a client copied them to an archive. The tree keeps their hashes, so that everything that was
/// signed stays provable.
/// </summary>
internal static class AuditArchiving
{
    /// <summary>
    /// Records that entries are archived, as many as are older than the configuration keeps them, and removes them in the background.
    /// </summary>
    public static async Task<AuditArchived> Archive(Authority ca, Administrator by, ArchiveAudit ask)
    {
        if (!by.Caller.IsRoot)
            throw new ProblemException(new Problem(ProblemCode.Denied, "only root archives the audit"));
        var keep = ca.AuditKeep ?? throw Conflict(
            "the configuration does not say how long the audit is kept, so nothing of it is archived", "set audit.keep there");
        if (ca.Checkpoints.Fault is { } fault)
            throw new ProblemException(new Problem(
                ProblemCode.Unavailable, $"nothing is archived, because the audit does not match its last checkpoint: {fault}",
                Next: [new NextStep.VerifyAudit()]));
        // A clock that is ahead would make every entry old.
        var now = ca.NowToGrant();
        var latest = ca.Checkpoints.Latest?.Checkpoint
            ?? throw new ProblemException(new Problem(
                ProblemCode.Unavailable, "no checkpoint of the audit is signed yet", "try again in a moment"));
        var verified = ask.Checkpoint is null ? latest : Verified(ca, ask.Checkpoint, latest);
        var planned = ca.Database.Read(snapshot => Plan(snapshot, now - keep, Math.Min(verified.Size, latest.Size)));
        var reply = new AuditArchived(
            planned.Leaves - planned.Before.Leaves, planned.Through, planned.Through > 0 ? planned.Cut : null, planned.HeldBack);
        if (ask.Checkpoint is null || reply.Entries == 0)
            return reply;
        await ca.Database.Commit(transaction =>
        {
            if (transaction.AuditArchive() != planned.Before || transaction.StoredTree()?.Origin != verified.Origin
                || transaction.AuditSinks().Values.Any(sink => sink.Position < planned.Through))
                throw Conflict("the audit changed meanwhile", "try again");
            transaction.SetArchived(planned.Through, planned.Leaves, planned.Cut);
            transaction.Audit(by.Caller.Did(AuditEvents.AuditArchived, now) with
            {
                Count = reply.Entries,
                Changes =
                [
                    new AuditChange("archived", $"{planned.Before.Through}", $"{planned.Through}"),
                    new AuditChange("checkpoint", New: verified.Text.ReplaceLineEndings(" ").TrimEnd()),
                ],
            });
            return true;
        });
        ca.AuditRemoval.Wake();
        return reply;
    }

    /// <summary>Reads the checkpoint of an archive, which must be of the present log.</summary>
    private static Checkpoint Verified(Authority ca, string note, Checkpoint latest)
    {
        var verified = ca.Checkpoints.Key.Read(note)
            ?? throw Problems.InvalidField("checkpoint", "takes a checkpoint that this daemon signed");
        if (verified.Origin != latest.Origin)
            throw Conflict(
                $"the archive is of the log {verified.Origin}, and the daemon has {latest.Origin}", "begin an archive of this log");
        try
        {
            return verified.Size <= latest.Size && ca.Database.Read(
                snapshot => new Tree(latest.Size, snapshot.Tile).RootOf(verified.Size)).AsSpan().SequenceEqual(verified.Root)
                    ? verified
                    : throw Conflict($"the audit does not begin with the {verified.Size} entries of the archive", null);
        }
        catch (MissingTileException missing)
        {
            throw new ProblemException(new Problem(
                ProblemCode.Unavailable, $"the tree over the audit is damaged: {missing.Message}", Next: [new NextStep.VerifyAudit()]));
        }
    }

    /// <summary>
    /// Decides which entries are archived: whole tiles of entries, of which each is older than the time, in a checkpoint, and where the
    /// configuration sends it.
    /// </summary>
    private static ArchivePlan Plan(Snapshot snapshot, DateTimeOffset cut, long size)
    {
        var (archive, tree) = (snapshot.AuditArchive(), snapshot.StoredTree());
        var none = new ArchivePlan(archive, archive.Leaves, archive.Through, archive.Before ?? cut);
        if (tree is null)
            return none;
        var old = snapshot.BeforeFirst(cut, snapshot.LastAudit());
        var (behind, last) = snapshot.AuditSinks().Select(sink => (sink.Key, sink.Value.Position)).OrderBy(sink => sink.Position)
            .FirstOrDefault((Key: "", Position: long.MaxValue));
        var heldBack = last < old ? $"{behind} has the audit up to entry {last} only" : null;
        var through = Math.Min(old, last);
        if (through <= archive.Through)
            return none with { HeldBack = heldBack };
        var leaves = Math.Min(snapshot.PlaceOf(tree, through + 1), size) / TileId.Width * TileId.Width;
        return leaves <= archive.Leaves
            ? none with { HeldBack = heldBack }
            : new ArchivePlan(archive, leaves, snapshot.NumberAt(tree, leaves - 1), cut) { HeldBack = heldBack };
    }

    private static ProblemException Conflict(string detail, string? hint) =>
        new(new Problem(ProblemCode.Conflict, detail, hint));

    /// <summary>What will be archived.</summary>
    /// <param name="Before">What is archived now.</param>
    /// <param name="Leaves">How many leaves are archived then.</param>
    /// <param name="Through">The number of the last entry that is archived then.</param>
    /// <param name="Cut">A time before which all of them were made.</param>
    private sealed record ArchivePlan(AuditArchive Before, long Leaves, long Through, DateTimeOffset Cut)
    {
        /// <summary>The sink that keeps older entries from being archived, in words; null for none.</summary>
        public string? HeldBack { get; init; }
    }
}
