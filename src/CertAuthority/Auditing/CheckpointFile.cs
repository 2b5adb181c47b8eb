using System.Text;
using CertAuthority.Linux;
using CertAuthority.Proofs;
using CertAuthority.Signing;

namespace CertAuthority.Auditing;

/// <summary>The last checkpoint of the audit, in a file beside the database.</summary>
/// <param name="path">The path of the file.</param>
/// <param name="key">The key that signs checkpoints.</param>
internal sealed class CheckpointFile(string path, AuditKey key)
{
    /// <summary>The path of the file.</summary>
    public string Path => path;

    /// <summary>Whether the file exists.</summary>
    public bool Exists => File.Exists(path);

    /// <summary>Reads the checkpoint; null if there is none, or none that the key signed.</summary>
    public Checkpoint? Read() => AtomicFile.Read(path) is { } note ? key.Read(note) : null;

    /// <summary>Returns the lines of the checkpoint as one, whoever signed it; null if there is none.</summary>
    public string? Words() => AtomicFile.Read(path) is { } note ? string.Join(' ', note.Split('\n').Take(3)) : null;

    /// <summary>Replaces the checkpoint.</summary>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void Keep(SignedCheckpoint checkpoint) =>
        AtomicFile.Replace(path, Encoding.UTF8.GetBytes(checkpoint.Note), AtomicFile.OwnerOnly);

    /// <summary>
    /// Signs the beginning of another log. Its name is random, so that two daemons on copies of one database never share a log.
    /// </summary>
    public SignedCheckpoint Begun() =>
        key.Sign(new Checkpoint($"certauthority/{Guid.NewGuid().ToString("N")[..16]}", 0, TreeHash.OfNothing));
}
