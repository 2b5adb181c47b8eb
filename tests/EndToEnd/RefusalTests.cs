using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Who was refused what stands in the audit, and nobody fills the disk with it.</summary>
public sealed class RefusalTests
{
    [PeopleFact]
    public async Task Audit_records_who_was_refused_what_and_why()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, arguments: ["--config", scratch.Write("c.yaml", "admins: {users: [bob]}\n")]);
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "bob", "--roles=staff")).Done();
        var (alice, bob) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob));
        var denied = await Filed(alice);
        (await daemon.Administrator.Types("tctl", "requests", "deny", denied)).Done();
        var own = await Filed(bob);

        await Refused(alice, "tctl requests ls", "GET /v1/requests", """alice is not an administrator""");
        await Refused(alice, $"tctl requests approve {own[..8]}", "POST /v1/requests/{id}/approve", "alice is not an administrator", request: own);
        await Refused(alice, "tsh login --user=bob", "POST /v1/my/certificates", "you cannot act as user \"bob\"", user: "bob");
        await Refused(alice, "tsh request ls --user=bob", "GET /v1/my/requests", "you cannot act as user \"bob\"", user: "bob");
        await Refused(alice, $"tsh login --request-id={denied}", "POST /v1/my/certificates", $"request {denied} was denied", requests: denied);
        await Refused(alice, $"tsh login --request-id={own}", "POST /v1/my/certificates", $"there is no request \"{own}\"", requests: own);
        await Refused(alice, "tsh request create --roles=staff --nowait", "POST /v1/my/requests", "user \"alice\" cannot request role \"staff\"");
        await Refused(bob, $"tctl requests approve {own[..8]}", "POST /v1/requests/{id}/approve", "nobody approves their own request", request: own);
        await Refused(daemon.Person(65534), "curl -sf --unix-socket SOCKET http://ca/v1/keys/user", "GET /v1/keys/user", "the kernel does not say who you are");
        (await daemon.Administrator.Types("tctl", "users", "rm", "bob")).Done();
        await Refused(bob, "tsh login", "POST /v1/my/certificates", "the account bob belongs to no user");

        // Not refusals of access: a message that says nothing, a value that cannot be, what is not there.
        var entries = (await Audit(daemon)).Count;
        foreach (var command in (string[])["curl -sf --unix-socket SOCKET http://ca/v1/my/certificates -d {", "tsh login --ttl=31h", "tsh request show ffffffff", "curl -sf --unix-socket SOCKET http://ca/v1/none"])
            Assert.NotEqual(0, (await Types(alice, command)).ExitCode);
        Assert.Equal(entries, (await Audit(daemon)).Count);

        async Task Refused(Person who, string command, string route, string reason, string? user = null, string? request = null, string? requests = null)
        {
            var outcome = await Types(who, command);
            Assert.True(outcome.ExitCode != 0, command);
            var entry = (await Audit(daemon))[0];
            var account = who.Uid switch { Person.Alice => "alice", Person.Bob => "bob", _ => "nobody" };
            Assert.Equal(
                ("access.refused", who.Uid, account, route, reason, user, request, requests),
                (Text("event"), (uint?)entry.GetProperty("uid").GetInt64(), Text("account"), Text("route"), Text("reason"), Text("user"), Text("request"),
                    entry.TryGetProperty("requests", out var list) ? Assert.Single(list.EnumerateArray()).GetString() : null));

            string? Text(string member) => entry.TryGetProperty(member, out var value) ? value.GetString() : null;
        }

        Task<Outcome> Types(Person who, string command) => who.Types(command.Replace("SOCKET", daemon.Socket).Split(' '));
    }

    [PeopleFact]
    public async Task Flood_of_refusals_is_counted_and_hides_nobody_else()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();

        // Alice owns a user; bob and 7001 are strangers, and no more one person than she and bob are.
        await Knocks(Person.Alice, 30);
        await Knocks(Person.Bob, 60);
        await Knocks(7001, 12);
        await Knocks(7002, 3);
        Assert.Equal((10, 10, 10, 3), (await Refused(Person.Alice), await Refused(Person.Bob), await Refused(7001), await Refused(7002)));
        Assert.Empty(await AuditTests.About(daemon, "access.refusals_left_out"));

        // What is refused with many words is recorded with few.
        (await daemon.Administrator.Types("tctl", "users", "add", "deploy", "--roles=staff", "--unix-user=7003")).Done();
        await daemon.Person(7003).Types(["curl", "-s", "--unix-socket", daemon.Socket, "http://ca/v1/my/requests", "-d", "@-"], $"{{\"roles\":[\"{new string('x', 60_000)}\"]}}");
        Assert.InRange((await Audit(daemon))[0].GetRawText().Length, 300, 1000);

        // Once it is over, or the daemon stops, each has a count of their own.
        await daemon.Stop();
        await daemon.Restart();
        Assert.Equal(
            [(Person.Alice, "alice", 20L), (Person.Bob, "bob", 50L), (7001u, null, 2L)],
            (await AuditTests.About(daemon, "access.refusals_left_out")).Select(entry => (entry.Uid!.Value, entry.Account, entry.Count!.Value)).Order());
        Assert.Matches("access.refusals_left_out bob +count=50; reason=since .*; 10 refusals of one account are recorded within a minute\n", (await daemon.Administrator.Types("tctl", "audit", "ls")).Done());

        async Task Knocks(uint uid, int times) => await daemon.Person(uid).Types("curl", "-s", "--unix-socket", daemon.Socket, $"http://ca/v1/requests?n=[1-{times}]");

        async Task<int> Refused(uint uid) => (await AuditTests.About(daemon, "access.refused")).Count(entry => entry.Uid == uid);
    }

    private static async Task<string> Filed(Person who) => (await who.Types("tsh", "request", "create", "--roles=dba", "--nowait", "--force")).Done().Split(' ')[1];

    private static async Task<List<JsonElement>> Audit(TestDaemon daemon) =>
        [.. JsonDocument.Parse((await daemon.Administrator.Types("tctl", "audit", "ls", "--format=json")).Done()).RootElement.EnumerateArray()];
}
