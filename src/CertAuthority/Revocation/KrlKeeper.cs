using CertAuthority.Hosting;
using CertAuthority.Protocol;

namespace CertAuthority.Revocation;

/// <summary>
/// Sees to it that a revocation list says what the database says. The daemon that leads writes the lists; one that follows has it do so.
/// </summary>
internal abstract class KrlKeeper : Loop
{
    protected static readonly Problem NotWritten = new(
        ProblemCode.Unavailable,
        "the decision stands, but the revocation list could not be written yet, so hosts still accept what was revoked",
        "writing is tried again until it succeeds; the daemon's log says what is in the way");

    /// <summary>When the list in place was made; null before the first.</summary>
    public abstract DateTimeOffset? Made { get; }

    /// <summary>The version of the list in place; 0 before the first.</summary>
    public abstract ulong Version { get; }

    /// <summary>The directory from which hosts fetch each list, once it is in place here; null for none.</summary>
    public abstract PublishDirectory? ForHosts { get; }

    /// <summary>Returns the bytes of the list in place.</summary>
    /// <exception cref="ProblemException">It is not there.</exception>
    public abstract byte[] Read();

    /// <summary>
    /// Returns when a list with everything revoked before the call is in place, and in the directory for hosts if there is one.
    /// </summary>
    /// <exception cref="ProblemException">
    /// The list could not be written. The revocation stays valid, and writing is tried again until it succeeds.
    /// </exception>
    public abstract Task Publish();

    /// <summary>Asks for a list, and does not wait for it.</summary>
    public abstract void Refresh();
}
