using CertAuthority.Linux;

namespace CertAuthority.Api;

/// <summary>What an account is to the daemon, as far as places go.</summary>
internal enum Standing
{
    /// <summary>Owns no user.</summary>
    Stranger,

    /// <summary>Owns a user.</summary>
    User,

    /// <summary>Administers.</summary>
    Administrator,
}

/// <summary>Who opened a connection, and as what it was let in.</summary>
internal sealed record Guest(Peer Peer, Standing Standing)
{
    /// <summary>Under which uid it counts where there must not be too much of something: strangers are one, for one account can have many of their uids.</summary>
    public uint CountedAs => Standing == Standing.Stranger ? uint.MaxValue : Peer.Uid;
}

/// <summary>
/// Places for connections, so that nobody takes those of others: each uid has few, all that own no user share as few, and
/// administrators have places that nobody else can take.
/// </summary>
internal sealed class Connections
{
    /// <summary>Room for somebody who waits for several requests at once.</summary>
    public const int OfUid = 20;

    /// <summary>Of one administrator: scripts may be many.</summary>
    public const int OfAdministrator = 200;

    /// <summary>Of all together that own no user: an account can have tens of thousands of uids (subuid(5)).</summary>
    public const int OfStrangers = 20;

    /// <summary>Of all together that do not administer.</summary>
    public const int OfAll = 2000;

    private readonly Dictionary<uint, int> taken = [];
    private int all;
    private int strangers;

    /// <summary>A place until it is disposed of, or null when none is left.</summary>
    /// <param name="uid">Whose.</param>
    /// <param name="standing">What the uid is.</param>
    public IDisposable? Take(uint uid, Standing standing)
    {
        lock (taken)
        {
            var mine = taken.GetValueOrDefault(uid);
            if (mine >= (standing == Standing.Administrator ? OfAdministrator : OfUid))
                return null;
            if (standing != Standing.Administrator && all >= OfAll)
                return null;
            if (standing == Standing.Stranger && strangers >= OfStrangers)
                return null;
            Count(uid, standing, 1);
        }
        return new Place(this, uid, standing);
    }

    private void Count(uint uid, Standing standing, int change)
    {
        var mine = taken.GetValueOrDefault(uid) + change;
        if (mine == 0)
            taken.Remove(uid);
        else
            taken[uid] = mine;
        all += standing == Standing.Administrator ? 0 : change;
        strangers += standing == Standing.Stranger ? change : 0;
    }

    private sealed class Place(Connections connections, uint uid, Standing standing) : IDisposable
    {
        public void Dispose()
        {
            lock (connections.taken)
                connections.Count(uid, standing, -1);
        }
    }
}
