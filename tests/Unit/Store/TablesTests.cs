using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

public sealed class TablesTests : IAsyncLifetime
{
    private static readonly User Alice = World.User("alice");

    private readonly World world = new();

    [Theory]
    [InlineData("the account", 5001, "alice", "alice deploy")]
    [InlineData("the uid", 7001, "carol", "deploy")]
    [InlineData("the uid without an account", 7001, null, "deploy")]
    [InlineData("an account that looks like a uid", 1, "7001", "")]
    [InlineData("an account that looks like an entry", 1, "uid:7001", "")]
    [InlineData("nobody's account", 1, "mallory", "")]
    public async Task Caller_owns_the_users_that_list_them(string what, uint uid, string? account, string users)
    {
        await Commit(transaction =>
        {
            UserRow.Table.Put(transaction, Alice);
            UserRow.Table.Put(transaction, World.User("deploy") with { UnixUsers = [UnixUser.Account("alice"), UnixUser.TryParse("7001")!.Value] });
            UserRow.Table.Put(transaction, World.User("7001") with { UnixUsers = [UnixUser.Account("root")] });
        });
        Assert.True(users == string.Join(' ', Read(snapshot => snapshot.UsersOf(new UnixIdentity(uid, account))).Select(user => user.Name)), what);
    }

    [Fact]
    public async Task Account_removed_from_a_user_no_longer_owns_it()
    {
        await Commit(transaction => UserRow.Table.Put(transaction, Alice));
        await Commit(transaction => UserRow.Table.Put(transaction, Alice with { UnixUsers = [UnixUser.Account("bob")] }));
        Assert.Empty(Read(snapshot => snapshot.UsersOf(new UnixIdentity(1, "alice"))));
        await Commit(transaction => UserRow.Table.Remove(transaction, Alice));
        Assert.Empty(Read(snapshot => snapshot.UsersOf(new UnixIdentity(1, "bob"))));
    }

    [Fact]
    public async Task Group_user_is_stored_with_its_groups_and_marked_as_such()
    {
        var bob = World.User("bob") with { FromGroups = ["dba-team", "web-team"] };
        await Commit(transaction => UserRow.Table.Put(transaction, Alice));
        await Commit(transaction => UserRow.Table.Put(transaction, bob));
        var stored = Assert.Single(Read(snapshot => snapshot.UsersFromGroups()));
        Assert.Equal((bob.Id, "dba-team web-team"), (stored.Id, string.Join(' ', stored.FromGroups)));
        Assert.False(Read(snapshot => snapshot.FindUser("alice"))!.IsFromGroups);
        Assert.True(Read(snapshot => snapshot.OwnsUser(new UnixIdentity(1, "bob"))));
    }

    [Fact]
    public async Task Committed_policy_is_read_next_and_an_undone_one_never()
    {
        var dba = new Role(
            Guid.NewGuid(), "dba", "v8", 1, "", System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty, null, RoleConditions.Empty, RoleConditions.Empty, RoleOptions.None);
        Assert.Empty(Read(snapshot => snapshot.Policy()).Roles);
        await Commit(transaction => RoleRow.Table.Put(transaction, dba));
        Assert.Equal(1, Read(snapshot => snapshot.Policy()).Roles["dba"].Revision);

        // The change reads its own policy before it is undone: what it read must not stay in memory as everybody's.
        await Assert.ThrowsAsync<InvalidOperationException>(() => Commit(transaction =>
        {
            RoleRow.Table.Put(transaction, dba with { Revision = 2 });
            throw new InvalidOperationException($"{transaction.Policy().Roles["dba"].Revision}");
        }));
        Assert.Equal(1, Read(snapshot => snapshot.Policy()).Roles["dba"].Revision);
        Assert.Equal(1, await world.Database.Commit(transaction => transaction.Policy().Roles["dba"].Revision));
        Assert.Equal(dba.Id, Read(snapshot => snapshot.Policy()).Roles["dba"].Id);
    }

    [Fact]
    public async Task Policy_changed_by_a_transaction_is_private_until_commit()
    {
        var db1 = new Node(Guid.NewGuid(), "db1", 1, "db1:22", System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty);
        string[] outside = ["?"];
        await Commit(transaction =>
        {
            NodeRow.Table.Put(transaction, db1);
            Assert.Equal(["db1"], transaction.Policy().Nodes.Keys);
            outside = [.. Read(snapshot => snapshot.Policy()).Nodes.Keys];
        });
        Assert.Empty(outside);
        Assert.Equal(["db1"], Read(snapshot => snapshot.Policy()).Nodes.Keys);
    }

    [Fact]
    public async Task A_certificate_reads_back_as_it_was_recorded()
    {
        var certificate = World.Certificate(7, Alice, null, "r1");
        await Commit(transaction => transaction.InsertCertificate(certificate, [1, 2, 3]));
        var back = Assert.Single(Read(snapshot => snapshot.Certificates(World.Now)));
        Assert.Equal(Show(certificate), Show(back));
        Assert.Null(Read(snapshot => snapshot.FindCertificate(7, World.User("alice"))));
        Assert.Equal(Show(certificate), Show(Read(snapshot => snapshot.FindCertificate(7, Alice))!));
    }

