using System.ComponentModel;
using CertAuthority.Access.Nodes;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Revocation;

/// <summary>
/// The revocation list of a daemon that follows. It asks the one that leads for each list, and writes the same bytes to its own disk. So
/// all lists of an installation come from one daemon at a time, no host sees two of one version, and each machine has what its hosts need.
/// A list counts only with its manifest, which the audit key signed: the database alone cannot bring a list here.
/// </summary>
/// <param name="database">Where the daemons find each other's words.</param>
/// <param name="clock">Paces the loop.</param>
/// <param name="manifests">Reads the manifest of each list.</param>
/// <param name="installation">The installation whose lists these are.</param>
/// <param name="path">The file of the list.</param>
/// <param name="log">Gets a line when a list cannot be written.</param>
internal sealed class FollowedKrl(
    Database database, TimeProvider clock, Manifests manifests, string installation, string path, ILogger log) : KrlKeeper(path)
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    // As long as another daemon may need to take over, and to write its first list.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource stopped = new();
    private volatile Seen seen = new(0, 0);
    private volatile PublishedKrl? own = OnDisk(path);
    private volatile Failing? failure;
    private volatile PublishDirectory? forHosts;
    private volatile Task<bool>? next;
    private ListState? recorded;
    private long? failedAt;
    private int waiting;

    public override DateTimeOffset? Made => own?.Made;

    public override TimeSpan? Interval => Pace;

    public override PublishDirectory? ForHosts => forHosts;

    public override ListState State => failure is { } why
        ? new ListState(own?.Version ?? 0, why.Why, why.Since) : new ListState(own?.Version ?? 0);

    /// <summary>Publishes each list from the next one on in a directory; null for none.</summary>
    public void PublishIn(PublishDirectory? directory) => forHosts = directory;

    /// <summary>Returns whether a list of this daemon may replace another one.</summary>
    /// <param name="version">The version of the new list.</param>
    /// <param name="present">The beginning of the list that is in place.</param>
    /// <returns>The reason against replacing it; null if there is none.</returns>
    public ListConflict? Conflict(ulong version, KrlHeader present) =>
        own is { } list && ListOrigin.Parse(KrlHeader.Parse(list.Bytes).Comment) is { } origin
            ? origin.Replaces(version, ListOrigin.Parse(present.Comment), present.Version) : ListConflict.OtherInstallation;

    public override async Task Publish()
    {
        var before = (ulong)await database.Commit(transaction => transaction.WantKrl(), takesAway: true);
        Interlocked.Increment(ref waiting);
        try
        {
            for (var begun = clock.GetTimestamp(); !IsInPlace(before); await Task.Delay(Glance, clock))
                if (next is { } first)
                {
                    if (await first)
                        return;
                    throw new ProblemException(NotWritten);
                }
                else if (seen.InPlace > before && failure is { } why && why.Version > before)
                    throw new ProblemException(NotHere);
                else if (stopped.IsCancellationRequested || clock.GetElapsedTime(begun) > Patience)
                    throw new ProblemException(NotWritten);
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }

    public override void Refresh() => _ = Ask();

    /// <summary>How many callers wait for the first list of the daemon that leads next in this process.</summary>
    public int Handed => next is null ? 0 : Volatile.Read(ref waiting);

    /// <summary>Lets every caller wait for the first list of the daemon that leads next in this process: it has everything.</summary>
    /// <param name="first">Whether that list is in place, once that is known.</param>
    public void HandOver(Task<bool> first) => next = first;

    public override void Dispose()
    {
        base.Dispose();
        stopped.Dispose();
    }

    protected override async Task Run(CancellationToken stopping)
    {
        using var stop = stopping.Register(stopped.Cancel);
        for (; ; await Task.Delay(Volatile.Read(ref waiting) > 0 ? Glance : Pace, clock, stopping))
            try
            {
                Look();
                await Record();
                Turned();
            }
            catch (ProblemException)
            {
                // The database is away, and its log has a line about it.
            }
    }

    /// <summary>Takes the stored list if it is newer than the own one.</summary>
    internal void Look()
    {
        var now = database.Read(snapshot => new Seen((ulong)snapshot.PublishedKrl(), snapshot.StoredListVersion()));
        var isTime = failedAt is not { } last || clock.GetElapsedTime(last) >= RetryAfter;
        // What an earlier run has written may not be in the directory for hosts.
        var isUnpublished = now.Stored == Version && forHosts is not null && own is { Manifest: null };
        if (isTime && (now.Stored > Version || isUnpublished))
            Take(now.Stored);
        else if (isTime && forHosts?.Status.Failure is not null && own is { Manifest: not null } list)
            PutForHosts(list);
        if (now.Stored < now.InPlace)
            Fail(now.InPlace, "the daemon that leads stores no lists, as one of an earlier version does");
        seen = now;
    }

    private bool IsInPlace(ulong before) =>
        // A daemon of an earlier version that leads stores no list: what it has written is all that there is.
        seen is var now && now.InPlace > before && (now.Stored < now.InPlace || (Version > before && failure is null));

    private void Take(ulong version)
    {
        try
        {
            if (database.Read(snapshot => snapshot.StoredList()) is not { } stored)
                return;
            version = stored.Version;
            var list = Checked(stored);
            Replace(list.Bytes);
            own = list;
            PutForHosts(list);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or Win32Exception
            or StoreException)
        {
            if (failure is null)
                log.LogError("revocation list {Version} could not be written to {Path}: {Why}", version, Path, Printable.Escape(e.Message));
            Fail(version, e.Message);
            failedAt = clock.GetTimestamp();
        }
    }

    private void PutForHosts(PublishedKrl list)
    {
        if (forHosts is { } directory && !directory.Publish(list, clock.GetUtcNow(), log))
        {
            Fail(list.Version, directory.Status.Failure ?? "");
            failedAt = clock.GetTimestamp();
        }
        else
            (failure, failedAt) = (null, null);
    }

    private void Fail(ulong version, string why) =>
        failure = new Failing(version, why, failure?.Since ?? DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds()));

    /// <summary>Returns a stored list that is what the daemon that leads has made, and may replace the own one.</summary>
    /// <exception cref="InvalidDataException">It is not, or may not.</exception>
    private PublishedKrl Checked(StoredList stored)
    {
        if (manifests.Read(stored.Manifest) is not { } manifest)
            throw Refused("it has no manifest that the audit key of this daemon signed");
        if (manifest.Installation != installation || manifest.Version != stored.Version || manifest.Krl != Manifests.HashOf(stored.Bytes)
            || manifest.UserCa != Manifests.HashOf(stored.UserCa) || manifest.HostCa != Manifests.HashOf(stored.HostCa))
            throw Refused("it is not what its manifest names");
        Krl krl;
        try
        {
            krl = Krl.Parse(stored.Bytes);
        }
        catch (SshFormatException e)
        {
            throw Refused(e.Message);
        }
        if (krl.Version != stored.Version || ListOrigin.Parse(krl.Comment) is not { } origin || origin.Installation != installation)
            throw Refused("it is not the list that its row names");
        if (PublishedKrl.HeaderAt(Path) is { } present
            && origin.Replaces(krl.Version, ListOrigin.Parse(present.Comment), present.Version) is not null)
            throw Refused($"it does not replace list {present.Version}, which is in place and may come from a copy of this database");
        return new PublishedKrl(stored.Version, stored.Bytes)
        {
            Made = DateTimeOffset.FromUnixTimeSeconds((long)krl.GeneratedDate),
            Keys = [(FileOf(CaPurpose.User), stored.UserCa), (FileOf(CaPurpose.Host), stored.HostCa)],
            Manifest = stored.Manifest,
        };

        InvalidDataException Refused(string why) => new($"list {stored.Version} in the database is refused: {why}");

        static string FileOf(CaPurpose purpose) => $"{purpose.FileName()}.pub";
    }

    /// <summary>Puts on record which list is in place, when that has changed.</summary>
    private async Task Record()
    {
        if (State is var state && state == recorded)
            return;
        await database.Commit(
            transaction =>
            {
                database.RecordList(transaction, state);
                return true;
            }, takesAway: true);
        recorded = state;
    }

    private async Task Ask()
    {
        try
        {
            await database.Commit(transaction => transaction.WantKrl(), takesAway: true);
        }
        catch (Exception e) when (e is ProblemException or OutcomeUnknownException)
        {
            // Whoever leads writes a list every ten minutes, too.
        }
    }

    /// <summary>Returns the list of an earlier run, without what is published with it.</summary>
    private static PublishedKrl? OnDisk(string path)
    {
        try
        {
            return PublishedKrl.At(path) is { } krl
                ? new PublishedKrl(krl.Version, File.ReadAllBytes(path))
                {
                    Made = DateTimeOffset.FromUnixTimeSeconds((long)krl.GeneratedDate),
                }
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static readonly Problem NotHere = new(
        ProblemCode.Unavailable,
        "the decision stands, but the revocation list could not be written on the machine of this daemon, so hosts that take it from there still accept what was revoked",
        "the daemon that leads has written it; this one tries again until it succeeds, and its log says what is in the way");

    /// <summary>What the database says.</summary>
    /// <param name="InPlace">The last list that is in place where the daemon that leads puts it, as far as that was asked for.</param>
    /// <param name="Stored">The version of the stored list; 0 for none.</param>
    private sealed record Seen(ulong InPlace, ulong Stored);

    /// <summary>Why a list could not be written.</summary>
    private sealed record Failing(ulong Version, string Why, DateTimeOffset Since);
}
