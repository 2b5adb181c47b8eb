using CertAuthority.Auditing;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Revocation;
using CertAuthority.Signing;

namespace CertAuthority;

/// <summary>The directory from which hosts fetch the revocation list and the CA keys, or none.</summary>
/// <param name="data">The public key of the audit to publish.</param>
/// <param name="krl">The publisher of the revocation list, which writes there.</param>
/// <param name="checkpoints">The checkpoints of the audit, which are published below it.</param>
/// <param name="log">Gets a line when the directory changes, and when it cannot change.</param>
internal sealed class Publication(DataDirectory data, KrlPublisher krl, Checkpoints checkpoints, ILogger log)
{
    /// <summary>Publishes the next revocation list in a directory.</summary>
    /// <param name="path">The directory, which is created; null for none.</param>
    /// <exception cref="ExposedException">Other accounts can write there.</exception>
    /// <exception cref="IOException">It cannot be created, or belongs to another daemon.</exception>
    public void Begin(string? path)
    {
        PublishDirectory? directory = null;
        if (path is not null)
        {
            directory = new PublishDirectory(path, krl.Conflict, ($"{AuditKey.FileName}.pub", data.AuditKeyFile), data.SparePublished);
            directory.Make();
        }
        krl.PublishIn(directory);
        checkpoints.ForReaders = path is null ? null : new AuditDirectory(Path.Combine(path, "audit"), log);
    }

    /// <summary>
    /// Returns the directory in which a daemon that follows publishes. It is made with the first list, and another one may write there.
    /// </summary>
    public static PublishDirectory? Beside(string? path, DataDirectory data, FollowedKrl followed) => path is null ? null : new(
        path, followed.Conflict, ($"{AuditKey.FileName}.pub", data.AuditKeyFile), data.SparePublished, yields: true);

    /// <summary>Moves to another directory. If the new one cannot be used, nothing changes; the files in the old one stay there.</summary>
    /// <returns>The directory that is in use from now on.</returns>
    public async Task<string?> Move(string? path, Authority ca)
    {
        var now = krl.ForHosts?.Path;
        if (path == now)
            return now;
        try
        {
            Begin(path);
            if (now is not null)
                log.LogWarning("nothing is published in {Now} any more; what lies there grows old", now);
            await krl.Publish();
            Nodes.PublishCertificates(ca);
        }
        catch (Exception e) when (e is ExposedException or IOException or UnauthorizedAccessException)
        {
            log.LogWarning("publish_dir cannot be {Path}, and stays {Now}: {Why}", path, now ?? "unset", Printable.Escape(e.Message));
        }
        catch (ProblemException)
        {
            // The publisher has logged the reason, and tries again by itself.
        }
        return krl.ForHosts?.Path;
    }
}
