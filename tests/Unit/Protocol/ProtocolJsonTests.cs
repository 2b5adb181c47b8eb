using System.Reflection;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Protocol;

public class ProtocolJsonTests
{
    private const string Reply = """{"name":"db1","address":"db1:22","logins":["root"]}""";

    public static TheoryData<Type> Messages => [.. Routes.All.SelectMany(route => new[] { route.Request, route.Reply }).Distinct().Where(type => type != typeof(Stream))];

    // It is not written where it is null, so who reads must not miss it.
    [Theory]
    [MemberData(nameof(Messages))]
    public void A_member_that_can_be_null_can_be_absent(Type message) =>
        Assert.All(
            message.GetConstructors().Single().GetParameters().Where(parameter => new NullabilityInfoContext().Create(parameter).ReadState == NullabilityState.Nullable),
            parameter => Assert.True(parameter.HasDefaultValue, $"{message.Name}.{parameter.Name}"));

    [Fact]
    public void Daemon_rejects_unknown_members_and_clients_ignore_them()
    {
        var newer = Reply.Replace("{", "{\"zone\":{\"a\":[1]},", StringComparison.Ordinal);
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(newer, ProtocolJson.Strict.Of<ReachableNode>()));
        Assert.Equal("db1:22", JsonSerializer.Deserialize(newer, ProtocolJson.Lenient.Of<ReachableNode>())!.Address);
    }

    [Theory]
    [InlineData("a member twice", """{"name":"db1","name":"db2","address":"db1:22","logins":[]}""")]
    [InlineData("a member that is missing", """{"name":"db1","logins":[]}""")]
    [InlineData("a member that is null", """{"name":null,"address":"db1:22","logins":[]}""")]
    [InlineData("a member in another case", """{"Name":"db1","address":"db1:22","logins":[]}""")]
    [InlineData("a member of another type", """{"name":"db1","address":"db1:22","logins":"root"}""")]
    [InlineData("a comma too many", """{"name":"db1","address":"db1:22","logins":[],}""")]
    [InlineData("a comment", """{"name":"db1",/*!*/"address":"db1:22","logins":[]}""")]
    public void Daemon_reads_exactly_what_the_protocol_defines(string what, string json)
    {
        Assert.NotNull(JsonSerializer.Deserialize(Reply, ProtocolJson.Strict.Of<ReachableNode>()));
        Assert.True(Record.Exception(() => JsonSerializer.Deserialize(json, ProtocolJson.Strict.Of<ReachableNode>())) is JsonException, what);
    }

    [Fact]
    public void Names_are_in_snake_case_and_empty_members_are_omitted() =>
        Assert.Equal("""{"public_key":"k","regular":false}""", JsonSerializer.Serialize(new Login("k"), ProtocolJson.Strict.Of<Login>()));

    [Fact]
    public void Every_message_of_every_route_has_a_JSON_form()
    {
        var without = Routes.All.SelectMany(route => new[] { route.Request, route.Reply }).Where(type => type != typeof(Stream)).Where(type => ProtocolJson.Strict.GetTypeInfo(type) is null || ProtocolJson.Lenient.GetTypeInfo(type) is null);
        Assert.Empty(without);
    }

    [Fact]
    public void No_two_routes_share_a_method_and_path() =>
        Assert.Equal(Routes.All.Count, Routes.All.Select(route => $"{route.Method} {string.Join('/', route.Path.Split('/').Select(part => part.StartsWith('{') ? "{}" : part))}").Distinct().Count());

    [Theory]
    [InlineData(ProblemCode.Invalid, "invalid", 400)]
    [InlineData(ProblemCode.Denied, "denied", 403)]
    [InlineData(ProblemCode.NotFound, "not_found", 404)]
    [InlineData(ProblemCode.Conflict, "conflict", 409)]
    [InlineData(ProblemCode.Expired, "expired", 410)]
    [InlineData(ProblemCode.Limited, "limited", 429)]
    [InlineData(ProblemCode.Elsewhere, "elsewhere", 421)]
    [InlineData(ProblemCode.Internal, "internal", 500)]
    [InlineData(ProblemCode.Unavailable, "unavailable", 503)]
    public void Problem_has_a_code_and_a_status(ProblemCode code, string word, int status)
    {
        var problem = new Problem(code, "d");
        Assert.Equal(status, problem.Status);
        Assert.Equal($$"""{"code":"{{word}}","detail":"d"}""", JsonSerializer.Serialize(problem, ProtocolJson.Strict.Of<Problem>()));
    }

    [Theory]
    [InlineData("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z")]
    [InlineData("2026-03-01T13:00:00+01:00", "2026-03-01T12:00:00Z")]
    [InlineData("2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00.5Z")]
    public void Times_are_written_in_UTC_with_Z(string read, string written)
    {
        var json = ProtocolJson.Strict.Of<ClockAccepted>();
        Assert.Contains(written, JsonSerializer.Serialize(JsonSerializer.Deserialize($$"""{"expected":"{{read}}","shown":"{{read}}"}""", json)!, json), StringComparison.Ordinal);
    }
}
