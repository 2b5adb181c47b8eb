using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Users;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Jobs;

/// <summary>Host certificates over months, on a real database.</summary>
public sealed class HostRenewalTests : IAsyncLifetime
{
    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));

    private HostWorld hosts = null!;

    private World world => hosts.Store;

    private HostWorld.SetClock clock => hosts.Clock;

    private Authority ca => hosts.Authority;

    public async Task InitializeAsync() => hosts = await HostWorld.Start(HostWorld.Node("db1"), HostWorld.Node("web1"));

    public async Task DisposeAsync() => await hosts.DisposeAsync();

    [Theory]
    [InlineData("60d", 39, 41)]
    [InlineData(null, 19, 21)]
    public async Task Renewal_in_the_last_third_keeps_the_key_and_the_lifetime(string? ttl, int early, int due)
    {
        var first = await Nodes.Certify(ca, Root, new CertifyHost("db1", Vector.Text("ed25519.pub"), ttl));
        var lasts = first.Info.ValidBefore - World.Now;

        clock.Now = World.Now.AddDays(early);
        await HostCertificates.RenewAll(ca);
        Assert.Equal(first.Info.Serial, (await Shown("db1"))!.Serial);

        clock.Now = World.Now.AddDays(due);
        await HostCertificates.RenewAll(ca);
        var second = (await Shown("db1"))!;
        Assert.NotEqual(first.Info.Serial, second.Serial);
        Assert.Equal(clock.Now + lasts, second.ValidBefore);
        var certificate = Certificate.Parse(world.Database.Read(snapshot => snapshot.HostCertificates()).Values.Single().Certificate);
        Assert.Equal(PublicKey.ParseLine(Vector.Text("ed25519.pub")), certificate.Key);
        Assert.Equal((CertificateType.Host, ca.Keys.Host.Signing.PublicKey), (certificate.Type, certificate.SignatureKey));
        Assert.Equal(["host_certificate.issued", "host_certificate.issued"], world.Committed());

        // One is enough.
        await HostCertificates.RenewAll(ca);
        Assert.Equal(second.Serial, (await Shown("db1"))!.Serial);
    }

    [Fact]
    public async Task Expired_certificate_is_renewed_but_none_is_issued_unasked()
    {
        await Nodes.Certify(ca, Root, new CertifyHost("db1", Vector.Text("ed25519.pub")));
        clock.Now = World.Now.AddDays(300);
        await HostCertificates.RenewAll(ca);
        Assert.Equal(clock.Now.AddDays(30), (await Shown("db1"))!.ValidBefore);
        Assert.Null(await Shown("web1"));

        await world.Database.Commit(transaction =>
        {
            var gone = transaction.Policy().Nodes["db1"];
            NodeRow.Table.Remove(transaction, gone);
            NodeRow.Table.Put(transaction, HostWorld.Node("db1"));
            return true;
        });
        clock.Now = World.Now.AddDays(600);
        await HostCertificates.RenewAll(ca);
        Assert.Null(await Shown("db1"));
        Assert.Equal(2, world.Committed().Length);
    }

    /// <summary>ssh connects to such a name, so a node may have it as its address.</summary>
    [Fact]
    public async Task Address_with_an_underscore_is_certified_and_renewed()
    {
        await Nodes.Certify(ca, Root, new CertifyHost("db1", Vector.Text("ed25519.pub")));
        await world.Database.Commit(transaction =>
        {
            NodeRow.Table.Put(transaction, transaction.Policy().Nodes["db1"] with { Address = "db_1.example.com:22", Revision = 2 });
            return true;
        });
        await HostCertificates.RenewAll(ca);
        Assert.Equal(["db1", "db_1.example.com"], (await Shown("db1"))!.Principals);
        Assert.Empty(ca.Stuck.All);
    }

    [Fact]
    public async Task Certificate_is_renewed_once_another_CA_key_signs()
    {
        await Nodes.Certify(ca, Root, new CertifyHost("db1", Vector.Text("ed25519.pub")));
        using var next = FileCaKey.LoadOrCreate(hosts.File("next_ca"), CaPurpose.Host);
        var id = (await world.Database.Commit(transaction => transaction.CaKey(CaPurpose.Host, next.PublicKey, World.Now))).Id;
        var both = new CaKeys(next, [ca.Keys.Host.Signing.PublicKey]) { Ids = [id, ca.Keys.Host.SigningId] };

        var old = ca.Keys.Host;
        ca.KeysInForce.Now = ca.Keys with { Host = old with { Others = [next.PublicKey] } };
        await HostCertificates.RenewAll(ca);
        Assert.Equal(old.Signing.PublicKey, await Signer());
        ca.KeysInForce.Now = ca.Keys with { Host = both };
        await HostCertificates.RenewAll(ca);
        Assert.Equal(next.PublicKey, await Signer());

        async Task<PublicKey> Signer() => (await world.Database.Read(snapshot => Task.FromResult(Certificate.Parse(snapshot.HostCertificates().Values.Single().Certificate)))).SignatureKey;
    }

    [Fact]
    public async Task No_CA_key_signs_for_another()
    {
        var grant = HostCertification.Decide(HostWorld.Node("db1"), LocksInForce.None, World.Now, null);
        Assert.True(grant.Holds(out var held, out _));
        var host = ToBeSigned.From(held, 7, new byte[CertificateContent.NonceLength], PublicKey.ParseLine(Vector.Text("ed25519.pub")), ca.Keys.User.Signing.PublicKey);
        await Assert.ThrowsAsync<ArgumentException>(async () => await ca.Keys.User.Signing.Sign(host));
        Assert.True(IssuancePolicy.ForProof("root", "db1", LocksInForce.None, World.Now).Holds(out var proof, out _));
        var user = ToBeSigned.From(proof, 8, new byte[CertificateContent.NonceLength], PublicKey.ParseLine(Vector.Text("ed25519.pub")), ca.Keys.Host.Signing.PublicKey);
        await Assert.ThrowsAsync<ArgumentException>(async () => await ca.Keys.Host.Signing.Sign(user));
        // The one for the daemon itself has the type of a user's, so the type alone would not do.
        var login = ToBeSigned.From(proof, 9, new byte[CertificateContent.NonceLength], PublicKey.ParseLine(Vector.Text("ed25519.pub")), hosts.Authority.Keys.Sync.Signing.PublicKey);
        await Assert.ThrowsAsync<ArgumentException>(async () => await hosts.Authority.Keys.Sync.Signing.Sign(login));
        var sync = ToBeSigned.From(SyncCertification.Decide(World.Now), 10, new byte[CertificateContent.NonceLength], PublicKey.ParseLine(Vector.Text("ed25519.pub")), ca.Keys.User.Signing.PublicKey);
        await Assert.ThrowsAsync<ArgumentException>(async () => await ca.Keys.User.Signing.Sign(sync));
    }

    private async Task<HostCertificateInfo?> Shown(string node) => (await Nodes.List(ca, Root, new ListNodes())).Nodes.Single(one => one.Name == node).Certificate;
}
