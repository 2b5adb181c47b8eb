namespace CertAuthority.Protocol;

/// <summary>Asks for the last checkpoint of the audit.</summary>
public sealed record GetCheckpoint;

/// <summary>The last checkpoint of the audit. Whoever keeps it can later prove that nothing of the audit up to it was changed.</summary>
/// <param name="Key">The public key that signs checkpoints, as a line of a file.</param>
public sealed record AuditCheckpoint(string Key)
{
    /// <summary>The name of the log.</summary>
    public string? Origin { get; init; }

    /// <summary>The number of entries in the log.</summary>
    public long? Size { get; init; }

    /// <summary>The checkpoint as a signed note. Null until the first one is signed, and while there is a fault.</summary>
    public string? Note { get; init; }

    /// <summary>The signature of the note for <c>ssh-keygen -Y verify</c>, namespace <c>certauthority-audit-checkpoint</c>.</summary>
    public string? Signature { get; init; }

    /// <summary>The public key in the form that the tools of transparency logs take.</summary>
    public string? VerifierKey { get; init; }

    /// <summary>Why the audit does not match the checkpoint before, so that no certificate is issued; null if it does.</summary>
    public string? Fault { get; init; }
}

/// <summary>Reads the hashes of a tile of the log.</summary>
/// <param name="Level">The level, from 0.</param>
/// <param name="Number">The number in the level, from 0.</param>
public sealed record GetAuditTile(int Level, long Number);

/// <summary>A tile.</summary>
/// <param name="Hashes">Up to 256 hashes of 32 bytes, one after the other.</param>
public sealed record AuditTile(byte[] Hashes);

/// <summary>Reads the exact bytes of entries, in the order of the log.</summary>
/// <param name="Index">The place of the first one, from 0.</param>
/// <param name="Limit">The largest number of entries, at least 1. A page contains at most 256.</param>
public sealed record GetAuditEntries(long Index, int? Limit = null);

/// <summary>Entries of the log.</summary>
/// <param name="Entries">The bytes of each entry; they are JSON, and their hashes are the leaves.</param>
/// <param name="Archived">
/// How many entries at the beginning of the log are archived, so that the daemon has only their hashes; null for none.
/// </param>
public sealed record AuditEntries(byte[][] Entries, long? Archived = null);

/// <summary>Asks for the proof that an entry is in the log; one of the members selects it.</summary>
/// <param name="Serial">The serial of the certificate whose issuing the entry records.</param>
/// <param name="Seq">The number of the entry.</param>
public sealed record ProveEntry(string? Serial = null, long? Seq = null);

/// <summary>Asks for the proof that the issuing of one of the caller's certificates is in the log.</summary>
/// <param name="Serial">The serial of the certificate.</param>
/// <param name="User">The user to act as; null if the caller is one user only.</param>
public sealed record ProveMyCertificate(string Serial, string? User = null);

/// <summary>The proof that an entry is in the log.</summary>
/// <param name="Index">The place of the entry, from 0.</param>
/// <param name="Entry">The exact bytes of the entry, as text.</param>
/// <param name="Proof">The proof with the signed checkpoint: C2SP <c>tlog-proof</c>.</param>
/// <param name="Signature">The signature of the checkpoint for <c>ssh-keygen -Y verify</c>.</param>
/// <param name="Key">The public key that signs checkpoints, as a line of a file.</param>
public sealed record EntryProven(long Index, string Entry, string Proof, string Signature, string Key);

/// <summary>Begins another log after a fault, so that certificates are issued again.</summary>
public sealed record AcceptAudit;

/// <summary>Another log has begun.</summary>
/// <param name="Fault">Why the audit did not match its last checkpoint.</param>
public sealed record AuditAccepted(string Fault);

/// <summary>
/// Removes the entries of the audit that are older than the configuration keeps them, after they were copied to an archive.
/// </summary>
/// <param name="Checkpoint">
/// The signed checkpoint against which the archive was verified; it must have all of them. Null only finds out how many there are.
/// </param>
public sealed record ArchiveAudit(string? Checkpoint = null);

/// <summary>The entries that are archived now, or could be.</summary>
/// <param name="Entries">How many entries they are.</param>
/// <param name="Through">The <c>seq</c> of the last entry that is archived then; 0 for none.</param>
/// <param name="Before">All of them were made before this time; null if none is archived.</param>
/// <param name="HeldBack">What keeps older entries from being archived; null for nothing.</param>
public sealed record AuditArchived(long Entries, long Through, DateTimeOffset? Before = null, string? HeldBack = null);
