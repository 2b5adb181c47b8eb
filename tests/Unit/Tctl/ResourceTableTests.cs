using System.Text.Json;
using CertAuthority.Protocol;
using CertAuthority.Tctl;

namespace CertAuthority.Tests.Unit.Tctl;

public class ResourceTableTests
{
    private static readonly ResourceKindInfo Users = new(
        ResourceKinds.User,
        [new("User", "metadata.name"), new("Roles", "spec.roles"), new("Logins", "spec.traits.logins"), new("Unix Users", "spec.unix_users"), new("From Groups", "metadata.from_groups", WhereAny: true)]);

    [Fact]
    public void Missing_field_is_an_empty_cell()
    {
        var user = JsonDocument.Parse("""{"kind": "user", "metadata": {"name": "alice"}, "spec": {"roles": ["access", "dba"], "unix_users": ["5001"]}}""");
        Assert.Equal(
            [
                "User  Roles      Logins Unix Users",
                "----- ---------- ------ ----------",
                "alice access,dba        5001",
            ],
            ResourceTable.For(Users, [user.RootElement]).Lines());
    }

    [Fact]
    public void Column_of_few_resources_is_shown_if_one_has_it()
    {
        var user = JsonDocument.Parse("""{"kind": "user", "metadata": {"name": "alice", "from_groups": ["dba-team"]}, "spec": {}}""");
        Assert.EndsWith("From Groups", ResourceTable.For(Users, [user.RootElement]).Lines().First().TrimEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("roles", "role", null)]
    [InlineData("role/dba", "role", "dba")]
    [InlineData("nodes/a/b", "node", "a/b")]
    public void Kind_is_read_in_the_singular_and_in_the_plural(string text, string kind, string? name) =>
        Assert.Equal(new ResourceReference(kind, name), ResourceReference.Parse(text));
}
