using System.Text;
using CertAuthority.Access.Nodes;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;

namespace CertAuthority.Revocation;

/// <summary>The directory belongs to another daemon. The message says to which, and what to do.</summary>
internal sealed class ForeignDirectoryException(string message) : IOException(message);

/// <summary>
/// A directory from which rsync, a web server or a mount carries to hosts what their sshd goes by. Each file is replaced in one step.
/// Whoever
/// else could write there would be root on the hosts, so such a directory gets nothing. Nor does one in which another daemon's list is:
/// that
/// one's hosts would accept what it has revoked.
/// </summary>
/// <param name="path">Where it is; absolute.</param>
/// <param name="conflict">
/// Says what speaks against putting a list of some version in the place of another one; null when nothing does.
/// </param>
/// <param name="besides">What lies there beside the revocation list, by name.</param>
/// <param name="spare">A file that keeps room for the next list, where hosts do not see it; null for none.</param>
internal sealed class PublishDirectory(
    string path, Func<ulong, Krl, ListConflict?> conflict, IReadOnlyList<(string Name, byte[] Content)> besides, string? spare = null)
{
    /// <summary>How the names of host certificates end.</summary>
    private const string HostCertificate = "-cert.pub";

    private const string List = "revoked.krl";

    // Names the certificates of hosts that this daemon put there: what lies beside them is other people's.
    private const string Written = ".certauthority";

    private volatile PublishedStatus status = new(path);

    public string Path => path;

    /// <summary>Whether hosts find there what they should, as of the last attempt.</summary>
    public PublishedStatus Status => status;

    /// <summary>Sees to it that the directory is there, and this daemon's.</summary>
    /// <exception cref="ExposedException">Others can write there.</exception>
    /// <exception cref="IOException">It cannot be made, or belongs to another daemon.</exception>
    public void Make()
    {
        OwnFile.PublicDirectory(path);
        ExpectOwn(ulong.MaxValue);
    }

    /// <summary>
    /// Puts a revocation list there, and then what else is missing or different. What went wrong is logged, and is in the status.
    /// </summary>
    /// <returns>Whether the list is there.</returns>
    public bool Publish(PublishedKrl list, DateTimeOffset now, ILogger log)
    {
        var published = false;
        try
        {
            OwnFile.PublicDirectory(path);
            // Two daemons could find nobody's list there at the same moment.
            using var held = OwnFile.LockDirectory(path);
            ExpectOwn(list.Version);
            AtomicFile.Replace(At(List), list.Bytes, AtomicFile.ReadableByAll, spare: spare);
            published = true;
            foreach (var (name, content) in besides)
                PutWhereDifferent(name, content);
            status = new PublishedStatus(path);
        }
        catch (Exception e) when (e is ExposedException or InUseException or IOException or UnauthorizedAccessException)
        {
            log.LogError("publish_dir {Path} could not be written: {Why}", path, Printable.Escape(e.Message));
            status = new PublishedStatus(path, e.Message, status.FailingSince ?? now);
        }
        return published;
    }

    /// <summary>
    /// Puts the certificates of hosts there, and takes away those that it put there before for hosts that are gone. Not with each list, for
    /// there can be many, and a
    /// revocation does not wait for them.
    /// </summary>
    /// <param name="certificates">By node, a line each.</param>
    /// <exception cref="IOException">The disk refused.</exception>
    public void PublishHosts(IReadOnlyDictionary<string, byte[]> certificates)
    {
        Make();
        var names = certificates.Keys.Select(node => node + HostCertificate).ToHashSet(StringComparer.Ordinal);
        var before = File.Exists(At(Written)) ? File.ReadAllLines(At(Written)) : [];
        // Before the first of them is written, so that none is ever forgotten.
        Note(names.Union(before));
        foreach (var (node, line) in certificates)
            PutWhereDifferent(node + HostCertificate, line);
        foreach (var former in before.Where(
            name => !names.Contains(name) && name.EndsWith(HostCertificate, StringComparison.Ordinal)
                && !name.Contains('/', StringComparison.Ordinal)))
            File.Delete(At(former));
        Note(names);

        void Note(IEnumerable<string> all)
        {
            var lines = string.Concat(all.Order(StringComparer.Ordinal).Select(name => $"{name}\n"));
            if (lines.Length > 0 || before.Length > 0)
                PutWhereDifferent(Written, Encoding.UTF8.GetBytes(lines));
        }
    }

    /// <summary>Looks whose directory it is. Before each change, for another daemon may have come meanwhile.</summary>
    /// <param name="version">Of the list that is to lie there.</param>
    private void ExpectOwn(ulong version)
    {
        if (PublishedKrl.At(At(List)) is { } present && conflict(version, present) is { } why)
            throw new ForeignDirectoryException(why switch
            {
                ListConflict.OtherInstallation =>
                    $"{path} belongs to another installation, whose revocation list {present.Version} is there; {Ways()}",
                ListConflict.OtherCopy =>
                    $"a daemon on another copy of this database publishes in {path}: its revocation list {present.Version} is there; {Ways()}",
                _ => $"{path} has revocation list {present.Version}, which is newer than {version}; {Ways()}",
            });
    }

    private string Ways() => $"name another publish_dir, or stop that daemon for good and remove {At(List)}";

    private void PutWhereDifferent(string name, byte[] content)
    {
        if (!File.Exists(At(name)) || !File.ReadAllBytes(At(name)).AsSpan().SequenceEqual(content))
            AtomicFile.Replace(At(name), content, AtomicFile.ReadableByAll);
    }

    private string At(string name) => System.IO.Path.Combine(path, name);
}
