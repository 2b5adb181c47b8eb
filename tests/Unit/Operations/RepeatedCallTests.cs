using System.Text;
using System.Text.Json;
using CertAuthority.Access.Users;
using CertAuthority.OpenSsh;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Jobs;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>A request that is filed again, and a login that is sent again, because the answer was lost.</summary>
public sealed class RepeatedCallTests : IAsyncLifetime
{
    private const string Key = "0f8fad5b-d9cb-469f-a165-70867728950e";

    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));
    private static readonly Caller Alice = new(new UnixIdentity(5001, "alice"), IsRoot: false);
    private static readonly Caller Bob = new(new UnixIdentity(5002, "bob"), IsRoot: false);
    private static readonly CreateRequest Ask = new(["dba"], Reason: "tonight", Force: true, IdempotencyKey: Key);

    private static readonly Login LogIn = new(new Ed25519PublicKey(Numbers.Point()).ToLine("a key"), IdempotencyKey: Key);

    private HostWorld world = null!;

    private Authority Ca => world.Authority;

    [Fact]
    public async Task Same_call_is_one_request()
    {
        var id = await File(Alice, Ask);
        Assert.Equal(id, await File(Alice, Ask));
        Assert.Equal(id, await File(Alice, Ask with { Roles = ["dba"] }));
        Assert.Equal(1, Filed());

        // The answer is the request as it is by then.
        await Resolutions.Deny(Ca, Root, new DenyRequest(id));
        Assert.Equal("DENIED", (await Requests.Create(Ca, Alice, Ask)).Spec.State);
        Assert.Equal(1, Filed());
    }

    [Fact]
    public async Task Calls_without_a_key_are_several()
    {
        Assert.NotEqual(await File(Alice, Ask with { IdempotencyKey = null }), await File(Alice, Ask with { IdempotencyKey = null }));
        Assert.NotEqual(await File(Alice, Ask), await File(Alice, Ask with { IdempotencyKey = $"{Key}2" }));
    }

    /// <summary>Nobody gets at the request of somebody else with a key that they know.</summary>
    [Fact]
    public async Task Key_is_of_one_caller()
    {
        var id = await File(Alice, Ask);
        Assert.NotEqual(id, await File(Bob, Ask));
    }

    [Fact]
    public async Task Key_for_another_request_is_refused()
    {
        await File(Alice, Ask);
        foreach (var other in (CreateRequest[])[Ask with { Reason = "tomorrow" }, Ask with { Roles = ["web"] }, Ask with { Force = false }])
            Assert.Equal(ProblemCode.Conflict, (await Assert.ThrowsAsync<ProblemException>(() => File(Alice, other))).Problem.Code);
        Assert.Equal(1, Filed());
    }

    [Fact]
    public async Task Removed_request_is_not_filed_again()
    {
        var id = await File(Alice, Ask);
        await Resolutions.Remove(Ca, Root, new RemoveRequest(id, Force: true));
        Assert.Contains("removed since", (await Assert.ThrowsAsync<ProblemException>(() => File(Alice, Ask))).Message);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("0f8fad5b-d9cb-469f-a165-70867728950e-0f8fad5b-d9cb-469f-a165-70867728950e")]
    [InlineData("0f8fad5b d9cb 469f")]
    [InlineData("0f8fad5b-d9cb-469f-é")]
    public async Task Key_of_another_form_is_refused(string key) => Assert.Contains(
        "takes 16 to 64 letters, digits and dashes",
        (await Assert.ThrowsAsync<ProblemException>(() => File(Alice, Ask with { IdempotencyKey = key }))).Message);

    [Fact]
    public async Task Calls_are_forgotten_after_an_hour()
    {
        var id = await File(Alice, Ask);
        world.Clock.Now += TimeSpan.FromMinutes(61);
        Ca.Clock.Accept();
        await File(Alice, Ask with { IdempotencyKey = $"{Key}2" });
        Assert.Empty(Ca.Database.Read(snapshot => snapshot.Ask(CallTable.CallWith(5001, Key))));
        Assert.Single(Ca.Database.Read(snapshot => snapshot.Ask(CallTable.CallWith(5001, $"{Key}2"))));
    }

    [Fact]
    public async Task Two_at_once_are_one_request()
    {
        var filed = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => File(Alice, Ask))));
        Assert.Single(filed.Distinct());
    }

    [Fact]
    public async Task Same_login_is_the_same_certificate()
    {
        var first = await Logins.Issue(Ca, Alice, LogIn);
        world.Clock.Now += TimeSpan.FromMinutes(2);
        Ca.Clock.Accept();
        var again = await Logins.Issue(Ca, Alice, LogIn);
        Assert.Equal(JsonSerializer.Serialize(first), JsonSerializer.Serialize(again));
        Assert.Equal(1, Issued());
        Assert.Single(Ca.Database.Read(snapshot => snapshot.LiveCertificates(Ca.Now())));
        Assert.NotEqual(first.Certificate, (await Logins.Issue(Ca, Alice, LogIn with { IdempotencyKey = $"{Key}2" })).Certificate);
        Assert.NotEqual(first.Certificate, (await Logins.Issue(Ca, Alice, LogIn with { IdempotencyKey = null })).Certificate);
        Assert.Equal(3, Issued());
    }

    /// <summary>It does not begin a second session, and the node has a certificate in its session already.</summary>
    [Fact]
    public async Task Same_login_for_a_node_is_the_same_certificate()
    {
        var session = (await Logins.Issue(Ca, Alice, LogIn with { IdempotencyKey = null })).Session;
        foreach (var ask in (Login[])[LogIn with { Node = "web1" }, LogIn with { Node = "web2", Session = session, IdempotencyKey = $"{Key}2" }])
        {
            var first = await Logins.Issue(Ca, Alice, ask);
            Assert.Equal(JsonSerializer.Serialize(first), JsonSerializer.Serialize(await Logins.Issue(Ca, Alice, ask)));
        }
        Assert.Equal(3, Issued());
    }

    [Fact]
    public async Task Login_at_the_limit_is_repeated()
    {
        var one = Ca with { Limits = Ca.Limits with { LiveCertificatesPerUser = 1 } };
        var first = await Logins.Issue(one, Alice, LogIn);
        Assert.Equal(first.Certificate, (await Logins.Issue(one, Alice, LogIn)).Certificate);
        await Assert.ThrowsAsync<ProblemException>(() => Logins.Issue(one, Alice, LogIn with { IdempotencyKey = $"{Key}2" }));
    }

    /// <summary>What was taken away does not come back, and what is not granted any more neither.</summary>
    [Theory]
    [InlineData("revoked")]
    [InlineData("locked")]
    [InlineData("role changed")]
    [InlineData("expired")]
    [InlineData("record changed")]
    public async Task Login_that_was_taken_back_is_not_repeated(string how)
    {
        var serial = (await Logins.Issue(Ca, Alice, LogIn)).Info!.Serial;
        switch (how)
        {
            case "revoked":
                await Revocations.RevokeNamed(Ca, Root, new RevokeCertificates([serial]));
                break;
            case "locked":
                await Locks.Create(Ca, Root, new CreateLock(User: "alice"));
                break;
            case "role changed":
                await Apply("{kind: role, version: v8, metadata: {name: asker}, spec: {allow: {logins: [other], node_labels: {'*': '*'}}}}");
                break;
            case "expired":
                world.Clock.Now += TimeSpan.FromHours(40);
                Ca.Clock.Accept();
                break;
            default:
                // Whoever can write to the database gets nothing signed.
                await Ca.Database.Commit(transaction => transaction.Execute("UPDATE certificates SET to_be_signed = $1", (byte[])[0, 0, 0, 1, 65, 0, 0, 0, 32, .. new byte[32]]));
                break;
        }
        await Assert.ThrowsAsync<ProblemException>(() => Logins.Issue(Ca, Alice, LogIn));
        Assert.Equal(1, Issued());
    }

    [Fact]
    public async Task Key_for_another_login_is_refused()
    {
        await Logins.Issue(Ca, Alice, LogIn);
        await File(Alice, Ask with { IdempotencyKey = $"{Key}2" });
        foreach (var other in (Login[])[LogIn with { Ttl = "1h" }, LogIn with { Node = "web1" }, LogIn with { IdempotencyKey = $"{Key}2" }])
            Assert.Equal(ProblemCode.Conflict, (await Assert.ThrowsAsync<ProblemException>(() => Logins.Issue(Ca, Alice, other))).Problem.Code);
        Assert.Equal(ProblemCode.Conflict, (await Assert.ThrowsAsync<ProblemException>(() => File(Alice, Ask))).Problem.Code);
        var (alices, bobs) = ((await Logins.Issue(Ca, Alice, LogIn)).Certificate, (await Logins.Issue(Ca, Bob, LogIn)).Certificate);
        Assert.NotEqual(alices, bobs);
    }

    public async Task InitializeAsync()
    {
        world = await HostWorld.Start();
        await Apply(
            """
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres]}}}
            ---
            {kind: role, version: v8, metadata: {name: web}, spec: {allow: {logins: [web]}}}
            ---
            {kind: role, version: v8, metadata: {name: asker}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba, web]}}}}
            ---
            {kind: node, version: v2, metadata: {name: web1}, spec: {addr: web1}}
            ---
            {kind: node, version: v2, metadata: {name: web2}, spec: {addr: web2}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [asker], unix_users: ["5001"]}}
            ---
            {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [asker], unix_users: ["5002"]}}
            """);
        await world.Krl.StartAsync(CancellationToken.None);
        await world.Krl.Publish();
    }

    public async Task DisposeAsync()
    {
        await world.Krl.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }

    private async Task<string> File(Caller by, CreateRequest ask) => (await Requests.Create(Ca, by, ask)).Metadata.Name;

    private async Task Apply(string yaml) => await ResourceFiles.Apply(Ca, Root, new ApplyResources(Encoding.UTF8.GetBytes(yaml), "one.yaml", Force: true));

    private int Issued() => Ca.Database.Read(snapshot => snapshot.AuditEntries(new ListAudit(100))).Count(entry => entry.Event == "certificate.issued");

    private int Filed() => Ca.Database.Read(snapshot => snapshot.AuditEntries(new ListAudit(100))).Count(entry => entry.Event == "request.created");
}
