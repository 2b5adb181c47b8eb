using CertAuthority.Access.Users;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Jobs;
using CertAuthority.Tests.Unit.Store;

namespace CertAuthority.Tests.Unit.Operations;

/// <summary>A request that is filed again because the answer was lost.</summary>
public sealed class RepeatedCallTests : IAsyncLifetime
{
    private const string Key = "0f8fad5b-d9cb-469f-a165-70867728950e";

    private static readonly Administrator Root = new(new Caller(new UnixIdentity(0, "root"), IsRoot: true));
    private static readonly Caller Alice = new(new UnixIdentity(5001, "alice"), IsRoot: false);
    private static readonly Caller Bob = new(new UnixIdentity(5002, "bob"), IsRoot: false);
    private static readonly CreateRequest Ask = new(["dba"], Reason: "tonight", Force: true, IdempotencyKey: Key);

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
        Assert.Null(Ca.Database.Read(snapshot => snapshot.FindCall(5001, Key)));
        Assert.NotNull(Ca.Database.Read(snapshot => snapshot.FindCall(5001, $"{Key}2")));
    }

    [Fact]
    public async Task Two_at_once_are_one_request()
    {
        var filed = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => File(Alice, Ask))));
        Assert.Single(filed.Distinct());
    }

    public async Task InitializeAsync()
    {
        world = await HostWorld.Start();
        await ResourceFiles.Apply(
            Ca, Root, new ApplyResources(
                """
                {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres]}}}
                ---
                {kind: role, version: v8, metadata: {name: web}, spec: {allow: {logins: [web]}}}
                ---
                {kind: role, version: v8, metadata: {name: asker}, spec: {allow: {request: {roles: [dba, web]}}}}
                ---
                {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [asker], unix_users: ["5001"]}}
                ---
                {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [asker], unix_users: ["5002"]}}
                """u8.ToArray(), "one.yaml"));
        await world.Krl.StartAsync(CancellationToken.None);
        await world.Krl.Publish();
    }

    public async Task DisposeAsync()
    {
        await world.Krl.StopAsync(CancellationToken.None);
        await world.DisposeAsync();
    }

    private async Task<string> File(Caller by, CreateRequest ask) => (await Requests.Create(Ca, by, ask)).Metadata.Name;

    private int Filed() => Ca.Database.Read(snapshot => snapshot.AuditEntries(new ListAudit(100))).Count(entry => entry.Event == "request.created");
}
