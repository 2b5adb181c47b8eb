using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary><c>--format=json</c> of the commands that change something: stdout is one JSON value, with what the text shows.</summary>
public sealed class JsonResultTests
{
    [Fact]
    public async Task Changes_of_resources_are_printed_as_JSON()
    {
        await using var daemon = await TestDaemon.Start();
        async Task<JsonElement> Tctl(string line, string input = "") => Json(await daemon.Administrator.Types(["tctl", .. line.Split(' '), "--format=json"], input));

        var created = await Tctl("create", "{kind: role, version: v8, metadata: {name: dba}, spec: {}}\n---\n{kind: role, version: v8, metadata: {name: ops}, spec: {}}");
        Assert.Equal(["role 'dba' has been created", "role 'ops' has been created"], Texts(created.GetProperty("done")));
        Assert.NotEmpty(Texts(created.GetProperty("warnings")));
        Assert.Equal(["user 'alice' has been created"], Texts((await Tctl("users add alice --roles=dba")).GetProperty("done")));
        Assert.Equal(["user 'alice' has been updated"], Texts((await Tctl("users update alice --set-roles=none")).GetProperty("done")));
        var name = (await Tctl("lock --user=alice")).GetProperty("name").GetString();
        Assert.Equal(
            [["role 'dba' has been removed"], [$"lock '{name}' has been removed"]],
            (await Tctl($"rm role/dba,lock/{name}")).EnumerateArray().Select(one => Texts(one.GetProperty("done"))));
        Assert.Equal(["user 'alice' has been removed"], Texts((await Tctl("users rm alice")).GetProperty("done")));
        Assert.Empty(Texts((await Tctl("certs revoke --all --yes")).GetProperty("revoked")));

        var partly = await daemon.Administrator.Types("tctl", "rm", "role/nobody", "role/ops", "--format=json");
        Assert.Equal(1, partly.ExitCode);
        Assert.StartsWith("tctl: error: there is no role \"nobody\"\n", partly.Error, StringComparison.Ordinal);
        Assert.Equal(["role 'ops' has been removed"], Texts(JsonDocument.Parse(partly.Output).RootElement[0].GetProperty("done")));
    }

    [Fact]
    public async Task Answers_to_requests_are_printed_as_JSON()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: plain}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: me}, spec: {roles: [plain], unix_users: ['ACCOUNT']}}
            """.Replace("ACCOUNT", World.Account))).Done();
        async Task<JsonElement> Tsh(string line) => Json(await daemon.Myself.Types(["tsh", .. line.Split(' '), "--format=json"]));
        async Task<JsonElement> Tctl(string line) => Json(await daemon.Administrator.Types(["tctl", .. line.Split(' '), "--format=json"]));

        var first = await Tsh("request create --roles=dba --nowait");
        Assert.Equal("PENDING", State(first));
        Assert.Equal("CANCELLED", State((await Tsh($"request cancel {Id(first)}")).GetProperty("request")));
        var second = Id(await Tctl("requests create me --roles=dba"));
        var third = Id(await Tsh("request create --roles=dba --nowait --force"));
        var approved = await Tctl($"requests approve {second} {third}");
        Assert.Equal([(second, "APPROVED"), (third, "APPROVED")], approved.EnumerateArray().Select(one => (Id(one.GetProperty("request")), State(one.GetProperty("request")))));

        var held = (await Tsh($"login --request-id={second}")).EnumerateArray().ToList();
        Assert.Equal([second], held.SelectMany(one => Texts(one.GetProperty("requests"))).Distinct());
        var denied = await Tctl($"requests deny {second}");
        Assert.Equal("DENIED", State(denied[0].GetProperty("request")));
        Assert.Single(Texts(denied[0].GetProperty("revoked")));
        Assert.Single(Texts((await Tsh("certs revoke --all")).GetProperty("revoked")));
        Assert.Equal(Id(first), Id((await Tctl($"requests rm {Id(first)}"))[0].GetProperty("request")));

        held = [.. (await Tsh("login")).EnumerateArray()];
        Assert.Equal(held.Select(one => one.GetProperty("serial").GetString()), Texts((await Tsh("logout --revoke")).GetProperty("revoked")));
        Assert.Empty(Texts((await Tsh("logout")).GetProperty("revoked")));

        // While it waits, stdout stays empty; the value is the request as it is in the end.
        var waiting = await daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--wait=1s", "--format=json");
        Assert.Equal((4, ""), (waiting.ExitCode, waiting.Output));
        Assert.Matches("^tsh: request [0-9a-f-]{36} is PENDING\n", waiting.Error);
    }

    [Fact]
    public async Task Files_that_a_command_writes_are_printed_as_JSON()
    {
        await using var daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: plain}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}
            ---
            {kind: node, version: v2, metadata: {name: db1}, spec: {addr: db1.example.com}}
            ---
            {kind: user, version: v2, metadata: {name: me}, spec: {roles: [plain], unix_users: ['ACCOUNT']}}
            """.Replace("ACCOUNT", World.Account))).Done();
        var backup = daemon.Scratch["backup.db"];
        var written = Json(await daemon.Administrator.Types("tctl", "backup", backup, "--format=json"));
        Assert.Equal((backup, new FileInfo(backup).Length), (written.GetProperty("file").GetString(), written.GetProperty("bytes").GetInt64()));

        (await daemon.Myself.Types("tsh", "login")).Done();
        async Task<JsonElement> Config(params string[] options) => Json(await daemon.Myself.Types(["tsh", "config", .. options, "--format=json"]));
        var shown = await Config("--print");
        Assert.Equal((false, "db1"), (shown.GetProperty("changed").GetBoolean(), Assert.Single(Texts(shown.GetProperty("nodes")))));
        Assert.Equal((await daemon.Myself.Types("tsh", "config", "--print")).Done(), shown.GetProperty("text").GetString());
        Assert.EndsWith("/.ssh/config", shown.GetProperty("file").GetString(), StringComparison.Ordinal);

        foreach (var program in (string[])["tsh", "tctl"])
        {
            var version = Json(await daemon.Myself.Types(program, "version", "--format=json"));
            Assert.Equal($"{version.GetProperty("name")} {version.GetProperty("version")}\n", (await daemon.Myself.Types(program, "version")).Done());
        }
    }

    private static JsonElement Json(Outcome said) => JsonDocument.Parse(said.Done()).RootElement;

    private static string[] Texts(JsonElement array) => [.. array.EnumerateArray().Select(one => one.GetString()!)];

    private static string Id(JsonElement request) => request.GetProperty("metadata").GetProperty("name").GetString()!;

    private static string State(JsonElement request) => request.GetProperty("spec").GetProperty("state").GetString()!;
}
