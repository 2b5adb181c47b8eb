using CertAuthority.Protocol;
using CertAuthority.Tctl.Reports;

namespace CertAuthority.Tests.Unit.Tctl.Reports;

public class AccessTableTests
{
    private static readonly HostClass Databases = new("type=db", ["db1", "db2"]);
    private static readonly HostClass Webs = new("type=web", ["web1"]);

    [Fact]
    public void Same_way_on_several_classes_is_one_row()
    {
        var table = new AccessTable();
        table.Add(Webs, List(Standing("alice", "deploy", "shell"), Standing("bob", "deploy", "shell")));
        table.Add(Databases, List(Standing("alice", "deploy", "shell"), Standing("bob", "deploy", "shell")));
        Assert.Equal(["standing shell deploy 2 [alice bob] 3 [db1 db2 web1] [type=db type=web]"], Show(table));
    }

    [Fact]
    public void Other_users_or_conditions_are_another_row()
    {
        var table = new AccessTable();
        table.Add(Webs, List(Standing("alice", "deploy", "shell"), Standing("bob", "deploy", "shell", "runs only x")));
        table.Add(Databases, List(Standing("alice", "deploy", "shell"), Standing("carol", "deploy", "shell")));
        Assert.Equal(
            [
                "standing shell deploy 2 [alice carol] 2 [db1 db2] [type=db]",
                "standing shell deploy 1 [alice] 1 [web1] [type=web]",
                "standing shell deploy 1 [bob] 1 [web1] [type=web] runs only x",
            ],
            Show(table));
    }

    [Fact]
    public void Own_login_is_one_row_for_all_users()
    {
        var table = new AccessTable();
        table.Add(Webs, List(Standing("alice", "alice", "shell"), Standing("bob", "bob", "shell"), Standing("carol", "alice", "shell")));
        Assert.Equal(["standing shell alice 1 [carol] 1 [web1] [type=web]", "standing shell {user} 2 [alice bob] 1 [web1] [type=web]"], Show(table));
    }

    [Fact]
    public void Requestable_roles_follow_and_say_how()
    {
        var table = new AccessTable();
        table.Add(
            Databases,
            new EntrantList(
                [Standing("alice", "deploy", "shell"), Standing("alice", "postgres", "dba") with { Request = "r1" }],
                [new PossibleEntrant("bob", "dba", ["postgres"]), new PossibleEntrant("carol", "dba", ["postgres"], "node/db1")]));
        Assert.Equal(
            [
                "standing shell deploy 1 [alice] 2 [db1 db2] [type=db]", "by request dba postgres 1 [bob] 2 [db1 db2] [type=db]",
                "by request for hosts dba postgres 1 [carol] 2 [db1 db2] [type=db]",
            ],
            Show(table));
        // What an approved request opens is no standing access.
        Assert.Equal([("alice", "shell")], table.Standing.Keys);
    }

    [Fact]
    public void Login_on_every_host_is_a_row_without_a_number()
    {
        var table = new AccessTable();
        table.Add(null, List(Standing("alice", "root", "prod-root")));
        table.Add(Webs, List(Standing("alice", "root", "prod-root")));
        Assert.Equal(["standing prod-root root 1 [alice] every [] []", "standing prod-root root 1 [alice] 1 [web1] [type=web]"], Show(table));
    }

    [Fact]
    public void Long_rows_list_some_and_count_all()
    {
        var table = new AccessTable();
        table.Add(
            new HostClass("", [.. Enumerable.Range(0, 300).Select(i => $"h{i:d3}")]),
            List([.. Enumerable.Range(0, 200).Select(i => Standing($"u{i:d3}", "deploy", "shell"))]));
        Assert.Equal(["standing shell deploy 200 [u000 u001] 300 [h000 h001] []"], Show(table, 2));
        var row = Assert.Single(table.Rows(null));
        Assert.Equal((200, 300), (row.UserNames.Length, row.HostNames.Length));
    }

    private static EntrantList List(params Entrant[] entrants) => new(entrants, []);

    private static Entrant Standing(string user, string login, string role, string? conditions = null) => new(user, [new EntrantLogin(login, [role], conditions)]);

    private static string[] Show(AccessTable table, int? listed = 50) =>
    [
        .. table.Rows(listed).Select(
            row => $"{row.How} {string.Join(',', row.Roles)} {string.Join(',', row.Logins)} {row.Users} [{string.Join(' ', row.UserNames)}] {row.Hosts?.ToString() ?? "every"} [{string.Join(' ', row.HostNames)}] [{string.Join(' ', row.Labels)}] {row.Conditions}".TrimEnd()),
    ];
}
