using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Resources;

public class LockResourceTests
{
    private const string Head = "kind: lock\nversion: v2\nmetadata: {name: l1}\n";

    [Fact]
    public void A_lock_is_read()
    {
        var one = Text.Lock($"{Head}spec: {{target: {{user: alice}}, message: laptop lost, expires: '2027-01-31T18:00:00+01:00'}}\n");
        Assert.Equal(("l1", "user alice", "laptop lost", new DateTimeOffset(2027, 1, 31, 17, 0, 0, TimeSpan.Zero)), (one.Name, one.Target.ToString(), one.Message, one.Expires));
    }

    [Theory]
    [InlineData("{user: alice}")]
    [InlineData("{role: dba}")]
    [InlineData("{login: Admin}")]
    [InlineData("{node: db1.example}")]
    [InlineData("{request: bc8ca931-fec9-4b15-9a6f-20c13c5641a9}")]
    [InlineData("{user: '5001'}")]
    public void Written_lock_reads_back_as_the_same(string target)
    {
        var one = Text.Lock($"{Head}spec: {{target: {target}, message: \"a: 'b'\", expires: 2027-01-31T18:00:00Z}}\n");
        var json = LockResource.Write(one).ToJsonString();
        Assert.Equal(one, Text.Stored(LockRow.Table, one));
        Assert.Equal(one, Text.Lock(json));
    }

    [Theory]
    [InlineData("spec: {}", "f:4:7: spec.target has one of user, role, login, node and request")]
    [InlineData("spec: {target: {}}", "f:4:16: spec.target has one of user, role, login, node and request")]
    [InlineData("spec: {target: {user: alice, role: dba}}", "f:4:16: spec.target has one of user, role, login, node and request")]
    [InlineData("spec: {target: {user: a b}}", "f:4:23: \"a b\" is not the name of a user; names have the form ^[a-z0-9][a-z0-9._-]{0,62}$")]
    [InlineData("spec: {target: {login: root@db1@a}}", "f:4:24: \"root@db1@a\" is not a login; logins have the form ^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9.-]{0,63})?$")]
    [InlineData("spec: {target: {request: bc8ca931}}", "f:4:26: \"bc8ca931\" is not the whole id of a request, in lower case")]
    [InlineData("spec: {target: {user: alice}, expires: tomorrow}", "f:4:40: spec.expires takes a time such as 2027-01-31T18:00:00Z")]
    [InlineData("spec: {target: {user: alice}, message: \"a\\eb\"}", "f:4:40: spec.message has control or invisible characters")]
    [InlineData("spec: {target: {user: alice}, reason: x}", "f:4:31: spec has no field \"reason\"")]
    public void Invalid_value_is_rejected(string text, string told) => Assert.Equal([told], Text.LockFaults($"{Head}{text}\n"));

    [Fact]
    public void An_unknown_target_is_refused_as_an_unknown_field() =>
        Assert.Contains("f:4:17: spec.target has no field \"printer\"", Text.LockFaults($"{Head}spec: {{target: {{printer: x}}}}\n"));

    [Theory]
    [InlineData("access_request", "is the id of a request in Teleport, which nothing here has; lock a request of this daemon by request: ID, or the user by user: NAME")]
    [InlineData("server_id", "is the id of a server in Teleport, which nothing here has; lock the node by node: NAME")]
    [InlineData("mfa_device", "is a device that Teleport knows; lock whoever owns it by user: NAME")]
    [InlineData("join_token", "is a token of Teleport's, and nothing joins here; leave this lock out")]
    public void Teleport_only_target_is_rejected_even_when_dropping(string field, string why)
    {
        var text = $"{Head}spec: {{target: {{{field}: 6f7ac2c1-2d1b-4a08-9d3e-77f0bb9f5d10}}}}\n";
        var told = $"spec.target.{field} {why}";
        Assert.EndsWith($": {told}", Assert.Single(Text.LockFaults(text)), StringComparison.Ordinal);
        Assert.EndsWith($": {told}", Assert.Single(Text.Dropping(text, LockResource.Read).Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void Exported_lock_is_loaded_and_dropped_fields_are_listed()
    {
        const string Exported =
            """{"kind": "lock", "sub_kind": "", "version": "v2", "metadata": {"name": "c6b8ac1e-1f5f-4f0c-8d5e-0a6e0a3a9d11", "description": "", "labels": {"team": "security"}, "revision": "5f3a", "id": 12}, "spec": {"target": {"user": "alice"}, "message": "laptop lost", "expires": "2027-01-31T17:00:00Z", "created_at": "2026-11-28T10:00:00.123456Z", "created_by": "root"}}""";
        var (faults, dropped) = Text.Dropping(Exported, LockResource.Read);
        Assert.Empty(faults);
        foreach (var field in new[] { "metadata.labels", "spec.created_at", "spec.created_by" })
            Assert.Contains(dropped, line => line.EndsWith($": {field} was dropped: it means nothing here", StringComparison.Ordinal));
        Assert.DoesNotContain(dropped, line => line.Contains("sub_kind", StringComparison.Ordinal) || line.Contains("description", StringComparison.Ordinal));
        // Without the option nothing is left out in silence.
        Assert.Equal(3, Text.LockFaults(Exported).Length);
    }

    [Fact]
    public void Expiry_in_the_wrong_field_is_rejected() =>
        Assert.Equal(
            ["f:3:31: metadata.expires is not kept here, and is not dropped, for nothing would end then; the end of a lock stands in spec.expires"],
            Text.LockFaults("kind: lock\nversion: v2\nmetadata: {name: l1, expires: 2027-01-31T18:00:00Z}\nspec: {target: {user: alice}}\n"));
}
