using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Threading.Channels;
using CertAuthority.Access.Nodes;
using CertAuthority.Metrics;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Revocation;

/// <summary>
/// Keeps the revocation list on the disk in step with the database. sshd reads it at every login and admits <b>nobody</b> with a broken one
/// and <b>everybody</b> with an empty one, so each list is read back twice, by our reader and by OpenSSH's, before it replaces the last
/// good one.
/// </summary>
/// <param name="database">What is revoked.</param>
/// <param name="clock">Dates the lists.</param>
/// <param name="origin">Marks the lists of this run.</param>
/// <param name="manifests">Makes the manifest of each list.</param>
/// <param name="path">The file of the list.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class KrlPublisher(
    Database database, TimeProvider clock, ListOrigin origin, Manifests manifests, string path, ILogger log) : KrlKeeper(path)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    // The answer for each waiting caller: null, or why the list is not in place.
    private readonly Channel<TaskCompletionSource<Problem?>> wanted = Channel.CreateUnbounded<TaskCompletionSource<Problem?>>();
    private readonly ConcurrentDictionary<ulong, bool> versions = new();
    private volatile PublishDirectory? forHosts;
    private volatile PublishedKrl? latest;
    private volatile PublishedKrl? inPlace;
    private volatile Failing? failure;

    /// <summary>Returns whether a list of this process may replace another one.</summary>
    /// <param name="version">The version of the new list.</param>
    /// <param name="present">The beginning of the list that is in place.</param>
    /// <returns>The reason against replacing it; null if there is none.</returns>
    public ListConflict? Conflict(ulong version, KrlHeader present)
    {
        var there = ListOrigin.Parse(present.Comment);
        // A machine that resumes from a snapshot of this one's memory is in the same run, but makes its own lists.
        return there?.Run == origin.Run && !versions.ContainsKey(present.Version)
            ? ListConflict.OtherCopy
            : origin.Replaces(version, there, present.Version);
    }

    public override PublishDirectory? ForHosts => forHosts;

    public override DateTimeOffset? Made => latest?.Made;

    public override ListState State =>
        new ListState(latest?.Version ?? 0) is var state && failure is { } own ? state with { Failure = own.Why, FailingSince = own.Since }
        : forHosts?.Status is { Failure: { } why } published ? state with { Failure = why, FailingSince = published.FailingSince }
        : state;

    /// <summary>The last list that this process wrote; null before the first.</summary>
    public PublishedKrl? Latest => latest;

    /// <summary>The last list that is also in the directory for hosts, if there is one; null before the first.</summary>
    public PublishedKrl? InPlace => inPlace;

    /// <summary>Called after each list is written; it must be quick.</summary>
    public Action Written { get; set; } = () => { };

    /// <summary>Called after each list is in the directory for hosts, with its manifest; it must be quick.</summary>
    public Action Published { get; set; } = () => { };

    /// <summary>Publishes each list from the next one on in a directory; null for none.</summary>
    public void PublishIn(PublishDirectory? directory) => forHosts = directory;

    /// <inheritdoc/>
    public override async Task Publish()
    {
        var written = new TaskCompletionSource<Problem?>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!wanted.Writer.TryWrite(written))
            throw new ProblemException(NotWritten);
        if (await written.Task is { } problem)
            throw new ProblemException(problem);
    }

    /// <inheritdoc/>
    public override void Refresh() => wanted.Writer.TryWrite(new TaskCompletionSource<Problem?>());

    /// <summary>Writes a list on demand, once for all waiting callers, until it is stopped.</summary>
    protected override async Task Run(CancellationToken stopping)
    {
        // Taken before the database is read: later callers wait for the next list.
        var waiting = new List<TaskCompletionSource<Problem?>>();
        try
        {
            while (await wanted.Reader.WaitToReadAsync(stopping))
            {
                while (wanted.Reader.TryRead(out var one))
                    waiting.Add(one);
                var problem = await TryWrite();
                waiting.ForEach(one => one.SetResult(problem));
                waiting.Clear();
                if (problem is null && forHosts?.Status.Failure is null)
                    continue;
                await Task.Delay(RetryAfter, clock, stopping);
                wanted.Writer.TryWrite(new TaskCompletionSource<Problem?>());
            }
        }
        finally
        {
            // Whatever ends the loop, no caller waits forever.
            wanted.Writer.TryComplete();
            while (wanted.Reader.TryRead(out var late))
                waiting.Add(late);
            waiting.ForEach(one => one.SetResult(NotWritten));
        }
    }

    private async Task<Problem?> TryWrite()
    {
        var directory = forHosts;
        var begun = Stopwatch.GetTimestamp();
        try
        {
            var now = clock.GetUtcNow();
            var (version, revoked, keys, groups) = await database.Commit(
                transaction => (
                    transaction.NextKrlVersion(now), Revoked(transaction, now), RevokedKeys(transaction), transaction.GroupTokens()),
                takesAway: true);
            versions[version] = true;
            var bytes = Krl.Write(revoked, version, (ulong)now.ToUnixTimeSeconds(), origin.ToString(), keys);
            if (Krl.Parse(bytes) is var readBack
                && !(readBack.RevokedKeys.SequenceEqual(keys) && SaysNoMoreAndNoLess(readBack.Revoked, revoked)))
                throw new InvalidDataException("the revocation list does not read back as it was written");
            // Another one may write to the same directory for hosts.
            if (!database.IsSureToLead)
                return NotWritten;
            Replace(bytes);
            var files = manifests.KeyFiles();
            latest = new PublishedKrl(version, bytes)
            {
                Made = now,
                Keys = files,
                Groups = groups,
                Manifest = ManifestFor(version, bytes, files, now),
            };
            failure = null;
            Written();
            Instruments.Lists.Add(Instruments.Done);
            Instruments.ListSeconds.Add(Stopwatch.GetElapsedTime(begun).TotalSeconds);
            if (directory is not null && !directory.Publish(latest, now, log))
                return NotPublished(directory);
            inPlace = latest;
            if (directory is not null)
                Published();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or Win32Exception
            or ProblemException or StoreException)
        {
            log.LogError("the revocation list {Path} could not be written: {Why}", Path, Printable.Escape(e.Message));
            failure = new Failing(e.Message, failure?.Since ?? clock.GetUtcNow());
            Instruments.Lists.Add(Instruments.Failed);
            return NotWritten;
        }
    }

    /// <summary>Returns the manifest of a list; null if it cannot be signed. Then hosts that need none get the list all the same.</summary>
    private byte[]? ManifestFor(
        ulong version, byte[] list, IReadOnlyList<(string Name, byte[] Content)> keys, DateTimeOffset made)
    {
        try
        {
            return manifests.For(version, list, keys, made);
        }
        catch (Exception e) when (e is CryptographicException or ProblemException)
        {
            log.LogError("the manifest of revocation list {Version} could not be signed: {Why}", version, Printable.Escape(e.Message));
            return null;
        }
    }

    private sealed record Failing(string Why, DateTimeOffset Since);

    private static Problem NotPublished(PublishDirectory directory) => new(
        ProblemCode.Unavailable,
        $"the decision stands, but the new revocation list is not yet in {directory.Path}, so hosts that fetch it from there still accept what was revoked",
        NotWritten.Hint);

    private static List<PublicKey> RevokedKeys(Snapshot snapshot) =>
        [.. snapshot.CaKeys(CaPurpose.User).Where(known => known.Revoked is not null).Select(known => known.Key)];

    /// <summary>
    /// Returns each serial under the key that signed it, because hosts may still trust that key when another one signs; under every key if
    /// the signer is unknown.
    /// </summary>
    private static List<RevokedRange> Revoked(Snapshot snapshot, DateTimeOffset now)
    {
        var keys = snapshot.CaKeys(CaPurpose.User);
        return
        [
            .. snapshot.RevokedSerials(now).Select(one => (one.CaKeyId, First: one.Serial, Last: one.Serial))
                .Concat(snapshot.LostSerials(now))
                .SelectMany(range => Signers(range.CaKeyId).Select(signer => new RevokedRange(signer.Key, range.First, range.Last))),
        ];

        IEnumerable<RecordedCaKey> Signers(long id) => keys.Where(known => known.Id == id) is var one && one.Any() ? one
            : keys.Count > 0 ? keys : throw new InvalidDataException("something is revoked, and no user CA key is on record");
    }

    /// <summary>Returns whether the list contains exactly the same serials of the same keys, in any ranges.</summary>
    private static bool SaysNoMoreAndNoLess(IEnumerable<RevokedRange> listed, IEnumerable<RevokedRange> revoked)
    {
        var (there, wanted) = (ByKey(listed), ByKey(revoked));
        return there.Count == wanted.Count
            && wanted.All(of => there.TryGetValue(of.Key, out var ranges) && SaysNoMoreAndNoLess(ranges, of.Value));

        static Dictionary<PublicKey, List<RevokedRange>> ByKey(IEnumerable<RevokedRange> ranges) =>
            ranges.GroupBy(range => range.CaKey).ToDictionary(of => of.Key, of => of.OrderBy(range => range.First).ToList());
    }

    /// <summary>
    /// Checks the same for one key: each revoked range (they ascend) lies in a listed one, and no listed range begins or ends anywhere
    /// else.
    /// </summary>
    private static bool SaysNoMoreAndNoLess(List<RevokedRange> listed, List<RevokedRange> revoked)
    {
        var left = new Queue<RevokedRange>(listed);
        foreach (var range in revoked)
        {
            while (left.TryPeek(out var before) && before.Last < range.First)
                left.Dequeue();
            if (!left.TryPeek(out var around) || around.First > range.First || around.Last < range.Last)
                return false;
        }
        var (firsts, lasts) = (revoked.Select(range => range.First).ToHashSet(), revoked.Select(range => range.Last).ToHashSet());
        return listed.All(range => firsts.Contains(range.First) && lasts.Contains(range.Last));
    }
}
