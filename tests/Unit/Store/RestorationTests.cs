using System.Collections.Immutable;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>The first transaction on an old database, at an hour of our choosing.</summary>
public sealed class RestorationTests : IAsyncLifetime
{
    private static readonly PublicKey Authority = PublicKey.ParseLine(Vector.Text("ca.pub"));
    private static readonly PublicKey OtherCa = PublicKey.ParseLine(Vector.Text("other_ca.pub"));
    private static readonly DateTimeOffset Later = World.Now.AddHours(5);
    private static readonly User Alice = World.User("alice");

    private readonly World world = new();

    [Fact]
    public async Task A_database_in_use_is_left_alone()
    {
        var version = await Used();
        Assert.Null(await Start(Later, Published(version)));
        Assert.Null(await Start(Later, published: null));
        Assert.Empty(Read(snapshot => snapshot.LostSerials(Later)));
        Assert.Empty(Read(snapshot => snapshot.RevokedSerials(Later)));
    }

    [Fact]
    public async Task A_backup_is_restored_once()
    {
        await Used();
        await Backup();
        var restored = await Start(Later, published: null);
        Assert.Equal(("a backup of 2026-03-01T12:00:00Z", 2, 2), (restored!.From, restored.Ended, restored.Revoked));
        Assert.Null(await Start(Later.AddMinutes(1), published: null));
        Assert.Equal(
            ["certificate.revoked", "certificate.revoked", "daemon.restored", "request.cancelled", "request.cancelled"],
            Read(snapshot => snapshot.AuditEntries(new ListAudit(5))).Select(entry => entry.Event).Order(StringComparer.Ordinal));
        Assert.All(Read(snapshot => snapshot.AuditEntries(new ListAudit(5))), entry => Assert.Equal((null, null, null), (entry.Uid, entry.Account, entry.Self)));
        Assert.All(Read(snapshot => snapshot.RequestPage(new RequestWish([], null, null, null, RequestOrder.Created, null, null), World.Now).Requests).Where(request => request.StoredState != RequestState.Denied), request =>
        {
            Assert.Equal(RequestState.Cancelled, request.StoredState);
            Assert.Equal(("certauthority", "the daemon was restored from a backup of 2026-03-01T12:00:00Z"), (request.Resolution!.By, request.Resolution.Reason));
        });
    }

    [Fact]
    public async Task Serials_lost_by_a_restore_are_revoked_while_they_could_live()
    {
        await Used();
        await Backup();
        await Start(Later, published: null);
        var next = await world.Database.Commit(transaction => transaction.NextSerial());
        var (ca, first, last) = Assert.Single(Read(snapshot => snapshot.LostSerials(Later)));
        Assert.Equal(0, ca);
        Assert.Equal(3UL + (ulong)World.Now.ToUnixTimeSeconds(), first);
        Assert.Equal(next - 1, last);
        Assert.Equal((ulong)Later.ToUnixTimeSeconds() * 1_000_000, last);
        Assert.Single(Read(snapshot => snapshot.LostSerials(Later.AddHours(30 + 24).AddSeconds(-1))));
        Assert.Empty(Read(snapshot => snapshot.LostSerials(Later.AddHours(30 + 24))));
    }

    [Theory]
    [InlineData("the clock went on", 5 * 3600)]
    [InlineData("the clock stood", 0)]
    [InlineData("the clock went back to 1970", -1772366400)]
    public async Task Restore_skips_used_serials_and_versions_at_any_clock(string clock, int seconds)
    {
        var version = await Used();
        await Backup();
        var serial = await world.Database.Commit(transaction => transaction.NextSerial());
        await Start(World.Now.AddSeconds(seconds), Published(version + 100));
        Assert.True(await world.Database.Commit(transaction => transaction.NextSerial()) > serial + 100_000, clock);
        Assert.True(await world.Database.Commit(transaction => transaction.NextKrlVersion(World.Now.AddSeconds(seconds))) > version + 100, clock);
    }