    [Fact]
    public async Task A_revoked_serial_stays_on_the_list_for_a_day_after_its_end()
    {
        var request = World.Request(Alice);
        var end = World.Now.AddHours(1);
        await Commit(transaction =>
        {
            transaction.InsertCertificate(World.Certificate(1, Alice, end, request.Id.ToString()), []);
            transaction.InsertCertificate(World.Certificate(2, Alice, end), []);
            transaction.InsertCertificate(World.Certificate(3, Alice, end.AddDays(1)), []);
        });
        Assert.Equal([1UL], Read(snapshot => snapshot.LiveCertificates(request, World.Now)).Select(certificate => certificate.Serial));
        Assert.Equal([1, 2, 3], Read(snapshot => snapshot.LiveCertificates(Alice.Id, World.Now)).Select(certificate => certificate.Serial));
        Assert.Equal([3UL], Read(snapshot => snapshot.LiveCertificates(Alice.Id, end)).Select(certificate => certificate.Serial));
        Assert.Empty(Read(snapshot => snapshot.RevokedSerials(World.Now)));

        await Commit(transaction => Read(snapshot => snapshot.LiveCertificates(Alice.Id, World.Now)).ForEach(certificate => transaction.MarkRevoked(certificate, World.Now)));
        Assert.Empty(Read(snapshot => snapshot.LiveCertificates(Alice.Id, World.Now)));
        Assert.Equal([(0, 1), (0, 2), (0, 3)], Read(snapshot => snapshot.RevokedSerials(World.Now)));
        Assert.Equal([(0, 1), (0, 2), (0, 3)], Read(snapshot => snapshot.RevokedSerials(end.AddDays(1).AddSeconds(-1))));
        Assert.Equal([(0, 3UL)], Read(snapshot => snapshot.RevokedSerials(end.AddDays(1))));
        Assert.Empty(Read(snapshot => snapshot.RevokedSerials(end.AddDays(2))));
    }

    [Fact]
    public async Task Used_serial_cannot_be_recorded_again()
    {
        await Commit(transaction => transaction.InsertCertificate(World.Certificate(1, Alice), []));
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => Commit(transaction => transaction.InsertCertificate(World.Certificate(1, Alice), [])));
    }

    [Fact]
    public async Task The_audit_is_read_newest_first_and_as_it_was_written()
    {
        var entry = new AuditEntry
        {
            Time = World.Now,
            Event = "request.approved",
            Uid = 0,
            Account = "root",
            Self = true,
            User = "alice",
            Request = "r",
            Asked = ["dba"],
            Reason = "a \"reason\" — ü",
        };
        await Commit(transaction =>
        {
            transaction.Audit(World.Entry("first"));
            transaction.Audit(entry);
        });
        var entries = Read(snapshot => snapshot.AuditEntries(new ListAudit()));
        Assert.Equal(["request.approved", "first"], entries.Select(one => one.Event));
        Assert.Equal(entry with { Asked = null }, entries[0] with { Asked = null });
        Assert.Equal(["dba"], entries[0].Asked!);
        Assert.Equal(["request.approved"], Read(snapshot => snapshot.AuditEntries(new ListAudit(1))).Select(one => one.Event));
        Assert.Empty(Read(snapshot => snapshot.AuditEntries(new ListAudit(0))));
    }

    [Fact]
    public async Task Audit_of_a_request_includes_every_certificate_under_it()
    {
        await Commit(transaction =>
        {
            transaction.Audit(World.Entry("request.created") with { User = "alice", Request = "r" });
            transaction.Audit(World.Entry("certificate.issued") with { User = "alice", Requests = ["q", "r"], Reason = "r" });
            transaction.Audit(World.Entry("certificate.issued") with { User = "alice", Requests = ["q"], Reason = "r" });
            transaction.Audit(World.Entry("certificate.issued") with { User = "bob", Requests = [] });
            transaction.Audit(World.Entry("certificate.revoked") with { User = "alice", Requests = ["q", "r"] });
            transaction.Audit(World.Entry("request.denied") with { User = "alice", Request = "r" });
        });
        Assert.Equal(["request.denied", "certificate.revoked", "certificate.issued", "request.created"], Found(new ListAudit(Request: "r")));
        Assert.Equal(["certificate.revoked", "certificate.issued", "certificate.issued"], Found(new ListAudit(Request: "q")));
        Assert.Equal(["request.denied"], Found(new ListAudit(Limit: 1, User: "alice", Request: "r")));
        Assert.Empty(Found(new ListAudit(User: "bob", Request: "r")));

        IEnumerable<string> Found(ListAudit ask) => Read(snapshot => snapshot.AuditEntries(ask)).Select(entry => entry.Event);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private static string Show(RecordedCertificate one) =>
        $"{one with { Roles = [], Requests = [], Principals = [] }} {string.Join(' ', one.Roles)} {string.Join(' ', one.Requests)} {string.Join(' ', one.Principals)}";

    private Task<bool> Commit(Action<Transaction> change) => world.Database.Commit(transaction =>
    {
        change(transaction);
        return true;
    });

    private T Read<T>(Func<Snapshot, T> read) => world.Database.Read(read);
}
