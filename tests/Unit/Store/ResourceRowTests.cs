using System.Data.Common;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>Resources as they are stored, and as schemas up to 17 stored them: the text of a file.</summary>
public sealed class ResourceRowTests : IAsyncLifetime
{
    private readonly World world = new();

    /// <summary>What the version before schema 18 wrote, and what becomes of it.</summary>
    private static readonly (string Kind, string Name, string Text, string Row)[] Before =
        [.. Vector.Text("resources-17.tsv").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).Select(parts => (parts[0], parts[1], parts[2], parts[3]))];

    [Fact]
    public void Text_of_a_file_becomes_the_row_that_reads_back()
    {
        foreach (var (kind, name, text, row) in Before)
        {
            Assert.Equal(row, ResourceText17.Row(kind, name, text, null));
            Assert.Equal(row, kind switch
            {
                "role" => Again(RoleRow.Table),
                "user" => Again(UserRow.Table),
                "node" => Again(NodeRow.Table),
                _ => Again(LockRow.Table),
            });

            string Again<T>(ResourceTable<T> table) where T : Resource => table.Write(table.Read(row, name));
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("odd { text")]
    [InlineData("[]")]
    [InlineData("""{"kind":"node","version":"v2","metadata":{"name":"db1","revision":"1"},"spec":{}}""")]
    [InlineData("""{"kind":"node","version":"v2","metadata":{"name":"db2","revision":"1"},"spec":{"addr":"db1"}}""")]
    [InlineData("""{"kind":"user","version":"v2","metadata":{"name":"db1","revision":"1"},"spec":{"addr":"db1"}}""")]
    [InlineData("""{"kind":"node","version":"v2","metadata":{"name":"db1","revision":"1"},"spec":{"addr":"db1","deny":"all"}}""")]
    [InlineData("""{"kind":"node","version":"v2","metadata":{"name":"db1","revision":"1"},"spec":{"addr":"db1","krl_max_age":"soon"}}""")]
    public void Text_that_is_none_of_ours_stays_as_it_is(string text) => Assert.Equal(text, ResourceText17.Row("node", "db1", text, null));

    [Theory]
    [InlineData("odd { text", "its row is not the JSON that certauthority writes, at $")]
    [InlineData("{}", "its row is not the JSON that certauthority writes, at $")]
    [InlineData("""{"version":"v8","extra":1}""", "its row is not the JSON that certauthority writes, at $.extra")]
    [InlineData("""{"version":"v8","allow":{"request_roles":["^(?=a)$"]}}""", "\"^(?=a)$\": ")]
    [InlineData("""{"version":"v8","allow":{"logins":["{{"]}}""", "\"{{\": a template has one pair of {{ and }}")]
    [InlineData("""{"version":"v8","allow":{"review_where":"x("}}""", "\"x(\", column ")]
    [InlineData("""{"version":"v8","options":{"conditions":{"source-address":"10.0.0.1/8"}}}""", "\"10.0.0.1/8\" is not an address or a prefix")]
    [InlineData("""{"version":"v8","options":{"conditions":{"foo@example.com":""}}}""", "there is no condition \"foo@example.com\"")]
    public async Task Row_that_cannot_be_evaluated_is_named_with_its_fault(string row, string fault)
    {
        using (var outside = world.Outside())
            Run(outside, "INSERT INTO roles (id, name, revision, resource) VALUES ($1, 'dba', 1, $2)", Guid.NewGuid().ToString(), row);
        await world.Reopen();
        var refused = Assert.Throws<StoreException>(() => world.Database.ExpectReadable(World.Now));
        Assert.Contains($"role \"dba\": {fault}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("UPDATE roles SET resource = replace(resource, 'WRONG', 'RIGHT') WHERE name = 'dba'", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A rule for files says nothing about what is stored already.</summary>
    [Fact]
    public async Task Row_that_no_file_may_say_is_read()
    {
        using (var outside = world.Outside())
        {
            Run(outside, "INSERT INTO users (id, name, revision, resource) VALUES ($1, 'A B', 1, $2)", Guid.NewGuid().ToString(), """{"roles":["A B"],"unix_users":["account:a b"],"traits":{"x":["\u0007"]}}""");
            Run(outside, "INSERT INTO roles (id, name, revision, resource) VALUES ($1, 'A B', 1, $2)", Guid.NewGuid().ToString(), """{"version":"v9","allow":{"logins":["a b"]},"reviewers":["A B"]}""");
            Run(outside, "INSERT INTO locks (id, name, revision, resource) VALUES ($1, 'A B', 1, $2)", Guid.NewGuid().ToString(), """{"kind":"user","target":"A B","message":"\u0007"}""");
        }
        await world.Reopen();
        world.Database.ExpectReadable(World.Now);
        Assert.Equal("A B", Assert.Single(world.Database.Read(snapshot => snapshot.Users())).Name);
        Assert.Equal("A B", Assert.Single(world.Database.Read(snapshot => snapshot.Policy()).Roles).Key);
        Assert.Equal("A B", Assert.Single(world.Database.Read(snapshot => snapshot.Policy()).Locks).Key);
    }

    [SqliteFact]
    public async Task Database_of_the_version_before_is_read_whole()
    {
        await world.Database.DisposeAsync();
        File.Delete(world.Path);
        var rows = Before.DistinctBy(row => (row.Kind, row.Name)).ToList();
        var carol = Guid.NewGuid().ToString();
        const string Groups = """{"kind":"user","version":"v2","metadata":{"name":"carol","revision":"4"},"spec":{"roles":["dba"],"traits":{"logins":["carol"]}}}""";
        using (var before = world.Outside("ReadWriteCreate"))
        {
            ((Microsoft.Data.Sqlite.SqliteConnection)before).CreateFunction("signature_key", (byte[] _) => (byte[]?)null);
            foreach (var migration in World.Migrations().Take(17))
                Run(before, migration);
            foreach (var (kind, name, text, _) in rows)
                Run(before, $"INSERT INTO {kind}s (id, name, revision, resource) VALUES ($1, $2, 3, $3)", Guid.NewGuid().ToString(), name, text);
            Run(before, "INSERT INTO users (id, name, revision, resource, from_groups) VALUES ($1, 'carol', 4, $2, '[\"dba-team\"]')", carol, Groups);
            Run(before, "INSERT INTO user_accounts (entry, user_id) VALUES ('account:carol', $1)", carol);
            Run(before, "INSERT INTO nodes (id, name, revision, resource) VALUES ($1, 'broken', 1, 'odd { text')", Guid.NewGuid().ToString());
            Run(before, $"PRAGMA application_id = {0x43654175}; PRAGMA user_version = 17");
        }
        // To look at a file does not convert it.
        Assert.Contains("was written by another version", Assert.Throws<StoreException>(() => Database.Peek(TestStore.At(world.Path), snapshot => snapshot.Policy().Roles)).Message, StringComparison.Ordinal);

        await world.Reopen();

        world.Database.ExpectReadable(World.Now);
        var (policy, users) = world.Database.Read(snapshot => (snapshot.Policy(), snapshot.Users()));
        Assert.Equal(Rows("role"), policy.Roles.Values.Select(one => (one.Name, 3, RoleRow.Table.Write(one))));
        Assert.Equal(Rows("node"), policy.Nodes.Values.Select(one => (one.Name, 3, NodeRow.Table.Write(one))));
        Assert.Equal(Rows("lock"), policy.Locks.Values.Select(one => (one.Name, 3, LockRow.Table.Write(one))));
        Assert.Equal(Rows("user"), users.Where(one => !one.IsFromGroups).Select(one => (one.Name, 3, UserRow.Table.Write(one))));
        var group = Assert.Single(world.Database.Read(snapshot => snapshot.UsersFromGroups()));
        Assert.Equal((carol, 4, "dba-team", "dba"), (group.Id.ToString(), group.Revision, Assert.Single(group.FromGroups), Assert.Single(group.Roles)));
        Assert.Equal("carol", Assert.Single(world.Database.Read(snapshot => snapshot.UsersOf(new UnixIdentity(7, "carol")))).Name);
        // The broken one is neither lost nor does it keep the others from being read.
        Assert.Equal("odd { text", world.Database.Read(snapshot => NodeRow.Table.FindUnreadable(snapshot, "broken"))!.Text);

        IEnumerable<(string, int, string)> Rows(string kind) => rows.Where(row => row.Kind == kind).OrderBy(row => row.Name, StringComparer.Ordinal).Select(row => (row.Name, 3, row.Row));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await world.DisposeAsync();

    private static void Run(DbConnection connection, string sql, params string[] values)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++)
            command.Add(values[i]);
        command.ExecuteNonQuery();
    }
}
