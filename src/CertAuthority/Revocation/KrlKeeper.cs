using CertAuthority.Hosting;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Revocation;

/// <summary>
/// Sees to it that a revocation list on the disk says what the database says. The daemon that leads makes the lists; one that follows
/// writes the same ones.
/// </summary>
/// <param name="path">The file of the list.</param>
internal abstract class KrlKeeper(string path) : Loop
{
    protected static readonly Problem NotWritten = new(
        ProblemCode.Unavailable,
        "the decision stands, but the revocation list could not be written yet, so hosts still accept what was revoked",
        "writing is tried again until it succeeds; the daemon's log says what is in the way");

    /// <summary>The path of the list's file.</summary>
    public string Path => path;

    /// <summary>When the list in place was made; null before the first.</summary>
    public abstract DateTimeOffset? Made { get; }

    /// <summary>Which list is in place, and why no newer one is.</summary>
    public abstract ListState State { get; }

    /// <summary>The version of the list in place; 0 before the first.</summary>
    public ulong Version => State.Version;

    /// <summary>The directory from which hosts fetch each list, once it is in place here; null for none.</summary>
    public abstract PublishDirectory? ForHosts { get; }

    /// <summary>Returns the bytes of the list in place.</summary>
    /// <exception cref="ProblemException">It is not there.</exception>
    public byte[] Read()
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ProblemException(
                new Problem(
                    ProblemCode.Unavailable, "the revocation list cannot be read",
                    "it is written anew every few minutes; the daemon's log says what is in the way"));
        }
    }

    /// <summary>
    /// Returns when a list with everything revoked before the call is in place, and in the directory for hosts if there is one.
    /// </summary>
    /// <exception cref="ProblemException">
    /// The list could not be written. The revocation stays valid, and writing is tried again until it succeeds.
    /// </exception>
    public abstract Task Publish();

    /// <summary>Asks for a list, and does not wait for it.</summary>
    public abstract void Refresh();

    /// <summary>Replaces the list, after the final check with the reader that sshd uses.</summary>
    /// <exception cref="InvalidDataException">That reader refuses it.</exception>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    protected void Replace(byte[] list) =>
        AtomicFile.Replace(path, list, AtomicFile.ReadableByAll, AskOpenSsh, $"{path}.spare");

    /// <summary><c>ssh-keygen -Q -l</c> fails on a list that would lock everybody out.</summary>
    private static void AskOpenSsh(string krl)
    {
        var (exitCode, _, error) = new ChildProcess("ssh-keygen", ["-Q", "-l", "-f", krl]).Run(CancellationToken.None).GetAwaiter()
            .GetResult();
        if (exitCode != 0)
            throw new InvalidDataException(
                exitCode is null
                    ? "ssh-keygen did not read the revocation list in time"
                    : $"ssh-keygen refuses the revocation list: {error}");
    }
}
