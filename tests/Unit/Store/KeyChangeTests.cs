using System.Data.Common;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Users;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>One user CA key in another's place: when a start takes it, and what becomes of what the other signed.</summary>
public sealed class KeyChangeTests : IAsyncLifetime
{
    private static readonly SignatureKey Old = SignatureKey.Parse(Vector.Blob("ca.pub"));
    private static readonly SignatureKey New = SignatureKey.Parse(Vector.Blob("other_ca.pub"));
    private static readonly SignatureKey Next = SignatureKey.Parse(Vector.Blob("ecdsa_ca.pub"));
    private static readonly User Alice = World.User("alice");

    private readonly World world = new();

    [Theory]
    // Nothing of the old key is alive.
    [InlineData(0, false, null)]
    [InlineData(1, false, "a certificate that is still valid was signed by SHA256:")]
    [InlineData(2, false, "2 certificates that are still valid were signed by SHA256:")]
    // After a restore nobody knows what the old key signed last.
    [InlineData(0, true, "certificates that are still valid may have been signed by SHA256:")]
    public async Task New_key_is_accepted_only_without_live_old_certificates(int alive, bool isRestored, string? refusal)
    {
        await Signed(Old, alive);
        await Signed(Old, 1, end: World.Now);

        var fault = await Record.ExceptionAsync(() => Start(New, isRestored: isRestored));

        Assert.Equal(refusal is null, fault is null);
        if (refusal is not null)
            Assert.Contains($"{refusal}{Fingerprint.Compute(Old)["SHA256:".Length..]}; restore that key, or revoke it with all that it signed: certauthority --new-ca", Assert.IsType<CaKeyException>(fault).Message);
        // The old one is taken as ever.
        await Start(Old);
    }

    [Fact]
    public async Task Certificate_of_an_unknown_key_blocks_a_new_key()
    {
        await Signed(Old, 0);
        await world.Database.Commit(transaction => { transaction.InsertCertificate(World.Certificate(1, Alice), []); return true; });
        await Assert.ThrowsAsync<CaKeyException>(() => Start(New));
        await Start(Old);
    }

    [Fact]
    public async Task Trusted_key_hands_over_while_its_certificates_live()
    {
        await Signed(Old, 2);
        await Start(Keys(New, Old), isRestored: true);
        Assert.Equal((0, 0), await world.Database.Commit(transaction => KeyChange.Run(transaction, Keys(New, Old), World.Now) is var (replaced, revoked) ? (replaced.Count, revoked) : default));
        Assert.Equal(2, Read(snapshot => snapshot.LiveCertificates(World.Now)).Count);
    }

    [Fact]
    public async Task Revoked_key_is_never_trusted_again()
    {
        await Signed(Old, 1);
        await world.Database.Commit(transaction => KeyChange.Run(transaction, Keys(New), World.Now));
        Assert.Equal(
            $"user_ca_trusted.pub has {Fingerprint.Compute(Old)}, which is on the revocation list since 2026-03-01T12:00:00Z; remove its line",
            (await Assert.ThrowsAsync<CaKeyException>(() => Start(Keys(New, Old)))).Message);
    }

    [Fact]
    public async Task Key_of_one_purpose_never_gets_another()
    {
        await Start(Old);
        Assert.Equal(
            $"host_ca is {Fingerprint.Compute(Old)}, which is on record as a key for other certificates, so that what it signs would open more than it says; restore the right one",
            (await Assert.ThrowsAsync<CaKeyException>(() => world.Database.Commit(transaction => transaction.CaKey(CaPurpose.Host, Old, World.Now)))).Message);
    }

