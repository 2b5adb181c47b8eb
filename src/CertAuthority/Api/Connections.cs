using System.Runtime.InteropServices;
using CertAuthority.Linux;
using CertAuthority.Operations;
using Microsoft.AspNetCore.Connections;

namespace CertAuthority.Api;

/// <summary>What an account is to the daemon, as far as places go.</summary>
internal enum Standing
{
    /// <summary>Nobody has looked yet.</summary>
    Unknown,

    /// <summary>Owns no user.</summary>
    Stranger,

    /// <summary>Owns a user.</summary>
    User,

    /// <summary>Administers.</summary>
    Administrator,
}

/// <summary>Who opened a connection, and the place that it has.</summary>
internal sealed record ConnectionOwner(Peer Peer, Connections.Place Place)
{
    /// <summary>Among whose refusals its own count: those of its account, for one account can have many uids.</summary>
    public Refused CountedAs => new(Place.AccountAs(Place.Standing), OwnsUser: Place.Standing > Standing.Stranger);
}

/// <summary>
/// Places for connections, so that nobody takes those of others. A uid alone decides whether a connection gets one, so that turning
/// away costs next to nothing: first how many it opens in a second, then how many it has. Which account that is, and whether it
/// owns a user, is found out once the connection has a place, and remembered for the next one.
/// </summary>
/// <remarks>
/// Accounts that own no user share few places. When these are full, the oldest of them without a call under way makes room, of the
/// account that has most; so connections that are only held keep nobody out.
/// </remarks>
/// <param name="clock">Says how fast connections come.</param>
/// <param name="ownUid">The uid of the daemon. It has a share of its own, as root has.</param>
/// <param name="descriptors">How many the process may have open. The daemon itself keeps a quarter of them.</param>
internal sealed class Connections(TimeProvider clock, uint ownUid, long descriptors = long.MaxValue)
{
    /// <summary>Room for somebody who waits for several requests at once.</summary>
    public const int OfUid = 20;

    /// <summary>Of one account that owns no user.</summary>
    public const int OfStranger = 10;

    /// <summary>Of all together that own no user.</summary>
    public const int OfStrangers = 40;

    // Beyond so many accounts, those seen first are found out about again.
    private const int MostKnown = 10_000;

    private static readonly Rate UserRate = new(PerSecond: 500, Burst: 1000);
    private static readonly Rate StrangerRate = new(PerSecond: 20, Burst: 40);
    private static readonly Rate StrangersRate = new(PerSecond: 100, Burst: 200);

    private readonly Lock all = new();
    private readonly Dictionary<(ulong Account, Standing Standing), int> taken = [];
    private readonly Dictionary<Standing, int> together = [];
    private readonly Dictionary<ulong, Bucket> buckets = [];
    private readonly Dictionary<uint, Standing> known = [];
    private readonly List<Place> strangers = [];
    private Bucket strangersTogether = new(StrangersRate.Burst, clock.GetTimestamp());
    private int bucketsKept;
    private int leaving;
    private volatile SubordinateUids subordinates = SubordinateUids.Parse([]);

    /// <summary>Of one administrator: scripts may be many.</summary>
    public int OfAdministrator { get; } = (int)Math.Min(200, descriptors / 8);

    /// <summary>Of all administrators together, beside root and the daemon's account.</summary>
    public int OfAdministrators { get; } = (int)Math.Min(1000, descriptors / 8);

    /// <summary>Of all together that do not administer.</summary>
    public int OfAll { get; } = (int)Math.Min(2000, descriptors / 2);

    /// <summary>Of all together that nobody has looked at yet.</summary>
    public int OfUnknown { get; } = (int)Math.Min(200, descriptors / 8);

    /// <summary>How many accounts are remembered for what they did of late; bounded, whoever comes.</summary>
    public int Remembered => buckets.Count;

    /// <summary>Which uids belong to one account.</summary>
    public SubordinateUids Subordinates
    {
        set => subordinates = value;
    }

    /// <summary>A place until it is disposed of, or null when none is left, or when the uid has opened too many of late.</summary>
    /// <param name="uid">Whose.</param>
    /// <param name="amongAdministrators">Whether it came to the socket of administrators.</param>
    public Place? Take(uint uid, bool amongAdministrators = false)
    {
        Place? place;
        Place? evicted = null;
        lock (all)
        {
            var standing = amongAdministrators || HasOwnShare(uid)
                ? Standing.Administrator
                : known.GetValueOrDefault(uid, Standing.Unknown);
            place = new Place(this, uid);
            if (!IsSlowEnough(place.AccountAs(standing), standing) || !Enter(place, standing, out evicted))
                place = null;
        }
        evicted?.Connection?.Abort();
        return place;
    }

    /// <summary>Gives a place its true standing.</summary>
    /// <returns>Whether there is room among those of that standing.</returns>
    public bool Settle(Place place, Standing standing)
    {
        Place? evicted = null;
        bool isIn;
        lock (all)
        {
            if (known.Count >= MostKnown)
                known.Clear();
            if (standing >= Standing.User && !HasOwnShare(place.Uid))
                known[place.Uid] = standing;
            else
                known.Remove(place.Uid);
            isIn = standing == place.Standing;
            if (!isIn)
            {
                Leave(place);
                isIn = Enter(place, standing, out evicted);
            }
        }
        evicted?.Connection?.Abort();
        return isIn;
    }

