using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CertAuthority.Api;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Tctl;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>docs/protocol.md is normative, so it may not drift from what the daemon does.</summary>
public class ProtocolDocumentTests
{
    private static readonly Document Protocol = Document.Read("docs/protocol.md");

    private static readonly Type[] Messages = [typeof(Problem), typeof(Notification), .. Routes.All.SelectMany(route => new[] { route.Request, route.Reply }).Distinct().Where(type => type != typeof(Stream))];

    [Fact]
    public void Table_has_every_route_with_its_permission_and_messages()
    {
        var written = Protocol.Rows.Where(row => row is ["GET" or "POST" or "DELETE" or "PUT" or "PATCH", ..]).Select(row => string.Join(' ', row[..5]));
        var served = RouteTable.Rows.Select(row =>
            $"{row.Route.Method} {row.Route.Path} {row.Who.ToString().ToLowerInvariant()} {row.Route.Request.Name} {row.Route.Reply.Name}");
        Assert.Equal(served.Order(StringComparer.Ordinal), written.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Served_routes_are_those_that_clients_can_call() =>
        Assert.Equal(Routes.All.ToHashSet(), RouteTable.Rows.Where(row => row.Who != Who.Nobody).Select(row => row.Route).ToHashSet());

    [Fact]
    public void The_table_has_every_problem_with_its_status()
    {
        var written = Protocol.Rows.Where(row => row.Length == 3 && row[1].All(char.IsAsciiDigit)).Select(row => $"{row[0]} {row[1]}");
        var sent = Enum.GetValues<ProblemCode>().Select(code => $"{JsonSerializer.SerializeToNode(code)} {new Problem(code, "").Status}");
        Assert.Equal(sent.Order(StringComparer.Ordinal), written.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_message_has_an_example() =>
        Assert.Equal(Messages.Select(type => type.Name).Order(StringComparer.Ordinal), Examples().Select(example => example.Type.Name).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Every_request_example_passes_strict_reading()
    {
        foreach (var (type, json) in Examples().Where(example => Routes.All.Any(route => route.Request == example.Type)))
            Assert.NotNull(JsonSerializer.Deserialize(json, ProtocolJson.Strict.GetTypeInfo(type)!));
    }

    [Fact]
    public void Every_reply_example_is_what_the_daemon_writes()
    {
        foreach (var (type, json) in Examples().Where(example => !Routes.All.Any(route => route.Request == example.Type)))
        {
            // No member more, none less, none otherwise: what is read and written again is the same.
            var message = JsonSerializer.Deserialize(json, ProtocolJson.Strict.GetTypeInfo(type)!);
            Assert.True(
                JsonNode.DeepEquals(JsonNode.Parse(json), JsonSerializer.SerializeToNode(message, ProtocolJson.Strict.GetTypeInfo(type)!)),
                $"the daemon writes {type.Name} otherwise than:\n{json}");
        }
    }

    [Fact]
    public void Kinds_of_resources_are_those_of_the_table()
    {
        var served = new KindList([.. KindTable.Rows.Select(kind => new ResourceKindInfo(kind.Name, kind.Columns))]);
        Assert.True(JsonNode.DeepEquals(JsonSerializer.SerializeToNode(served, ProtocolJson.Strict.KindList), JsonNode.Parse(Examples().Single(example => example.Type == typeof(KindList)).Json)));
        Assert.Equal(KindTable.Rows.Select(kind => kind.Name), ResourceReference.KnownKinds);
        // The kinds that a call can name, in the words of the page.
        Assert.All(KindTable.Rows, kind => Assert.Matches($"(?m)^`kind` is .*`{kind.Name}`", Protocol.Text));
    }

    [Fact]
    public void Every_curl_goes_through_the_socket_to_a_route()
    {
        var commands = Protocol.Text.Split('\n').Where(line => line.StartsWith("curl ", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(commands);
        foreach (var command in commands)
        {
            Assert.Contains(" --unix-socket /run/certauthority/ca.sock ", command);
            var path = Regex.Match(command, "(?<=http://ca)/[^?' ]*").Value;
            var method = Regex.Match(command, "(?<=-X )[A-Z]+") is { Success: true } named ? named.Value : command.Contains(" -d ") ? "POST" : "GET";
            Assert.True(Routes.All.Any(route => route.Method == method && Fits(route.Path, path)), $"no route for: {command}");
        }
    }

    private static List<(Type Type, string Json)> Examples() =>
    [
        .. Protocol.Blocks.Where(block => block.Info.StartsWith("json", StringComparison.Ordinal)).Select(block => (
            Array.Find(Messages, type => block.Info == $"json {type.Name}") ?? throw new InvalidOperationException($"\"{block.Info}\" names no message"), block.Content)),
    ];

    private static bool Fits(string route, string path) => Regex.IsMatch(path, $"^{Regex.Replace(route, "{[a-z]+}", "[^/]+")}$");
}
