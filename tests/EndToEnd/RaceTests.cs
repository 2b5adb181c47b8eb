using System.Text;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Logins that race with what takes their ground away: when both are answered, none is live and not on the list.</summary>
public sealed class RaceTests
{
    private const int Rounds = 200;
    private const int LoginsPerRound = 4;

    private static readonly CreateRequest Dba = new(["dba"]);
    private static readonly CreateRequest Db1 = new(Resources: ["node/db1"]);

    private static readonly (string Case, CreateRequest? Ask, Func<CaClient, string, string, Task> End)[] Endings =
    [
        ("the request is denied", Dba, (ca, _, id) => ca.Send(Routes.DenyRequest, new DenyRequest(id))),
        ("the request is dropped", Dba, (ca, user, id) => ca.Send(Routes.DropRequest, new EndMyRequest(id, user))),
        ("the request is removed", Dba, (ca, _, id) => ca.Send(Routes.RemoveRequest, new RemoveRequest(id, Force: true))),
        ("the granted role is edited", Dba, (ca, _, _) => Apply(ca, Role("dba", "logins: [other], node_labels: {'*': '*'}"))),
        ("the user is removed, who logs in with a request", Dba, (ca, user, _) => ca.Send(Routes.RemoveResource, new RemoveResource("user", user))),
        ("the request for a node is denied", Db1, (ca, _, id) => ca.Send(Routes.DenyRequest, new DenyRequest(id))),
        ("the node that was asked for is removed", Db1, (ca, _, _) => ca.Send(Routes.RemoveResource, new RemoveResource("node", "db1"))),
        ("the request is locked", Dba, (ca, _, id) => ca.Send(Routes.Lock, new CreateLock(Request: id))),
        ("the user is locked", null, (ca, user, _) => ca.Send(Routes.Lock, new CreateLock(User: user))),
        ("the user is removed", null, (ca, user, _) => ca.Send(Routes.RemoveResource, new RemoveResource("user", user))),
        ("the user's role is edited", null, (ca, _, _) => Apply(ca, Role("staff", "request: {roles: [dba]}"))),
        ("the user's role is taken away", null, (ca, user, _) => ca.Send(Routes.UpdateUser, new UpdateUser(user, Roles: ["none"]))),
        ("the node is relabelled", null, (ca, _, _) => Apply(ca, Node("test"))),
        ("the role is removed", null, (ca, _, _) => ca.Send(Routes.RemoveResource, new RemoveResource("role", "staff", Force: true))),
    ];

    [Fact]
    public async Task Two_hundred_races_leave_no_live_certificate_off_the_list()
    {
        await using var daemon = await TestDaemon.Start();
        using var ca = daemon.Connect();
        var key = TestDaemon.AnyKey;
        var userCa = daemon.PublicKey("user_ca");
        var (issued, refused) = (0, 0);

        for (var round = 0; round < Rounds; round++)
        {
            var ending = Endings[round % Endings.Length];
            var user = $"user{round}";
            await Apply(ca, $$"""
                {{Role("staff", "logins: [deploy], node_labels: {env: prod}, request: {roles: [dba], search_as_roles: [dba]}")}}
                ---
                {{Role("dba", "logins: [postgres], node_labels: {'*': '*'}")}}
                ---
                {{Node("prod")}}
                ---
                {{User(user)}}
                """);
            var id = (await ca.Send(Routes.CreateRequest, (ending.Ask ?? Dba) with { User = user })).Metadata.Name;
            await ca.Send(Routes.ApproveRequest, new ApproveRequest(id));

            var ask = new Login(key, user, ending.Ask is not null ? [id] : null);
            using var start = new Barrier(LoginsPerRound + 1);
            var logins = Enumerable.Range(0, LoginsPerRound).Select(_ => Task.Run(() => LogIn(ca, ask, start))).ToList();
            var end = Task.Run(() =>
            {
                start.SignalAndWait();
                return ending.End(ca, user, id);
            });
            await end;
            var serials = (await Task.WhenAll(logins)).OfType<string>().Select(ulong.Parse).ToList();

            var krl = daemon.RevocationList();
            Assert.All(serials, serial => Assert.True(krl.IsRevoked(userCa, serial), $"round {round}, {ending.Case}: {serial} is live and not on the list"));
            (issued, refused) = (issued + serials.Count, refused + LoginsPerRound - serials.Count);
        }

        // They did race: some came before, some after.
        Assert.True(issued > Rounds / 10 && refused > Rounds / 10, $"{issued} issued, {refused} refused");
    }

    /// <summary>The serial, or null when it was refused by a rule.</summary>
    private static async Task<string?> LogIn(CaClient ca, Login ask, Barrier start)
    {
        start.SignalAndWait();
        try
        {
            return (await ca.Send(Routes.Login, ask)).Info!.Serial;
        }
        catch (ProblemException refused) when (refused.Problem.Code is ProblemCode.Denied or ProblemCode.NoLogin or ProblemCode.NotFound or ProblemCode.Conflict)
        {
            return null;
        }
    }

    private static Task Apply(CaClient ca, string resources) => ca.Send(Routes.ApplyResources, new ApplyResources(Encoding.UTF8.GetBytes(resources), "resources.yaml", Force: true));

    private static string Role(string name, string allow) => $"{{kind: role, version: v7, metadata: {{name: {name}}}, spec: {{allow: {{{allow}}}}}}}";

    private static string User(string name) => $"{{kind: user, version: v2, metadata: {{name: {name}}}, spec: {{roles: [staff], unix_users: [{Environment.UserName}]}}}}";

    private static string Node(string env) => $"{{kind: node, version: v2, metadata: {{name: db1, labels: {{env: {env}}}}}, spec: {{addr: db1.example.com}}}}";
}
