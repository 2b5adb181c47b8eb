using System.Text;
using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Proves what the audit contains, and handles an audit that does not match its last checkpoint.</summary>
internal static class AuditProofs
{
    // A checkpoint is signed within about a second; on a slow disk it takes longer.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Returns the current time for an operation that issues a certificate.</summary>
    /// <exception cref="ProblemException">
    /// Unavailable: the current time is not known, or the audit does not match its last checkpoint.
    /// </exception>
    public static DateTimeOffset NowToIssue(this Authority ca) => ca.Checkpoints.Fault is { } fault
        ? throw new ProblemException(new Problem(
            ProblemCode.Unavailable, $"no certificate is issued, because the audit does not match its last checkpoint: {fault}",
            Next: [new NextStep.VerifyAudit()]))
        : ca.NowToGrant();

    public static async Task<AuditCheckpoint> Checkpoint(Authority ca, Administrator by, GetCheckpoint ask)
    {
        var next = ca.Checkpoints.NextSigned;
        // A log that has just begun has none for a moment.
        if (ca.Checkpoints is { Latest: null, Fault: null })
            await next.WaitAsync(Patience, ca.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var checkpoint = new AuditCheckpoint(ca.Checkpoints.Key.PublicKey.ToLine(AuditKey.Title));
        return ca.Checkpoints.Latest is { } latest
            ? checkpoint with
            {
                Origin = latest.Checkpoint.Origin,
                Size = latest.Checkpoint.Size,
                Note = latest.Note,
                Signature = latest.Signature,
                VerifierKey = ca.Checkpoints.Key.VerifierKey(latest.Checkpoint.Origin),
                Fault = ca.Checkpoints.Fault,
            }
            : checkpoint with { Fault = ca.Checkpoints.Fault };
    }

    public static Task<AuditTile> Tile(Authority ca, Administrator by, GetAuditTile ask) => Task.FromResult(
        new AuditTile(
            ca.Database.Read(snapshot => snapshot.Tile(new TileId(ask.Level, ask.Number)))
            ?? throw new ProblemException(
                new Problem(ProblemCode.NotFound, $"the log over the audit has no tile {ask.Number} of level {ask.Level}"))));

    public static Task<AuditEntries> Entries(Authority ca, Administrator by, GetAuditEntries ask)
    {
        var size = Math.Min(Pages.Size(ask.Limit), TileId.Width);
        if (ask.Index < 0)
            throw Problems.InvalidField("index", "takes a number from 0 up");
        return Task.FromResult(ca.Database.Read(snapshot =>
        {
            var tree = snapshot.StoredTree();
            long? archived = snapshot.AuditArchive().Leaves is > 0 and var leaves ? leaves : null;
            if (tree is null || ask.Index >= tree.Size || ask.Index < archived)
                return new AuditEntries([], archived);
            var most = (int)Math.Min(size, tree.Size - ask.Index);
            return new AuditEntries(
                [.. snapshot.StoredAudit(snapshot.NumberAt(tree, ask.Index) - 1, most).Select(entry => entry.Json)], archived);
        }));
    }

    /// <summary>Proves that an entry is in the log, once a checkpoint covers it.</summary>
    public static Task<EntryProven> Prove(Authority ca, Administrator by, ProveEntry ask)
    {
        if (ask.Serial is null == ask.Seq is null)
            throw Problems.Invalid("name the entry by the serial of a certificate or by seq, and not by both");
        var number = ca.Database.Read(snapshot =>
        {
            var archive = snapshot.AuditArchive();
            if (ask.Seq is { } seq)
                return seq >= 1 && seq <= archive.Through
                    ? throw Archived($"entry {seq}")
                    : seq >= 1 && snapshot.StoredAudit(seq - 1, 1) is [var entry] && entry.Seq == seq
                    ? seq
                    : throw new ProblemException(new Problem(ProblemCode.NotFound, $"the audit has no entry {seq}"));
            return Issuing(
                snapshot,
                ulong.TryParse(ask.Serial, out var serial) && serial <= long.MaxValue ? snapshot.FindCertificate(serial) : null,
                ask.Serial!);
        });
        return Prove(ca, number);
    }

    /// <summary>Proves that the issuing of a certificate of the caller is in the log.</summary>
    public static Task<EntryProven> ProveMine(Authority ca, Caller by, ProveMyCertificate ask) => Prove(
        ca,
        ca.Database.Read(snapshot => Issuing(
            snapshot,
            ulong.TryParse(ask.Serial, out var serial) && serial <= long.MaxValue
                ? snapshot.FindCertificate(serial, snapshot.ActingUser(by, ask.User))
                : null,
            ask.Serial)));

    public static async Task<AuditAccepted> Accept(Authority ca, Administrator by, AcceptAudit ask)
    {
        if (!by.Caller.IsRoot)
            throw new ProblemException(new Problem(ProblemCode.Denied, "only root begins another log over the audit"));
        return new AuditAccepted(await ca.Checkpoints.Accept(by.Caller.Did(AuditEvents.AuditAccepted, ca.Now())));
    }

    private static async Task<EntryProven> Prove(Authority ca, long number)
    {
        var until = ca.Clock.GetUtcNow() + Patience;
        while (true)
        {
            var next = ca.Checkpoints.NextSigned;
            var left = until - ca.Clock.GetUtcNow();
            if (ca.Checkpoints.Latest is { } latest && Proven(ca, latest, number) is { } proven)
                return proven;
            if (ca.Checkpoints.Fault is not null || left <= TimeSpan.Zero)
                throw new ProblemException(new Problem(
                    ProblemCode.Unavailable, $"no checkpoint covers entry {number} of the audit yet", "try again in a moment"));
            await next.WaitAsync(left, ca.Clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static EntryProven? Proven(Authority ca, SignedCheckpoint latest, long number) => ca.Database.Read(snapshot =>
    {
        var size = latest.Checkpoint.Size;
        if (snapshot.StoredTree() is not { } stored || stored.Origin != latest.Checkpoint.Origin
            || snapshot.PlaceOf(stored, number) is var index && index >= size || snapshot.StoredAudit(number - 1, 1) is not [var entry])
            return null;
        var path = new Tree(size, snapshot.Tile).Inclusion(index);
        // A proof that does not hold would say nothing, or hide that the entry was changed.
        if (!Proof.Includes(TreeHash.OfLeaf(entry.Json), index, size, path, latest.Checkpoint.Root))
            throw new ProblemException(new Problem(
                ProblemCode.Unavailable, $"entry {number} of the audit is not the one that was logged",
                Next: [new NextStep.VerifyAudit()]));
        return new EntryProven(
            index, Encoding.UTF8.GetString(entry.Json), $"{new InclusionProof(index, path, latest.Note)}", latest.Signature,
            ca.Checkpoints.Key.PublicKey.ToLine(AuditKey.Title));
    });

    /// <summary>Finds the entry that records the issuing of a certificate.</summary>
    private static long Issuing(Snapshot snapshot, RecordedCertificate? certificate, string serial)
    {
        if (certificate is null)
            throw NoSuchCertificate(serial);
        var number = snapshot.IssuingOf(certificate);
        return snapshot.AuditArchive() is var archive && (number ?? 0) <= archive.Through && archive.MayHave(certificate.Issued)
            ? throw Archived($"the entry of certificate {serial}")
            : number ?? throw NoSuchCertificate(serial);
    }

    private static ProblemException Archived(string what) => new(new Problem(
        ProblemCode.NotFound, $"{what} is archived", "whoever has the archive of the audit can prove it from there"));

    private static ProblemException NoSuchCertificate(string serial) =>
        new(new Problem(ProblemCode.NotFound, $"there is no certificate with the serial {serial}"));
}
