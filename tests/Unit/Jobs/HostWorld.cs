using System.Collections.Immutable;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Auditing;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Push;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;
using Microsoft.Extensions.Logging.Abstractions;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Jobs;

/// <summary>What works on hosts over months: the daemon's parts, without the daemon, on a real database and by a clock that is set.</summary>
internal sealed class HostWorld : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();

    private HostWorld()
    {
        var current = new CurrentKeys(new KeyRing(Keys(CaPurpose.User, 1), Keys(CaPurpose.Host, 2), Keys(CaPurpose.Sync, 3)));
        Krl = new KrlPublisher(Store.Database, Clock, Origin, new Manifests(AuditKey.LoadOrCreate(folder.File("audit_key")), "0123456789abcdef", current), folder.File("revoked.krl"), NullLogger.Instance);
        Authority = new Authority(Store.Database, new SteadyClock(Clock, "boot", before: null), current, Krl, new RequestWatch(), new RateLimit<uint>(Clock), new RefusalLimit(Clock), SiteLimits.Default, [])
        {
            Push = new HostPush(Store.Database, Clock, Krl, current, new Manifests(AuditKey.LoadOrCreate(folder.File("audit_key")), "0123456789abcdef", current), new Checkpoints(Store.Database, AuditKey.LoadOrCreate(folder.File("audit_key")), new CheckpointFile(folder.File("audit_checkpoint"), AuditKey.LoadOrCreate(folder.File("audit_key"))), Clock, NullLogger.Instance), folder.File("push"), World.DefaultSettings, NullLogger.Instance),
            Groups = new Groups(Clock),
            Uids = new UidBook(Clock, _ => null),
            Damage = new Damage(Store.Database, [], Clock),
            AuditRemoval = new AuditRemoval(Store.Database, Clock, NullLogger.Instance),
            Checkpoints = new Checkpoints(Store.Database, AuditKey.LoadOrCreate(folder.File("audit_key")), new CheckpointFile(folder.File("audit_checkpoint"), AuditKey.LoadOrCreate(folder.File("audit_key"))), Clock, NullLogger.Instance),
        };
    }

    /// <summary>Marks the revocation lists.</summary>
    public static ListOrigin Origin { get; } = new("0123456789abcdef", "01234567", []);

    public World Store { get; } = new();

    public AuditKey AuditKey => AuditKey.LoadOrCreate(folder.File("audit_key"));

    public Manifests Manifests => new(AuditKey, Origin.Installation, Authority.KeysInForce);

    public SetClock Clock { get; } = new();

    public Authority Authority { get; }

    public KrlPublisher Krl { get; }

    public static async Task<HostWorld> Start(params Node[] nodes)
    {
        var world = new HostWorld();
        await world.Store.Database.Commit(transaction =>
        {
            transaction.BeginSerialEpoch(World.Now);
            foreach (var keys in world.Authority.Keys.All)
                Assert.Equal(keys.SigningId, transaction.CaKey(keys.Purpose, keys.Signing.PublicKey, World.Now).Id);
            foreach (var node in nodes)
                NodeRow.Table.Put(transaction, node);
            return true;
        });
        return world;
    }

    public static Node Node(string name) => new(Guid.NewGuid(), name, 1, $"{name}.example.com", ImmutableSortedDictionary<string, string>.Empty);

    public string File(string name) => folder.File(name);

    public async ValueTask DisposeAsync()
    {
        Authority.Push.Dispose();
        Krl.Dispose();
        foreach (var keys in Authority.Keys.All)
            keys.Signing.Dispose();
        await Store.DisposeAsync();
        folder.Dispose();
    }

    // IDs count from 1 in a new database.
    private CaKeys Keys(CaPurpose purpose, long id) =>
        new(FileCaKey.LoadOrCreate(folder.File(purpose.FileName()), purpose), []) { Ids = [id] };

    internal sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = World.Now;

        /// <summary>Whether it fails whenever it is asked.</summary>
        public bool IsBroken { get; set; }

        /// <summary>Whether it fails whenever somebody wants to wait by it.</summary>
        public bool BreaksTimers { get; set; }

        // Nobody sets this clock: time goes by.
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override DateTimeOffset GetUtcNow() => IsBroken ? throw new InvalidOperationException("the clock is broken") : Now;

        /// <summary>Nobody waits in these tests: whatever is to be done later is done in a moment.</summary>
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            IsBroken || BreaksTimers ? throw new InvalidOperationException("the clock is broken") : base.CreateTimer(callback, state, Moment(dueTime), Moment(period));

        private static TimeSpan Moment(TimeSpan time) => time > TimeSpan.FromMilliseconds(10) ? TimeSpan.FromMilliseconds(10) : time;
    }
}
