using CertAuthority.Access.Locks;

namespace CertAuthority.Tests.Unit.Access;

public class LockTargetTests
{
    [Theory]
    [InlineData(LockKind.User, "alice", true)]
    [InlineData(LockKind.User, "Alice", false)]
    [InlineData(LockKind.User, "", false)]
    [InlineData(LockKind.Role, "db_admin", true)]
    [InlineData(LockKind.Role, "db*", false)]
    [InlineData(LockKind.Login, "Admin", true)]
    [InlineData(LockKind.Login, "root@db1@web1", false)]
    [InlineData(LockKind.Login, "*", false)]
    [InlineData(LockKind.Node, "db1.example", true)]
    [InlineData(LockKind.Node, "db_1", false)]
    [InlineData(LockKind.Request, "bc8ca931-fec9-4b15-9a6f-20c13c5641a9", true)]
    [InlineData(LockKind.Request, "BC8CA931-FEC9-4B15-9A6F-20C13C5641A9", false)]
    [InlineData(LockKind.Request, "bc8ca931", false)]
    public void Lock_target_must_be_a_possible_name(LockKind kind, string name, bool can) =>
        Assert.True(can == new LockTarget(kind, name).Fault is null, $"{kind} {name}");
}
