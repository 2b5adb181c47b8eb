using CertAuthority.Access.Users;
using CertAuthority.Protocol;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Resources;

public class UserResourceTests
{
    private const string Head = "kind: user\nversion: v2\n";

    [Fact]
    public void A_user_is_read()
    {
        var user = Text.User($"{Head}metadata: {{name: alice}}\nspec: {{roles: [contractor, access, contractor], unix_users: [alice, \"5001\", 5001], traits: {{logins: [alice], team: storage}}}}\n");
        Assert.Equal("alice contractor,access alice,5001 logins=alice;team=storage", Show(user));
        Assert.True(user.IsOwnedBy(new UnixIdentity(5001, "somebody")));
    }

    [Theory]
    [InlineData("spec: {roles: [a]}")]
    [InlineData("spec: {unix_users: ~}")]
    [InlineData("")]
    public void User_without_unix_users_has_the_account_of_its_name(string spec) =>
        Assert.Equal(UnixUser.Account("5001"), Assert.Single(Text.User($"{Head}metadata: {{name: '5001'}}\n{spec}\n").UnixUsers));

    [Theory]
    [InlineData("spec: {roles: [DBA]}", "f:4:16: \"DBA\" is not the name of a role")]
    [InlineData("spec: {roles: ['*']}", "f:4:16: \"*\" is not the name of a role")]
    [InlineData("spec: {roles: {a: b}}", "f:4:15: spec.roles takes a list of texts")]
    [InlineData("spec: {unix_users: ['65534']}", "f:4:21: \"65534\" is neither an account name nor a uid")]
    [InlineData("spec: {unix_users: [99999999999]}", "f:4:21: \"99999999999\" is neither an account name nor a uid")]
    [InlineData("spec: {unix_users: []}", "f:4:20: spec.unix_users is an empty list; leave it out for the account of the user's name")]
    [InlineData("spec: {unix_users: ['']}", "f:4:21: \"\" is neither an account name nor a uid")]
    [InlineData("spec: {traits: {logins: [\"a\\nb\"]}}", "f:4:26: the value of a trait has control or invisible characters")]
    [InlineData("spec: {traits: {\"a\\tb\": x}}", "f:4:17: spec.traits takes plain text without control or invisible characters")]
    [InlineData("spec: {traits: {logins: {a: b}}}", "f:4:25: spec.traits.logins takes a list of texts")]
    [InlineData("spec: {role: [a]}", "f:4:8: spec has no field \"role\"")]
    [InlineData("unix_users: [root]", "f:4:1: there is no field \"unix_users\" here")]
    public void Invalid_value_is_rejected(string spec, string told) =>
        Assert.Equal([told], Text.UserFaults($"{Head}metadata: {{name: alice}}\n{spec}\n"));

    [Theory]
    [InlineData("{name: alice, expires: '2027-01-01'}", "metadata.expires is not kept here, and is not dropped, for nothing would end then; give the user roles with metadata.expires")]
    [InlineData("{name: alice, labels: {a: b}}", "metadata.labels means nothing here; take it out, or have it dropped")]
    [InlineData("{name: alice, description: hm}", "metadata.description means nothing here; take it out, or have it dropped")]
    [InlineData("{name: Alice}", "\"Alice\" is not a name; names have the form ^[a-z0-9][a-z0-9._-]{0,62}$")]
    [InlineData("{name: ''}", "metadata.name is missing")]
    public void Invalid_metadata_is_rejected(string metadata, string told) =>
        Assert.EndsWith($": {told}", Assert.Single(Text.UserFaults($"{Head}metadata: {metadata}\n")), StringComparison.Ordinal);

    private const string Exported =
        """{"kind": "user", "version": "v2", "metadata": {"id": 1, "name": "alice", "namespace": "default", "revision": "8c9e", "description": "", "labels": {"a": "b"}}, "spec": {"roles": ["dba"], "traits": {"logins": ["alice"], "aws_role_arns": null}, "expires": "0001-01-01T00:00:00Z", "created_by": {"user": {"name": "root"}}, "status": {"is_locked": false, "lock_expires": "0001-01-01T00:00:00Z"}}, "status": {"password_state": 1}}""";

    [Fact]
    public void Exported_user_is_loaded_and_dropped_fields_are_listed()
    {
        var (faults, dropped) = Text.Dropping(Exported, UserResource.Read);
        Assert.Empty(faults);
        foreach (var field in new[] { "metadata.labels", "spec.created_by", "spec.status.lock_expires", "status" })
            Assert.Contains(dropped, line => line.EndsWith($": {field} was dropped: it means nothing here", StringComparison.Ordinal));
        Assert.Equal([new NextStep.Lock("alice")], Text.Next(Exported.Replace("\"is_locked\": false", "\"is_locked\": true", StringComparison.Ordinal), UserResource.Read) ?? []);
    }

    [Fact]
    public void Each_of_the_JSON_Lines_is_a_document()
    {
        var (documents, faults) = Text.Parse("{\"kind\": \"user\"}\n{\"kind\": \"role\"}\n\n[{\"kind\": \"node\"}]\n");
        Assert.Equal((3, 0), (documents.Count, faults.Length));
    }

    [Fact]
    public void A_user_has_version_v2() => Assert.Equal(["f:2:10: a user has version v2"], Text.UserFaults("kind: user\nversion: v3\nmetadata: {name: alice}\n"));

    [Theory]
    [InlineData("metadata: {name: alice}")]
    [InlineData("metadata: {name: alice}\nspec: {roles: [a, b], traits: {logins: [alice, root], empty: []}}")]
    [InlineData("metadata: {name: alice}\nspec: {unix_users: [bob]}")]
    [InlineData("metadata: {name: alice}\nspec: {unix_users: [alice, '5001']}")]
    [InlineData("metadata: {name: '5001'}")]
    [InlineData("metadata: {name: '5001'}\nspec: {unix_users: ['5001']}")]
    [InlineData("metadata: {name: '5001'}\nspec: {unix_users: ['5001', bob]}")]
    public void Written_user_reads_back_as_the_same(string text)
    {
        var user = Text.User($"{Head}{text}\n");
        var json = UserResource.Write(user).ToJsonString();
        foreach (var back in new[] { Text.Stored(UserRow.Table, user), Text.User(json) })
        {
            Assert.Equal(Show(user), Show(back));
            Assert.Equal(user.UnixUsers.AsEnumerable(), back.UnixUsers.AsEnumerable());
        }
    }

    private static string Show(User user) =>
        $"{user.Name} {string.Join(',', user.Roles)} {string.Join(',', user.UnixUsers)} {string.Join(';', user.Traits.Select(trait => $"{trait.Key}={string.Join(',', trait.Value)}"))}";
}
