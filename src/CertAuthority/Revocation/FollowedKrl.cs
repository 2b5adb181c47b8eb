using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Revocation;

/// <summary>
/// The revocation list as a daemon that follows sees it: it asks the one that leads for each list, and waits until that says that the list
/// is in place. So all lists of an installation come from one daemon at a time, and no host sees two of one version.
/// </summary>
/// <param name="database">Where the daemons find each other's words.</param>
/// <param name="clock">Paces the loop.</param>
internal sealed class FollowedKrl(Database database, TimeProvider clock) : KrlKeeper
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    // As long as another daemon may need to take over, and to write its first list.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource stopped = new();
    private long version;
    private DateTimeOffset? made;

    /// <summary>When this daemon saw the last new list: the list itself is with the daemon that leads.</summary>
    public override DateTimeOffset? Made => made;

    public override TimeSpan? Interval => Pace;

    public override ulong Version => (ulong)Volatile.Read(ref version);

    public override PublishDirectory? ForHosts => null;

    public override byte[] Read() => throw new ProblemException(
        new Problem(ProblemCode.Unavailable, "the revocation list is with the daemon that leads"));

    public override async Task Publish()
    {
        var before = await database.Commit(transaction => transaction.WantKrl(), takesAway: true);
        for (var begun = clock.GetTimestamp(); database.Read(snapshot => snapshot.PublishedKrl()) <= before;)
            if (stopped.IsCancellationRequested || clock.GetElapsedTime(begun) > Patience)
                throw new ProblemException(NotWritten);
            else
                await Task.Delay(Glance, clock);
    }

    public override void Refresh() => _ = Ask();

    /// <summary>Ends every wait for a list: no daemon leads that would write it before this one stops.</summary>
    public void Stop() => stopped.Cancel();

    public override void Dispose()
    {
        base.Dispose();
        stopped.Dispose();
    }

    protected override async Task Run(CancellationToken stopping)
    {
        using var stop = stopping.Register(stopped.Cancel);
        for (; ; await Task.Delay(Pace, clock, stopping))
            try
            {
                var now = database.Read(snapshot => snapshot.PublishedKrl());
                if (made is null || now != version)
                    made = clock.GetUtcNow();
                Volatile.Write(ref version, now);
                Turned();
            }
            catch (ProblemException)
            {
                // The database is away, and its log has a line about it.
            }
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
}
