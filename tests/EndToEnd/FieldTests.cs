using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using CertAuthority.Protocol;
using Microsoft.Data.Sqlite;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// Every member of every request, read from the route table and the message types, with every bad value: the real daemon answers each with a problem that is
/// not its own fault, and an empty value never means "all". A route or a member that is new is tried without anybody adding it here.
/// </summary>
public sealed class FieldTests(FieldTests.Site site) : IClassFixture<FieldTests.Site>
{
    /// <summary>A daemon with one of each thing, called over one connection.</summary>
    public sealed class Site : IAsyncLifetime
    {
        internal TestDaemon Daemon { get; private set; } = null!;

        internal HttpClient Http { get; private set; } = null!;

        internal string Request { get; private set; } = "";

        public async Task InitializeAsync()
        {
            Daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
            await DaemonTests.Setup(Daemon);
            (await Daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db1, labels: {env: prod}}, spec: {addr: db1.example.com}}")).Done();
            (await Daemon.Administrator.Types("tctl", "users", "add", "target", "--roles=staff")).Done();
            Request = await DaemonTests.FileRequest(Daemon);
            var socket = Daemon.Socket;
            Http = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, stop) =>
                {
                    var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), stop);
                    return new NetworkStream(connection, ownsSocket: true);
                },
            })
            {
                BaseAddress = new Uri("http://ca"),
            };
        }

        public async Task DisposeAsync()
        {
            Http.Dispose();
            await Daemon.DisposeAsync();
        }
    }

    public static readonly TheoryData<string> Every = [.. Routes.All.Select(route => $"{route.Method} {route.Path}")];

    /// <summary>A bad value: its JSON in a body and its text in a path or a query, and whether it says nothing.</summary>
    private sealed record Bad(string What, string Json, string? Text, bool SaysNothing = false);

    private const string Mebibyte = "1 MiB";

    private static readonly Bad[] OfAny =
    [
        new("null", "null", null),
        new("empty", "\"\"", "", SaysNothing: true),
        new("blank", "\" \\t\"", " \t", SaysNothing: true),
        new("an object", "{}", null),
        new("an object in an object", """{"a": {"b": [null]}}""", null),
        new("a number", "-1", "-1"),
        new("a large number", "1e400", "1e400"),
        new("true", "true", "true"),
        new("a list in a list", "[[]]", null),
        new("half a character", "\"a\\ud800\"", "a\ud800"),
        new("the other half", "\"\\udc00a\"", null),
        new("NUL", "\"a\\u0000b\"", "a\0b"),
        new("invisible", "\"a\\u3164\\u202eb\"", "a\u3164\u202eb"),
        new("a line end", "\"a\\nb\"", "a\nb"),
        new("no place of ours", "\"../../etc/passwd\"", "../../etc/passwd"),
        new("a quote", "\"a' OR 1=1 --\"", "a' OR 1=1 --"),
        new("a year far away", "\"9999-12-31T23:59:59Z\"", "9999-12-31T23:59:59Z"),
        new("a long time", "\"99999999999999999999d\"", "99999999999999999999d"),
        new(Mebibyte, $"\"{new string('a', 1 << 20)}\"", new string('a', 1 << 20)),
    ];

    private static readonly Bad[] OfLists =
    [
        new("an empty list", "[]", null, SaysNothing: true),
        new("null inside", "[null]", null, SaysNothing: true),
        new("null inside, behind another", "[\"dba\", null]", null, SaysNothing: true),
        new("an empty item", "[\"\"]", null, SaysNothing: true),
        new("a blank item", "[\"dba\", \"\\u00a0\"]", null, SaysNothing: true),
        new("an item of another type", "[1]", null),
        new("half a character inside", "[\"\\ud800\"]", null),
        new("NUL inside", "[\"a\\u0000\"]", null),
        new("invisible inside", "[\"a\\u3164\"]", null),
        new($"{Mebibyte} inside", $"[\"{new string('a', 1 << 20)}\"]", null),
        new("many", $"[{string.Join(',', Enumerable.Repeat("\"a\"", 10_000))}]", null),
    ];

    private static readonly Bad[] OfMaps =
    [
        new("null inside", """{"env": null}""", null, SaysNothing: true),
        new("half a character as a name", """{"\ud800": "prod"}""", null),
        new("half a character inside", """{"env": "\udfff"}""", null),
    ];

    [Theory]
    [MemberData(nameof(Every))]
    public async Task Bad_value_of_any_member_is_a_caller_error(string name)
    {
        var route = Routes.All.Single(one => $"{one.Method} {one.Path}" == name);
        var before = site.Daemon.Log.Length;
        foreach (var member in Members(route))
        {
            if (IsNeeded(member))
            {
                var rest = Sample(route);
                rest.Remove(member.Name);
                await Expect(route, member, new Bad("missing", "", null), rest, refused: !IsInPath(route, member));
            }
            foreach (var bad in (Bad[])[.. OfAny, .. member.PropertyType == typeof(string[]) ? OfLists : [], .. member.PropertyType == typeof(Dictionary<string, string>) ? OfMaps : []])
                await Expect(route, member, bad, With(route, member, bad), refused: bad.SaysNothing && !MayBeEmpty(member) && member.PropertyType != typeof(byte[]) || (bad.What.Contains("half", StringComparison.Ordinal) && !route.UsesQuery && !IsInPath(route, member)));
        }
        await Expect(route, null, new Bad("a member that there is not", "", null), new JsonObject { ["sudo"] = true }, refused: true);
        var log = site.Daemon.Log[before..];
        Assert.DoesNotContain("   at ", log);
        // A refusal of access is a line; nothing that was sent is repeated at length.
        Assert.InRange(log.Length, 0, 200_000);
    }

    [Fact]
    public async Task Approval_of_no_role_approves_nothing()
    {
        var request = await DaemonTests.FileRequest(site.Daemon);
        foreach (var roles in (string[])["[]", "[\"\"]", "[null]", "\"\"", "[\" \"]"])
        {
            var (status, problem) = await Send("POST", $"/v1/requests/{request}/approve", $$"""{"roles": {{roles}}}""");
            Assert.True(status == HttpStatusCode.BadRequest, $"{roles}: {status} {problem}");
        }
        Assert.Contains("PENDING", (await site.Daemon.Administrator.Types("tctl", "requests", "get", request)).Done());
    }

    [Theory]
    [InlineData("tctl requests approve --roles= ID", "--roles")]
    [InlineData("tctl requests approve --roles=, ID", "--roles")]
    [InlineData("tsh request review --approve --roles= ID", "--roles")]
    [InlineData("tsh request create --roles= --resource=node/db1 --nowait", "--roles")]
    [InlineData("tsh request create --roles=dba --reviewers= --nowait", "--reviewers")]
    [InlineData("tsh login --request-id=", "--request-id")]
    [InlineData("tsh login --node=", "--node")]
    [InlineData("tsh request search --labels=", "--labels")]
    [InlineData("tctl certs revoke --role=", "--role")]
    [InlineData("tctl certs ls --state=", "--state")]
    [InlineData("tctl requests ls --state=", "--state")]
    [InlineData("tctl users update --set-roles= alice", "--set-roles")]
    [InlineData("tctl users update --set-logins= alice", "--set-logins")]
    [InlineData("tctl users update --set-unix-users= alice", "--set-unix-users")]
    [InlineData("tctl users add zoe --roles=", "--roles")]
    [InlineData("tctl lock --user=", "--user")]
    public async Task Empty_option_is_a_usage_error(string command, string option)
    {
        var outcome = await site.Daemon.Administrator.Types(command.Replace("ID", site.Request, StringComparison.Ordinal).Split(' '));
        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains($"error: {option} is empty", outcome.Error);
    }

    [Theory]
    [InlineData("FFFFFFFFFFFFFFFF")]
    [InlineData("80000000")]
    [InlineData("-1")]
    [InlineData("zz")]
    [InlineData("")]
    public async Task Chunk_with_an_invalid_length_is_rejected(string size)
    {
        var before = site.Daemon.Log.Length;
        foreach (var path in (string[])["/v1/my/certificates", "/v1/none"])
        {
            using var one = new Knock(site.Daemon);
            var answer = await one.Says($"POST {path} HTTP/1.1\r\nHost: ca\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n{{}}\r\n0\r\n\r\n").UntilClosed("", TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(20));
            Assert.NotNull(answer);
            Assert.DoesNotContain("HTTP/1.1 5", answer);
            Assert.Matches("HTTP/1.1 (400|404|413|429)", answer);
        }
        Assert.DoesNotContain("   at ", site.Daemon.Log[before..]);
    }

    /// <summary>Every leaf of a role, a user, a node and a lock, with every bad value: refused or stored so that the next start reads it.</summary>
    [Fact]
    public async Task Bad_value_of_any_resource_field_never_prevents_a_start()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        string[] resources =
        [
            """{"kind": "role", "version": "v8", "metadata": {"name": "bad", "description": "x", "labels": {"a": "b"}, "expires": "2036-01-01T00:00:00Z"}, "spec": {"reviewers": ["bob"], "allow": {"logins": ["deploy"], "node_labels": {"env": ["prod"]}, "request": {"roles": ["dba"], "search_as_roles": ["dba"], "max_duration": "1h", "clock": "approval", "require": "all", "reason": {"mode": "required", "prompt": "why"}, "suggested_reviewers": ["bob"], "annotations": {"a": ["b"]}, "thresholds": [{"name": "two", "approve": 2, "deny": 1, "filter": "contains(reviewer.roles, \"dba\")"}]}, "review_requests": {"roles": ["dba"], "where": "contains(request.roles, \"dba\")"}}, "deny": {"logins": ["root"]}, "options": {"max_session_ttl": "1h", "forward_agent": true, "request_access": "reason", "request_prompt": "why", "force_command": "true", "source_address": ["192.0.2.0/24"], "cert_extensions": [{"name": "a@b.c", "value": "d"}]}}}""",
            """{"kind": "user", "version": "v2", "metadata": {"name": "bad"}, "spec": {"roles": ["staff"], "unix_users": ["5001", "alice"], "traits": {"logins": ["deploy"], "team": ["a"]}}}""",
            """{"kind": "node", "version": "v2", "metadata": {"name": "bad", "labels": {"env": "prod"}}, "spec": {"addr": "bad.example.com:22", "krl_max_age": "1h", "login_domain": "corp.example.com", "other_cas": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM1kHOjGXDCyfRtdAWKVlCC8gDhTy0cYWZzZEzDOSeMj theirs"], "cmd_labels": {"arch": {"result": "x"}}}}""",
            """{"kind": "node_group", "version": "v1", "metadata": {"name": "bad"}, "spec": {"node_labels": {"env": ["prod"]}}}""",
            """{"kind": "lock", "version": "v2", "metadata": {"name": "bad"}, "spec": {"target": {"user": "nobody-here"}, "message": "x", "expires": "2036-01-01T00:00:00Z"}}""",
        ];
        using var ca = daemon.Connect();
        var stored = 0;
        foreach (var text in resources)
            foreach (var path in Leaves(JsonNode.Parse(text)!, []).ToList())
                foreach (var bad in (Bad[])[.. OfAny.Where(bad => bad.What != Mebibyte), .. OfLists.Where(bad => !bad.What.StartsWith(Mebibyte, StringComparison.Ordinal))])
                {
                    var at = $"{string.Join('.', path)} is {bad.What}";
                    try
                    {
                        await ca.Send(Routes.ApplyResources, new ApplyResources(Encoding.UTF8.GetBytes(Replaced(text, path, bad.Json)), "f", Force: true));
                        stored++;
                    }
                    catch (ProblemException refused)
                    {
                        Assert.True(refused.Problem.Code is ProblemCode.Invalid or ProblemCode.Conflict or ProblemCode.NotFound, $"{at}: {refused.Problem}");
                    }
                }
        Assert.True(stored > 20, "nothing of it was stored");
        Assert.DoesNotContain("   at ", daemon.Log);
        await daemon.Stop();
        await daemon.Restart();
        (await daemon.Administrator.Types("tctl", "status")).Done();
        (await daemon.Administrator.Types("tctl", "get", "all", "--format=json")).Done();
    }

    [Fact]
    public async Task Unreadable_resource_can_be_removed_by_name()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: bad}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: bad}, spec: {roles: [staff]}}
            ---
            {kind: node, version: v2, metadata: {name: bad}, spec: {addr: bad.example.com}}
            ---
            {kind: lock, version: v2, metadata: {name: bad}, spec: {target: {user: nobody-here}}}
            """)).Done();
        (await daemon.Myself.Types("tsh", "login")).Done();
        string[] tables = ["users", "nodes", "roles", "locks"];
        using (var connection = new SqliteConnection($"Data Source={daemon.File("certauthority.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = $"{string.Concat(tables.Select(table => $"UPDATE {table} SET resource = '{{}}' WHERE name = 'bad';"))} UPDATE policy SET generation = 'edited'";
            command.ExecuteNonQuery();
        }
        // Roles and locks may be what denies, so nothing is decided until each can be read.
        Assert.Equal(1, (await daemon.Myself.Types("tsh", "login")).ExitCode);

        foreach (var table in tables)
            Assert.Contains("has been removed", (await daemon.Administrator.Types("tctl", "rm", $"{table}/bad")).Output);

        (await daemon.Administrator.Types("tctl", "status")).Done();
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.Contains("it could not be read", (await daemon.Administrator.Types("tctl", "audit", "ls", "--format=json")).Done());
    }

    private static IEnumerable<JsonPropertyInfo> Members(Route route) => ProtocolJson.Strict.GetTypeInfo(route.Request)!.Properties;

    private static bool IsInPath(Route route, JsonPropertyInfo member) => route.Path.Contains($"{{{member.Name}}}", StringComparison.Ordinal);

    private static bool IsNeeded(JsonPropertyInfo member) => member.AssociatedParameter is { HasDefaultValue: false };

    // A text with a default, such as a reason, or a map: nothing is what it says then.
    private static bool MayBeEmpty(JsonPropertyInfo member) => member.PropertyType == typeof(string) && !member.IsGetNullable && !IsNeeded(member);

    private JsonObject Sample(Route route) => new(Members(route).Where(IsNeeded).Select(member => KeyValuePair.Create<string, JsonNode?>(member.Name, member.Name switch
    {
        "id" => site.Request,
        "name" when route.Path.StartsWith("/v1/users", StringComparison.Ordinal) => "target",
        "name" when route.Path.StartsWith("/v1/nodes", StringComparison.Ordinal) => "db1",
        "name" => "no-such",
        "kind" => "role",
        "decision" => "approve",
        "public_key" => "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM1kHOjGXDCyfRtdAWKVlCC8gDhTy0cYWZzZEzDOSeMj",
        "labels" => new JsonObject { ["env"] = "prod" },
        "content" => "e30=",
        "serial" => "1",
        _ => "x",
    })));

    // Where a member stands in the path or the query, its text; otherwise its JSON. Null where the value has no such form.
    private JsonObject? With(Route route, JsonPropertyInfo member, Bad bad)
    {
        var message = Sample(route);
        var outside = route.UsesQuery || IsInPath(route, member);
        if (outside && bad.Text is null)
            return null;
        message.Remove(member.Name);
        // Half a character cannot go through a JsonNode, so that the body is put together as text.
        message[member.Name] = outside ? bad.Text : $"\u0001{bad.What}";
        return message;
    }

    private async Task Expect(Route route, JsonPropertyInfo? member, Bad bad, JsonObject? body, bool refused)
    {
        if (body is null)
            return;
        var at = $"{route.Method} {route.Path}: {member?.Name} is {bad.What}";
        var target = string.Join('/', route.Path.Split('/').Select(part => part is ['{', .., '}'] ? Escaped(Take(body, part[1..^1])) : part));
        if (route.UsesQuery && body.Count > 0)
            target += "?" + string.Join('&', body.Select(one => $"{one.Key}={Escaped(one.Value?.ToString() ?? "")}"));
        // An empty part of a path is another route.
        if (target.Split('?')[0].Split('/').Skip(1).Any(part => part.Length == 0))
            return;
        var json = route.UsesQuery ? null : "{" + string.Join(',', body.Select(one => $"\"{one.Key}\": {(one.Value is JsonValue value && value.TryGetValue<string>(out var text) && text.StartsWith('\u0001') ? bad.Json : one.Value?.ToJsonString() ?? "null")}")) + "}";
        var (status, said) = await Send(route.Method, target, json);
        Assert.True((int)status < 500 || (status == HttpStatusCode.ServiceUnavailable && said.Contains("\"code\":\"unavailable\"", StringComparison.Ordinal)), $"{at}: {(int)status} {said}");
        Assert.True(!refused || (int)status is >= 400 and < 500, $"{at}: {(int)status} {said[..Math.Min(300, said.Length)]}");
        if ((int)status >= 400 && status is not (HttpStatusCode.RequestUriTooLong or HttpStatusCode.RequestHeaderFieldsTooLarge) && said.Length > 0)
            Assert.InRange(said.Length, 1, 3 << 20);
    }

    private static string Take(JsonObject body, string name)
    {
        var text = body[name]?.ToString() ?? "x";
        body.Remove(name);
        return text;
    }

    // Uri.EscapeDataString has no form for half a character; three bytes that are no UTF-8 stand for it.
    private static string Escaped(string text) => string.Concat(text.Length > 1 << 16 ? [text] : text.EnumerateRunes().Select(rune => rune == Rune.ReplacementChar ? "%ED%A0%80" : Uri.EscapeDataString(rune.ToString())));

    private async Task<(HttpStatusCode Status, string Said)> Send(string method, string target, string? json)
    {
        using var message = new HttpRequestMessage(new HttpMethod(method), new Uri($"http://ca{target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        if (json is not null)
            message.Content = new StringContent(json, Encoding.UTF8, "application/json");
        try
        {
            using var answer = await site.Http.SendAsync(message);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
        catch (HttpRequestException closed) when (json?.Length > 64 << 10 || target.Length > 4 << 10)
        {
            // The daemon closes on what is too long without reading all of it.
            return (HttpStatusCode.RequestEntityTooLarge, closed.Message);
        }
    }

    private static IEnumerable<string[]> Leaves(JsonNode node, string[] path) => node switch
    {
        JsonObject map => map.SelectMany(one => Leaves(one.Value!, [.. path, one.Key])).Append(path).Where(one => one.Length > 0),
        JsonArray list => list.SelectMany((one, i) => Leaves(one!, [.. path, $"{i}"])).Append(path),
        _ => [path],
    };

    private static string Replaced(string text, string[] path, string json)
    {
        const string mark = "\"here\"";
        var root = JsonNode.Parse(text)!;
        var parent = path[..^1].Aggregate(root, (node, step) => node is JsonArray list ? list[int.Parse(step)]! : node[step]!);
        if (parent is JsonArray items)
            items[int.Parse(path[^1])] = "here";
        else
            parent[path[^1]] = "here";
        return root.ToJsonString().Replace(mark, json, StringComparison.Ordinal);
    }
}
