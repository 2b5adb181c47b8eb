using CertAuthority.Protocol;
using CertAuthority.Revocation;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Makes the revocation lists for which daemons that follow ask this one, which leads, and stores each list for them. Nobody here waits
/// for it, and while no daemon follows, it stores nothing.
/// </summary>
/// <param name="database">Where the daemons find each other's words.</param>
/// <param name="krl">The lists.</param>
/// <param name="clock">Paces the loop.</param>
/// <param name="log">Gets a line about each failure.</param>
internal sealed class ListsForOthers(Database database, KrlPublisher krl, TimeProvider clock, ILogger log)
    : Periodic(TimeSpan.FromMilliseconds(200), clock)
{
    private static readonly TimeSpan BetweenCounts = TimeSpan.FromSeconds(1);

    private readonly TimeProvider clock = clock;
    private long? counted;
    private bool isFollowed;
    private ulong stored;
    private ListState? recorded;

    protected override bool StartsAtOnce => true;

    protected internal override async Task Once(CancellationToken stopping)
    {
        var isWanted = database.Read(snapshot => snapshot.WantedKrl() > snapshot.PublishedKrl());
        if (counted is not { } last || clock.GetElapsedTime(last) >= BetweenCounts)
            (isFollowed, counted) = (database.IsFollowed, clock.GetTimestamp());
        // Also one that this daemon could not put into its own directory for hosts.
        await Store(inPlace: false);
        if (!isWanted)
            return;
        isFollowed = true;
        await krl.Publish();
        await Store(inPlace: true);
    }

    protected override void Failed(Exception error) =>
        log.LogWarning("a revocation list is not there for the daemons that follow: {Why}", Printable.Escape(error.Message));

    private async Task Store(bool inPlace)
    {
        var (list, state) = (krl.Latest, krl.State);
        if (!isFollowed || list is null || (!inPlace && list.Version <= stored && state == recorded))
            return;
        await database.Commit(transaction =>
        {
            if (list.Version > stored)
                transaction.StoreList(new StoredList(
                    list.Version, list.Made, list.Bytes, list.Manifest ?? [], list.Keys[0].Content, list.Keys[1].Content));
            database.RecordList(transaction, state);
            if (inPlace)
                transaction.RecordPublishedKrl(krl.InPlace!.Version);
            return true;
        }, takesAway: true);
        (stored, recorded) = (list.Version, state);
    }
}