    [Fact]
    public async Task Replaced_key_and_what_it_signed_are_revoked_for_good()
    {
        await Signed(Old, 2);

        var (replaced, revoked) = await world.Database.Commit(transaction => KeyChange.Run(transaction, Keys(New), World.Now));
        await Start(New);

        Assert.Equal((Old, 2), (Assert.Single(replaced).Key, revoked));
        Assert.Empty(Read(snapshot => snapshot.LiveCertificates(World.Now)));
        Assert.Equal([(Old, true), (New, false)], Read(snapshot => snapshot.CaKeys(CaPurpose.User)).Select(known => (known.Key, known.Revoked is not null)));
        Assert.Equal(["ca.revoked", "certificate.revoked", "certificate.revoked"], Read(snapshot => snapshot.AuditEntries(new ListAudit())).Select(entry => entry.Event).Order(StringComparer.Ordinal));
        Assert.Contains("is on the revocation list since 2026-03-01T12:00:00Z", (await Assert.ThrowsAsync<CaKeyException>(() => Start(Old))).Message);
        // Once more changes nothing.
        Assert.Equal((0, 0), await world.Database.Commit(transaction => KeyChange.Run(transaction, Keys(New), World.Now) is var (again, more) ? (again.Count, more) : default));
    }

    [Fact]
    public async Task First_key_is_not_a_change()
    {
        Assert.Empty((await world.Database.Commit(transaction => KeyChange.Run(transaction, Keys(New), World.Now))).Replaced);
        await Start(New);
        await Start(New, isRestored: true);
    }

    [Fact]
    public async Task Key_revoked_only_on_the_list_in_place_is_rejected()
    {
        await Signed(Old, 1);
        var list = Krl.Parse(Krl.Write([], 1, 0, "", Old));
        await Assert.ThrowsAsync<CaKeyException>(() => Start(Old, list));
        await world.Database.Commit(transaction => KeyChange.Run(transaction, Keys(New), World.Now));
        await Start(New, list);
    }

    [SqliteFact]
    public async Task Migration_finds_the_signer_in_the_recorded_bytes()
    {
        await world.Database.DisposeAsync();
        File.Delete(world.Path);
        using (var before = world.Outside("ReadWriteCreate"))
        {
            foreach (var migration in World.Migrations().Take(13))
                Run(before, migration);
            Insert(before, 1, ToBeSigned(Old), issued: 50);
            Insert(before, 2, ToBeSigned(New), issued: 40);
            Insert(before, 3, ToBeSigned(Old), issued: 60);
            Insert(before, 4, [1, 2, 3], issued: 70);
            Run(before, $"INSERT INTO lost_serials VALUES (5, 9, {World.Now.ToUnixTimeSeconds()}); PRAGMA application_id = {0x43654175}; PRAGMA user_version = 13");
        }

        await world.Reopen();

        // In the order in which they were first used.
        Assert.Equal([(1, New), (2, Old)], Read(snapshot => snapshot.CaKeys(CaPurpose.User)).Select(known => (known.Id, known.Key)));
        Assert.Equal([2, 1, 2, 0], new ulong[] { 1, 2, 3, 4 }.Select(serial => Read(snapshot => snapshot.FindCertificate(serial))!.CaKeyId));
        Assert.Equal([(0, 5, 9)], Read(snapshot => snapshot.LostSerials(World.Now)));
    }