    [Fact]
    public async Task After_a_restore_epochs_count_in_microseconds_too()
    {
        await Used();
        await Backup();
        await Start(Later, published: null);
        await world.Database.Commit(transaction =>
        {
            transaction.BeginSerialEpoch(Later.AddSeconds(10));
            return true;
        });
        Assert.Equal((ulong)Later.AddSeconds(10).ToUnixTimeSeconds() * 1_000_000 + 1, await world.Database.Commit(transaction => transaction.NextSerial()));
    }

    [Fact]
    public async Task Newer_list_in_place_means_a_restore_and_keeps_its_entries()
    {
        var version = await Used();
        RevokedRange[] named = [new(Authority, 5, 9), new(Authority, 12, 12), new(OtherCa, 77, 77), new(Authority, ulong.MaxValue, ulong.MaxValue)];
        var restored = await Start(Later, Krl.Parse(Krl.Write(named, version + 1, 0, "")));
        Assert.Equal("a copy older than the revocation list beside it", restored!.From);
        var lost = Read(snapshot => snapshot.LostSerials(Later));
        var keys = Read(snapshot => snapshot.CaKeys(CaPurpose.User)).ToDictionary(known => known.Id, known => known.Key);
        // What another CA key of this installation signed stays revoked under that key.
        Assert.Equal([(Authority, 5, 9), (Authority, 12, 12), (OtherCa, 77, 77)], lost.Take(3).Select(range => (keys[range.CaKeyId], range.First, range.Last)));
        Assert.Equal(4, lost.Count);
        Assert.Null(await Start(Later, Published(version + 1)));
    }

    [Fact]
    public async Task New_database_beside_an_old_list_revokes_all_ever_signed()
    {
        Assert.NotNull(await Start(Later, Published(4)));
        Assert.Equal(1UL, Assert.Single(Read(snapshot => snapshot.LostSerials(Later))).First);
    }

    [Fact]
    public async Task Old_key_without_database_and_list_counts_as_a_restore()
    {
        Assert.Null(await Start(Later, published: null, isNewKey: true));
        Assert.Equal("its keys, without a database", (await Start(Later, published: null))!.From);
        Assert.Equal(1UL, Assert.Single(Read(snapshot => snapshot.LostSerials(Later))).First);
        await world.Database.Commit(transaction => transaction.CaKey(CaPurpose.User, Authority, Later));
        // A start that failed before it published a list is none.
        Assert.Null(await Start(Later, published: null));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private static Krl Published(ulong version) => Krl.Parse(Krl.Write([], version, 0, ""));

    private T Read<T>(Func<Snapshot, T> read) => world.Database.Read(read);

    private Task<Restored?> Start(DateTimeOffset time, Krl? published, bool isNewKey = false) =>
        world.Database.Commit(transaction => Restoration.From(transaction, isNewKey, published) is { } from ? Restoration.Run(transaction, from, published, time) : null);

    private Task<bool> Backup() => world.Database.Commit(transaction =>
    {
        transaction.MarkAsBackup(World.Now);
        return true;
    });

    /// <summary>A request in each state, a certificate under the approved one, one under none, and a list published; its version.</summary>
    private Task<ulong> Used() => world.Database.Commit(transaction =>
    {
        transaction.BeginSerialEpoch(World.Now);
        var end = Later.AddHours(1);
        var pending = World.Request(Alice) with { PendingUntil = end, AccessUntil = end };
        transaction.InsertRequest(pending);
        var approved = World.Request(Alice) with { PendingUntil = end, AccessUntil = end, StoredState = RequestState.Approved };
        transaction.InsertRequest(approved);
        transaction.InsertRequest(World.Request(Alice) with { StoredState = RequestState.Denied });
        foreach (var requests in ImmutableArray.Create<string[]>([approved.Id.ToString()], [], []))
            transaction.InsertCertificate(World.Certificate(transaction.NextSerial(), Alice, end, requests), []);
        // One was revoked before.
        transaction.MarkRevoked(transaction.LiveCertificates(World.Now)[^1], World.Now);
        transaction.Execute("UPDATE certificates SET valid_before = 0 WHERE revoked IS NOT NULL");
        return transaction.NextKrlVersion(World.Now);
    });
}
