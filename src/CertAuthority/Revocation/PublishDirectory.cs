using System.Text;
using CertAuthority.Access.Nodes;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;

namespace CertAuthority.Revocation;

/// <summary>The directory belongs to another daemon. The message names that daemon, and what to do.</summary>
internal sealed class ForeignDirectoryException(string message) : IOException(message);

/// <summary>
/// A directory from which rsync, a web server or a mount brings hosts the files that their sshd uses. Each file is replaced in one step.
/// Anyone else who could write there would be root on the hosts, so the daemon writes nothing to such a directory. The same is true for a
/// directory with another daemon's list: that daemon's hosts would accept what it has revoked.
/// </summary>
/// <param name="path">The absolute path of the directory.</param>
/// <param name="conflict">Returns the reason against replacing another list with one of the given version; null if there is none.</param>
/// <param name="auditKey">The file with the audit key, which signs manifests.</param>
/// <param name="spare">
/// The beginning of the names of files that reserve room for the next list and its manifest, where hosts do not see them; null for none.
/// </param>
/// <param name="yields">Whether a list that is there already, or a later one of the same daemons, is left as it is.</param>
internal sealed class PublishDirectory(
    string path, Func<ulong, KrlHeader, ListConflict?> conflict, (string Name, byte[] Content) auditKey, string? spare = null,
    bool yields = false)
{
    /// <summary>The suffix of the names of host certificates.</summary>
    private const string HostCertificate = "-cert.pub";

    /// <summary>The suffix of the names of answers to hosts that join.</summary>
    private const string JoinAnswer = ".join";

    private const string List = "revoked.krl";

    // The file that lists the host certificates written by this daemon; all other files belong to other people.
    private const string Written = ".certauthority";

    private readonly BodiesByHash bodies = new(System.IO.Path.Combine(path, BodiesByHash.Directory));

    // Held for each change of a file for a host, and of the list of them.
    private readonly Lock noting = new();

    // The names of the files that were written alone since all were last read.
    private readonly HashSet<string> added = new(StringComparer.Ordinal);

    private volatile PublishedStatus status = new(path);
    private volatile PublishedKrl? latest;

    public string Path => path;

    /// <summary>Whether the directory contains what hosts need, as of the last attempt.</summary>
    public PublishedStatus Status => status;

    /// <summary>The last list that this process put there with its manifest; null before the first.</summary>
    public PublishedKrl? Latest => latest;

    /// <summary>Ensures that the directory exists and belongs to this daemon.</summary>
    /// <exception cref="ExposedException">Other accounts can write there.</exception>
    /// <exception cref="IOException">It cannot be created, or belongs to another daemon.</exception>
    public void Make()
    {
        OwnFile.PublicDirectory(path);
        ExpectOwn(ulong.MaxValue);
    }

    /// <summary>
    /// Writes a revocation list, the files that its manifest names, the manifest, and then every other file that is missing or different. A
    /// failure is logged, and shown in the status.
    /// </summary>
    /// <returns>Whether the list and its manifest are in place.</returns>
    public bool Publish(PublishedKrl list, DateTimeOffset now, ILogger log)
    {
        var published = false;
        try
        {
            OwnFile.PublicDirectory(path);
            if (yields && IsThere(list))
            {
                status = new PublishedStatus(path);
                return true;
            }
            // Without a lock, two daemons could find the directory unclaimed at the same moment.
            using var held = OwnFile.LockDirectory(path, waits: yields);
            ExpectOwn(list.Version);
            AtomicFile.Replace(At(List), list.Bytes, AtomicFile.ReadableByAll, spare: spare is null ? null : $"{spare}.krl.spare");
            var notByHash = PutByHash(list, now);
            // Last of what it names. A host that finds no file under its hash takes the one under its name.
            AtomicFile.Replace(
                At(Manifest.FileName), list.Manifest ?? throw new IOException("the manifest could not be signed; the log says why"),
                AtomicFile.ReadableByAll, spare: spare is null ? null : $"{spare}.manifest.spare");
            published = true;
            latest = list;
            foreach (var (name, content) in list.Keys.Append(auditKey))
                PutWhereDifferent(name, content);
            status = notByHash is null ? new PublishedStatus(path) : throw notByHash;
        }
        catch (Exception e) when (e is ExposedException or InUseException or IOException or UnauthorizedAccessException)
        {
            log.LogError("publish_dir {Path} could not be written: {Why}", path, Printable.Escape(e.Message));
            status = new PublishedStatus(path, e.Message, status.FailingSince ?? now);
        }
        return published;
    }

    /// <summary>
    /// Writes the certificates of hosts and the answers to those that join, and deletes those that it wrote before for hosts that no longer
    /// exist. This is not done with each list, because there can be many certificates, and a revocation does not wait for them.
    /// </summary>
    /// <param name="read">
    /// Returns the certificates, by node, each as one line, and the answers to hosts that join, by the name of the node. It is called when
    /// it is known what was written before, so that a file that is added meanwhile is not taken for one of a host that is gone.
    /// </param>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void PublishHosts(
        Func<(IReadOnlyDictionary<string, byte[]> Certificates, IReadOnlyDictionary<string, byte[]> Answers)> read)
    {
        Make();
        HashSet<string> before;
        lock (noting)
        {
            added.Clear();
            before = Note(written => written);
        }
        var (certificates, answers) = read();
        var files = certificates.Select(one => (Name: one.Key + HostCertificate, Content: one.Value))
            .Concat(answers.Select(one => (Name: one.Key + JoinAnswer, Content: one.Value))).ToList();
        var names = files.Select(file => file.Name).ToHashSet(StringComparer.Ordinal);
        // Recorded before the first of them is written, so that none is ever forgotten.
        Note(written => written.Union(names));
        foreach (var (name, content) in files)
            UnlessAdded(name, () => PutWhereDifferent(name, content));
        before.ExceptWith(names);
        foreach (var former in before.Where(
            name => (name.EndsWith(HostCertificate, StringComparison.Ordinal) || name.EndsWith(JoinAnswer, StringComparison.Ordinal))
                && !name.Contains('/', StringComparison.Ordinal)))
            UnlessAdded(former, () => File.Delete(At(former)));
        Note(written => written.Except(before.Except(added)));

        // What was written alone since the files were read is newer.
        void UnlessAdded(string name, Action act)
        {
            lock (noting)
                if (!added.Contains(name))
                    act();
        }
    }

    /// <summary>
    /// Writes the certificate of one host, and the answer if it joins. Unlike <see cref="PublishHosts"/>, this costs the same however many
    /// hosts there are.
    /// </summary>
    /// <param name="node">The host.</param>
    /// <param name="certificate">The certificate, as one line; null for none.</param>
    /// <param name="answer">The answer; null for none.</param>
    /// <exception cref="IOException">The disk failed or is full.</exception>
    public void PublishHost(string node, byte[]? certificate, byte[]? answer = null)
    {
        Make();
        foreach (var (name, content) in new[] { (node + HostCertificate, certificate), (node + JoinAnswer, answer) })
            if (content is not null)
                lock (noting)
                {
                    Add(name);
                    PutWhereDifferent(name, content);
                }
    }

    /// <summary>Adds a name to the list of the files that this daemon wrote for hosts.</summary>
    private void Add(string name)
    {
        added.Add(name);
        if (!File.Exists(At(Written)))
            AtomicFile.Replace(At(Written), [], AtomicFile.ReadableByAll);
        // A line that a crash cuts short names no file that is there, and the next begins on a line of its own.
        using var written = new FileStream(At(Written), FileMode.Append);
        written.Write(Encoding.UTF8.GetBytes($"\n{name}\n"));
        written.Flush(flushToDisk: true);
    }

    /// <summary>Changes the list of the files that this daemon wrote for hosts.</summary>
    /// <returns>The names that it had before.</returns>
    private HashSet<string> Note(Func<HashSet<string>, IEnumerable<string>> change)
    {
        lock (noting)
        {
            var before = File.Exists(At(Written))
                ? File.ReadAllLines(At(Written)).Where(name => name.Length > 0).ToHashSet(StringComparer.Ordinal)
                : [];
            var lines = string.Concat(change(before).Order(StringComparer.Ordinal).Select(name => $"{name}\n"));
            if (lines.Length > 0 || before.Count > 0)
                PutWhereDifferent(Written, Encoding.UTF8.GetBytes(lines));
            return before;
        }
    }

    /// <summary>Writes the files under their hashes. A failure must not hold back the manifest.</summary>
    /// <returns>The failure; null for none.</returns>
    private IOException? PutByHash(PublishedKrl list, DateTimeOffset now)
    {
        try
        {
            bodies.Put([list.Bytes, .. list.Keys.Select(key => key.Content)], now);
            return null;
        }
        catch (Exception e) when (e is ExposedException or IOException or UnauthorizedAccessException)
        {
            return new IOException(e.Message, e);
        }
    }

    /// <summary>Returns whether this list is there, or a later one from a daemon that knows what this list revokes.</summary>
    private bool IsThere(PublishedKrl list)
    {
        if (PublishedKrl.HeaderAt(At(List)) is not { } present)
            return false;
        if (present.Version == list.Version)
            return IsSame(List, list.Bytes) && list.Manifest is { } manifest && IsSame(Manifest.FileName, manifest);
        return present.Version > list.Version && ListOrigin.Parse(present.Comment) is { } there
            && there.Replaces(present.Version, ListOrigin.Parse(KrlHeader.Parse(list.Bytes).Comment), list.Version) is null;
    }

    private bool IsSame(string name, byte[] content) =>
        File.Exists(At(name)) && File.ReadAllBytes(At(name)).AsSpan().SequenceEqual(content);

    /// <summary>
    /// Checks to whom the directory belongs. It runs before each change, because another daemon may have started meanwhile.
    /// </summary>
    /// <param name="version">The version of the list to write.</param>
    private void ExpectOwn(ulong version)
    {
        if (PublishedKrl.HeaderAt(At(List)) is { } present && conflict(version, present) is { } why)
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
        if (!IsSame(name, content))
            AtomicFile.Replace(At(name), content, AtomicFile.ReadableByAll);
    }

    private string At(string name) => System.IO.Path.Combine(path, name);
}