    private bool HasOwnShare(uint uid) => uid == 0 || uid == ownUid;

    private bool IsSlowEnough(ulong account, Standing standing)
    {
        var now = clock.GetTimestamp();
        if (standing == Standing.Administrator)
            return true;
        if (buckets.Count > 2 * bucketsKept + 1024)
            Forget(now);
        var isUser = standing == Standing.User;
        var rate = isUser ? UserRate : StrangerRate;
        var bucket = buckets.TryGetValue(account, out var last) ? last : new Bucket(rate.Burst, now);
        var mine = bucket.TryTake(rate, clock, now);
        buckets[account] = bucket;
        return mine && (isUser || strangersTogether.TryTake(StrangersRate, clock, now));
    }

    /// <summary>Lets go of those that have been left alone long enough to be full again.</summary>
    private void Forget(long now)
    {
        foreach (var (account, bucket) in buckets)
            if (clock.GetElapsedTime(bucket.At, now) > TimeSpan.FromSeconds(2))
                buckets.Remove(account);
        bucketsKept = buckets.Count;
    }

    private bool Enter(Place place, Standing standing, out Place? evicted)
    {
        evicted = null;
        var account = place.AccountAs(standing);
        var mine = taken.GetValueOrDefault((account, standing));
        var isFull = standing switch
        {
            Standing.Administrator =>
                mine >= OfAdministrator || (!HasOwnShare(place.Uid) && together.GetValueOrDefault(standing) >= OfAdministrators),
            _ when OfNoAdministrator() + leaving >= OfAll => true,
            Standing.User => mine >= OfUid,
            Standing.Unknown => mine >= OfUid || together.GetValueOrDefault(standing) >= OfUnknown,
            _ => mine >= OfStranger || together.GetValueOrDefault(standing) >= OfStrangers,
        };
        if (isFull && (standing != Standing.Stranger || (evicted = Evict(account, onlyOwn: mine >= OfStranger)) is null))
            return false;
        Count(place, account, standing, 1);
        if (standing == Standing.Stranger)
            strangers.Add(place);
        return true;
    }

    private int OfNoAdministrator() =>
        together.GetValueOrDefault(Standing.Unknown) + together.GetValueOrDefault(Standing.Stranger) + together.GetValueOrDefault(
            Standing.User);

    private Place? Evict(ulong account, bool onlyOwn)
    {
        // Its socket is closed a moment later; meanwhile it must not be the way to ever more of them.
        if (leaving >= OfStrangers)
            return null;
        var victim = strangers.FindAll(place => place.IsIdle && (!onlyOwn || place.Account == account))
            .MaxBy(place => taken[(place.Account, Standing.Stranger)]);
        if (victim is null)
            return null;
        Leave(victim);
        victim.IsEvicted = true;
        leaving++;
        return victim;
    }

    private void Leave(Place place)
    {
        if (place.IsEvicted)
            leaving--;
        else if (place.IsTaken)
        {
            Count(place, place.Account, place.Standing, -1);
            strangers.Remove(place);
        }
        (place.IsEvicted, place.IsTaken) = (false, false);
    }

    private void Count(Place place, ulong account, Standing standing, int change)
    {
        var mine = taken.GetValueOrDefault((account, standing)) + change;
        if (mine == 0)
            taken.Remove((account, standing));
        else
            taken[(account, standing)] = mine;
        if (standing != Standing.Administrator || !HasOwnShare(place.Uid))
            together[standing] = together.GetValueOrDefault(standing) + change;
        (place.Account, place.Standing, place.IsTaken) = (account, standing, true);
    }

    /// <summary>A place, taken until it is disposed of.</summary>
    internal sealed class Place(Connections connections, uint uid) : IDisposable
    {
        private int calls;

        /// <summary>Whose.</summary>
        public uint Uid => uid;

        /// <summary>Among whom it counts.</summary>
        public Standing Standing { get; internal set; }

        /// <summary>The connection, once it is served; until then it is not idle.</summary>
        public ConnectionContext? Connection { get; set; }

        /// <summary>Under which account it counts.</summary>
        internal ulong Account { get; set; }

        internal bool IsTaken { get; set; }

        internal bool IsEvicted { get; set; }

        internal bool IsIdle => Connection is not null && Volatile.Read(ref calls) == 0;

        /// <summary>Uids of one account are one among those that own no user; a user's uid is its own.</summary>
        internal ulong AccountAs(Standing standing) => standing <= Standing.Stranger ? connections.subordinates.AccountOf(uid) : uid;

        /// <summary>A call begins: until it has ended, nobody is given this place.</summary>
        public void Begin() => Interlocked.Increment(ref calls);

        /// <summary>A call has ended.</summary>
        public void End() => Interlocked.Decrement(ref calls);

        public void Dispose()
        {
            lock (connections.all)
                connections.Leave(this);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Rate(double PerSecond, double Burst);

    [StructLayout(LayoutKind.Auto)]
    private struct Bucket(double left, long at)
    {
        private double left = left;

        public long At { get; private set; } = at;

        public bool TryTake(Rate rate, TimeProvider clock, long now)
        {
            left = Math.Min(rate.Burst, left + clock.GetElapsedTime(At, now).TotalSeconds * rate.PerSecond);
            At = now;
            if (left < 1)
                return false;
            left--;
            return true;
        }
    }
}
