using System.Text.Json;
using CertAuthority.Tctl;

namespace CertAuthority.Tests.Unit.Tctl;

public class ResourceTableTests
{
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
            ResourceTable.For("user", [user.RootElement]).Lines());
    }
}
