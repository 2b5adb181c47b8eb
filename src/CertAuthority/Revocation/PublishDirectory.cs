using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Revocation;

/// <summary>
/// A directory from which rsync, a web server or a mount carries to hosts what their sshd goes by. Each file is replaced in one step. Whoever
/// else could write there would be root on the hosts, so such a directory gets nothing.
/// </summary>
/// <param name="path">Where it is; absolute.</param>
/// <param name="besides">What lies there beside the revocation list, by name.</param>
internal sealed class PublishDirectory(string path, IReadOnlyList<(string Name, byte[] Content)> besides)
{
    /// <summary>How the names of host certificates end.</summary>
    private const string HostCertificate = "-cert.pub";

    private volatile PublishedStatus status = new(path);

    public string Path => path;

    /// <summary>Whether hosts find there what they should, as of the last attempt.</summary>
    public PublishedStatus Status => status;

    /// <summary>The directory, made when it is missing.</summary>
    /// <exception cref="ExposedException">Others can write there.</exception>
    /// <exception cref="IOException">It can not be made.</exception>
    public void Make() => DurableFile.PublicDirectory(path);

    /// <summary>Puts a revocation list there, and then what else is missing or different. What went wrong is logged, and is in the status.</summary>
    /// <returns>Whether the list is there.</returns>
    public bool Publish(byte[] krl, DateTimeOffset now, ILogger log)
    {
        var published = false;
        try
        {
            Make();
            DurableFile.Replace(At("revoked.krl"), krl, DurableFile.ReadableByAll);
            published = true;
            foreach (var (name, content) in besides)
                PutWhereDifferent(name, content);
            status = new PublishedStatus(path);
        }
        catch (Exception e) when (e is ExposedException or IOException or UnauthorizedAccessException)
        {
            log.LogError("publish_dir {Path} could not be written: {Why}", path, Printable.Escape(e.Message));
            status = new PublishedStatus(path, e.Message, status.FailingSince ?? now);
        }
        return published;
    }

    /// <summary>Puts the certificates of hosts there, and takes away those of hosts that are gone. Not with each list, for there can be many, and a revocation does not wait for them.</summary>
    /// <param name="certificates">By node, a line each.</param>
    /// <exception cref="IOException">The disk refused.</exception>
    public void PublishHosts(IReadOnlyDictionary<string, byte[]> certificates)
    {
        Make();
        foreach (var (node, line) in certificates)
            PutWhereDifferent(node + HostCertificate, line);
        foreach (var former in Directory.EnumerateFiles(path, $"*{HostCertificate}").Where(file => !certificates.ContainsKey(System.IO.Path.GetFileName(file)[..^HostCertificate.Length])))
            File.Delete(former);
    }

    private void PutWhereDifferent(string name, byte[] content)
    {
        if (!File.Exists(At(name)) || !File.ReadAllBytes(At(name)).AsSpan().SequenceEqual(content))
            DurableFile.Replace(At(name), content, DurableFile.ReadableByAll);
    }

    private string At(string name) => System.IO.Path.Combine(path, name);
}
