using System.Runtime.InteropServices;
using CertAuthority.Linux;
using CertAuthority.Operations;
using Microsoft.AspNetCore.Connections;

namespace CertAuthority.Api;

/// <summary>The standing of an account, which decides how many places it can have.</summary>
internal enum Standing
{
    /// <summary>Not found out yet.</summary>
    Unknown,

    /// <summary>Owns no user.</summary>
    Stranger,

    /// <summary>Owns a user, or is an auditor or a monitor.</summary>
    User,

    /// <summary>Administers.</summary>
    Administrator,
}

/// <summary>The process that opened a connection, and its place.</summary>
internal sealed record ConnectionOwner(Peer Peer, Connections.Place Place)
{
    /// <summary>The account that its refusals count for, because one account can have many uids.</summary>
    public Refused CountedAs => new(Place.AccountAs(Place.Standing), OwnsUser: Place.Standing > Standing.Stranger);
}

/// <summary>
/// Places for connections, so that nobody can take other people's places. The uid alone decides whether a connection gets one, so that
/// turning one away costs almost nothing: first the number that it opens in a second, then the number that it has. The account, and whether
/// it owns a user, is found out once the connection has a place, and remembered for the next one.
/// </summary>
/// <remarks>
/// Accounts that own no user share a small number of places. When these are full, a connection makes room: the oldest one without a call in
/// progress, of the account that has the most. So idle connections keep nobody out.
/// </remarks>
/// <param name="clock">Measures how fast connections arrive.</param>
/// <param name="ownUid">The uid of the daemon. It has a share of its own, like root.</param>
/// <param name="descriptors">How many descriptors the process may have open. The daemon keeps a quarter of them for itself.</param>
internal sealed class Connections(TimeProvider clock, uint ownUid, long descriptors = long.MaxValue)
{
    /// <summary>The limit of one uid; it leaves room for a user who waits for several requests at once.</summary>
    public const int OfUid = 20;

    /// <summary>The limit of one account that owns no user.</summary>
    public const int OfStranger = 10;

    /// <summary>The limit of all accounts together that own no user.</summary>
    public const int OfStrangers = 40;

    // Above this number of accounts, all of them are forgotten and looked up again.
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

    /// <summary>The limit of one administrator, who may run many scripts.</summary>
    public int OfAdministrator { get; } = (int)Math.Min(200, descriptors / 8);

    /// <summary>The limit of all administrators together, apart from root and the daemon's account.</summary>
    public int OfAdministrators { get; } = (int)Math.Min(1000, descriptors / 8);

    /// <summary>The limit of all accounts together that do not administer.</summary>
    public int OfAll { get; } = (int)Math.Min(10_000, descriptors / 2);

    /// <summary>The limit of all accounts together whose standing is unknown.</summary>
    public int OfUnknown { get; } = (int)Math.Min(200, descriptors / 8);

    /// <summary>The number of accounts whose recent activity is remembered. It is bounded, whoever connects.</summary>
    public int Remembered => buckets.Count;

    /// <summary>The uids that belong to one account.</summary>
    public SubordinateUids Subordinates
    {
        set => subordinates = value;
    }

    /// <summary>
    /// Takes a place until it is disposed of. Returns null if there is none left, or if the uid opened too many connections recently.
    /// </summary>
    /// <param name="uid">The uid of the connection.</param>
    /// <param name="amongAdministrators">Whether the connection came to the administrators' socket.</param>
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

    /// <summary>Moves a place to its true standing.</summary>
    /// <returns>Whether that standing has room.</returns>
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

    /// <summary>Forgets the accounts that have been idle long enough to have their full allowance again.</summary>
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
        // Its socket closes a moment later; until then, it must not be a way to ever more connections.
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

    /// <summary>A place that is taken until it is disposed of.</summary>
    internal sealed class Place(Connections connections, uint uid) : IDisposable
    {
        private int calls;

        /// <summary>The uid of the connection.</summary>
        public uint Uid => uid;

        /// <summary>The standing under which the place counts.</summary>
        public Standing Standing { get; internal set; }

        /// <summary>The connection, once it is served; before that it does not count as idle.</summary>
        public ConnectionContext? Connection { get; set; }

        /// <summary>The account under which the place counts.</summary>
        internal ulong Account { get; set; }

        internal bool IsTaken { get; set; }

        internal bool IsEvicted { get; set; }

        internal bool IsIdle => Connection is not null && Volatile.Read(ref calls) == 0;

        /// <summary>Among accounts that own no user, all uids of one account count as one; a user's uid counts by itself.</summary>
        internal ulong AccountAs(Standing standing) => standing <= Standing.Stranger ? connections.subordinates.AccountOf(uid) : uid;

        /// <summary>Marks the beginning of a call: until it ends, this place cannot be given to another connection.</summary>
        public void Begin() => Interlocked.Increment(ref calls);

        /// <summary>Marks the end of a call.</summary>
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
