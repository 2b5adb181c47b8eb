using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

public class EntranceTests
{
    private static readonly Role Shell = Sample.Role("shell", ["deploy"], LabelSelector.All);
    private static readonly Role Dba = Sample.Role("dba", ["postgres"], Sample.Where("type=db"));
    private static readonly Role Root = Sample.Role("root", ["root"], LabelSelector.All);
    private static readonly Role Careful = Sample.Role("careful", denyOn: Sample.Where("type=db"));
    private static readonly Role Contractor = Sample.Role("contractor", mayRequest: ["*"]);

    [Fact]
    public void Login_of_a_role_for_all_hosts_is_valid_everywhere() =>
        Assert.Equal(["deploy by shell"], Everywhere([Shell, Dba], LocksInForce.None, "shell", "dba"));

    [Fact]
    public void Role_that_denies_a_host_leaves_no_login_everywhere() => Assert.Empty(Everywhere([Shell, Careful], LocksInForce.None, "shell", "careful"));

    [Theory]
    [InlineData("node db1")]
    [InlineData("login deploy")]
    [InlineData("role shell")]
    [InlineData("user alice")]
    public void Lock_leaves_no_login_everywhere(string target) => Assert.Empty(Everywhere([Shell], Sample.Locked(target), "shell"));

    [Fact]
    public void Requestable_role_for_all_hosts_would_open_all_of_them()
    {
        Assert.Equal(["root root", "shell deploy"], Possible([Shell, Dba, Root, Contractor], LocksInForce.None, "contractor"));
        Assert.Equal(["root root"], Possible([Shell, Dba, Root, Contractor], LocksInForce.None, "contractor", "shell"));
        Assert.Empty(Possible([Shell, Root, Contractor, Careful], LocksInForce.None, "contractor", "careful"));
        Assert.Empty(Possible([Root, Contractor], Sample.Locked("node db1"), "contractor"));
        Assert.Empty(Possible([Root], LocksInForce.None, "contractor"));
    }

    private static string[] Everywhere(Role[] roles, LocksInForce locks, params string[] held) =>
    [
        .. Entrance.Everywhere(Question(roles, locks, Sample.User("alice", held)))
            .SelectMany(way => way.Logins.Select(login => $"{login.Login} by {string.Join(',', login.Roles)}")),
    ];

    private static string[] Possible(Role[] roles, LocksInForce locks, params string[] held) =>
    [
        .. Elevation.Everywhere(Sample.User("alice", held), Sample.Roles(roles), locks, Sample.Now)
            .Select(one => $"{one.Role} {string.Join(',', one.Principals)}"),
    ];

    private static IssuanceQuestion Question(Role[] roles, LocksInForce locks, User user) =>
        new(Sample.Now, user, [], Sample.Roles(roles), [], RequestedTtl: null, LiveSessions: 0, SiteLimits.Default) { Locks = locks };
}