    [SqliteFact]
    public async Task Migration_finds_who_signed_for_hosts_and_for_the_daemon()
    {
        await world.Database.DisposeAsync();
        File.Delete(world.Path);
        using (var before = world.Outside("ReadWriteCreate"))
        {
            foreach (var migration in World.Migrations().Take(18))
                Run(before, migration);
            Run(before, $"INSERT INTO user_ca_keys (key, since) VALUES (x'{Convert.ToHexString(Old.ToBlob())}', 1)");
            foreach (var (serial, bytes) in ((int, byte[])[])[(1, ToBeSigned(New)), (2, [1, 2, 3])])
                Run(before, $"INSERT INTO host_certificates VALUES ({serial}, '{Guid.Empty}', 'db1', 0, 'root', '[]', 3, 0, 99, x'{Convert.ToHexString(bytes)}', NULL)");
            Run(before, $"INSERT INTO sync_certificates VALUES (3, 4, 0, 99, x'{Convert.ToHexString(ToBeSigned(Next))}')");
            Run(before, $"PRAGMA application_id = {0x43654175}; PRAGMA user_version = 18");
        }

        await world.Reopen();

        Assert.Equal([(1, Old)], Read(snapshot => snapshot.CaKeys(CaPurpose.User)).Select(known => (known.Id, known.Key)));
        Assert.Equal([(2, New)], Read(snapshot => snapshot.CaKeys(CaPurpose.Host)).Select(known => (known.Id, known.Key)));
        Assert.Equal([(3, Next)], Read(snapshot => snapshot.CaKeys(CaPurpose.Sync)).Select(known => (known.Id, known.Key)));
        using var after = world.Outside("ReadOnly");
        using var command = after.CreateCommand();
        command.CommandText = "SELECT group_concat(ca, ' ') FROM (SELECT serial, ca FROM host_certificates UNION SELECT serial, ca FROM sync_certificates ORDER BY serial)";
        Assert.Equal("2 0 3", command.ExecuteScalar());
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private static byte[] ToBeSigned(PublicKey ca) => new UserCertificate
    {
        Nonce = new byte[32],
        Key = PublicKey.ParseLine(Vector.Text("ed25519.pub")),
        Serial = 1,
        KeyId = "alice",
        Principals = ["postgres"],
        Validity = new OpenSsh.Validity(1, 2),
        Extensions = UserExtensions.PermitPty,
        SignatureKey = SignatureKey.Parse(ca.ToBlob()),
    }.ToBeSigned();

    private static void Insert(DbConnection connection, int serial, byte[] toBeSigned, int issued) => Run(
        connection,
        $"INSERT INTO certificates (serial, user_id, user_name, caller_uid, key_id, roles, requests, principals, issued, valid_after, valid_before, limited_by, permissions, to_be_signed) "
        + $"VALUES ({serial}, '{Alice.Id}', 'alice', 5001, 'alice', '[]', '[]', '[]', {issued}, 0, 99, 'role', '{Rows.Json(SessionPermissions.Plain)}', x'{Convert.ToHexString(toBeSigned)}')");

    private static void Run(DbConnection connection, string sql)
    {
        ((Microsoft.Data.Sqlite.SqliteConnection)connection).CreateFunction("signature_key", (byte[] _) => (byte[]?)null);
        ((Microsoft.Data.Sqlite.SqliteConnection)connection).CreateFunction("resource_row", (string _, string _, string row, string? _) => row);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private T Read<T>(Func<Snapshot, T> read) => world.Database.Read(read);

    private Task<bool> Start(SignatureKey key, Krl? published = null, bool isRestored = false) => Start(Keys(key), published, isRestored);

    private Task<bool> Start(CaKeys keys, Krl? published = null, bool isRestored = false) => world.Database.Commit(transaction =>
    {
        KeyChange.Expect(transaction, keys, published, isRestored, World.Now);
        transaction.CaKey(CaPurpose.User, keys.Signing.PublicKey, World.Now);
        return true;
    });

    private static CaKeys Keys(SignatureKey signing, params SignatureKey[] others) => new(new IdleCaKey(signing) { Signs = CaPurpose.User }, [.. others]);

    private Task<bool> Signed(PublicKey key, int count, DateTimeOffset? end = null) => world.Database.Commit(transaction =>
    {
        transaction.BeginSerialEpoch(World.Now);
        var id = transaction.CaKey(CaPurpose.User, key, World.Now).Id;
        for (var i = 0; i < count; i++)
            transaction.InsertCertificate(World.Certificate(transaction.NextSerial(), Alice, end) with { CaKeyId = id }, []);
        return true;
    });

    /// <summary>A key whose private half nobody needs here.</summary>
    private sealed class IdleCaKey(SignatureKey key) : CaKey
    {
        internal override SignatureKey PublicKey => key;

        public override void Dispose()
        {
        }

        internal override (string Form, string Path) Custody => ("file", "");

        internal override Task Check() => Task.CompletedTask;

        private protected override ValueTask<(string Algorithm, byte[] Blob)?> SignBytes(byte[] toBeSigned) => throw new NotSupportedException();
    }
}
