namespace CertAuthority.Tests.EndToEnd;

/// <summary>Commands about several requests: every line says which one it is about.</summary>
public sealed class SeveralRequestsTests
{
    [PeopleFact]
    public async Task Line_about_one_of_several_requests_names_it()
    {
        await using var daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: staff}, spec: {allow: {request: {roles: [dba]}}}}
            ---
            {kind: role, version: v8, metadata: {name: reviewer}, spec: {allow: {review_requests: {roles: [dba]}}}}
            ---
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [root], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [staff]}}
            ---
            {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [reviewer]}}
            """)).Done();
        async Task<string> File() =>
            (await daemon.Person(Person.Alice).Types("tsh", "request", "create", "--roles=dba", "--nowait", "--force")).Done().Split(' ')[1][..8];
        var (bob, root) = (daemon.Person(Person.Bob), daemon.Administrator);
        string[] review = ["tsh", "request", "review", "--approve"], approve = ["tctl", "requests", "approve"], remove = ["tctl", "requests", "rm"];

        foreach (var (who, command) in ((Person, string[])[])[(bob, review), (root, approve)])
        {
            var (first, second, third) = (await File(), await File(), await File());
            var both = await who.Types([.. command, first, second]);
            Assert.Equal(2, both.Done().Trim().Split('\n').Length);
            var lines = both.Error.Trim().Split('\n');
            Assert.All(lines, line => Assert.Matches($"^{command[0]}: warning: ({first}|{second}): ", line));
            Assert.Equal(2, lines.Select(line => line.Split(' ')[2]).Distinct().Count());

            var again = await who.Types([.. command, first, "nosuch", third]);
            Assert.Equal(1, again.ExitCode);
            Assert.Contains("has been approved", again.Output, StringComparison.Ordinal);
            Assert.Matches($"(?m)^{command[0]}: error: {first}: ", again.Error);
            Assert.Matches($"(?m)^{command[0]}: error: nosuch: there is no request \"nosuch\"", again.Error);

            var one = await who.Types([.. command, first]);
            Assert.Equal(1, one.ExitCode);
            Assert.DoesNotMatch($"error: {first}: ", one.Error);
        }
        var pending = await File();
        Assert.Matches($"^tctl: error: {pending}: ", (await root.Types([.. remove, pending, "nosuch"])).Error);
    }
}
