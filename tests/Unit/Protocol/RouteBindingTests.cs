using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Protocol;

public class RouteBindingTests
{
    public static readonly TheoryData<string> Every = [.. Routes.All.Select(route => $"{route.Method} {route.Path}")];

    [Theory]
    [MemberData(nameof(Every))]
    public void Full_message_arrives_as_sent(string route) => Travels(Find(route), everything: true);

    [Theory]
    [MemberData(nameof(Every))]
    public void Minimal_message_arrives_as_sent(string route) => Travels(Find(route), everything: false);

    [Theory]
    [MemberData(nameof(Every))]
    public void Unknown_member_is_rejected(string route)
    {
        var (body, outside) = Sent(Find(route), everything: true);
        outside.Add(KeyValuePair.Create("sudo", "true"));
        Assert.Throws<JsonException>(() => Gather(Find(route), body, outside));
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void Repeated_member_is_rejected(string route)
    {
        var (body, outside) = Sent(Find(route), everything: true);
        var names = outside.Select(member => member.Key).Concat((body ?? []).Select(member => member.Key)).ToList();
        Assert.All(names, name =>
        {
            var twice = Assert.Throws<JsonException>(() => Gather(Find(route), Copy(body), [.. outside, KeyValuePair.Create(name, "again")]));
            Assert.Equal($"\"{name}\" is given twice", twice.Message);
        });
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void Member_names_are_case_sensitive(string route)
    {
        var (body, outside) = Sent(Find(route), everything: false);
        Assert.All(Needed(Find(route)), name =>
        {
            var capitals = name.ToUpperInvariant();
            var elsewhere = outside.Where(member => member.Key != name).Append(KeyValuePair.Create(capitals, "x")).ToList();
            var copy = Copy(body);
            copy?.Remove(name);
            Assert.Throws<JsonException>(() => Gather(Find(route), copy, elsewhere));
        });
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void Missing_member_is_rejected(string route)
    {
        var (body, outside) = Sent(Find(route), everything: false);
        Assert.All(Needed(Find(route)), name =>
        {
            var copy = Copy(body);
            copy?.Remove(name);
            Assert.Throws<JsonException>(() => Gather(Find(route), copy, [.. outside.Where(member => member.Key != name)]));
        });
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("../../etc")]
    [InlineData("a?name=b")]
    [InlineData("a#b")]
    [InlineData("a b")]
    [InlineData("100%")]
    [InlineData("%2e%2e")]
    [InlineData("ä&ö=ü")]
    [InlineData("a+b")]
    [InlineData("\u001b[2J")]
    public void Name_cannot_leave_its_place_in_the_path(string name)
    {
        var (target, _) = RouteBinding.Spread(Routes.GetMyNode, new GetMyNode(name, User: name));
        Assert.Matches(@"\A/v1/my/nodes/[^/?#&= +]+\?user=[^/?#&= +]+\z", target);
        var outside = Outside(Routes.GetMyNode, target);
        Assert.Equal(new GetMyNode(name, name), RouteBinding.Gather<GetMyNode>(null, outside));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    public void A_name_that_would_mean_another_route_is_not_sent(string name) =>
        Assert.Equal(ProblemCode.NotFound, Assert.Throws<ProblemException>(() => RouteBinding.Spread(Routes.GetRequest, new GetRequest(name))).Problem.Code);

    [Fact]
    public void Member_cannot_be_null_or_of_another_type()
    {
        Assert.Throws<JsonException>(() => RouteBinding.Gather<GetMyRequest>(null, [KeyValuePair.Create("id", "a"), KeyValuePair.Create("after", "many")]));
        Assert.Throws<JsonException>(() => RouteBinding.Gather<CreateRequest>(new JsonObject { ["roles"] = "dba" }, []));
        Assert.Throws<JsonException>(() => RouteBinding.Gather<CreateRequest>(new JsonObject { ["roles"] = new JsonArray("dba"), ["reason"] = null }, []));
    }

    public static readonly TheoryData<string, string, string> Empty = new()
    {
        { "POST /v1/requests/{id}/approve", """{"roles": []}""", "\"roles\" is an empty list" },
        { "POST /v1/requests/{id}/approve", """{"roles": [""]}""", "\"roles\" has an empty item" },
        { "POST /v1/requests/{id}/approve", """{"roles": ["dba", " "]}""", "\"roles\" has an empty item" },
        { "POST /v1/requests/{id}/approve", """{"roles": [null]}""", "\"roles\" has a null in it" },
        { "POST /v1/requests/{id}/approve", """{"roles": ["a\u0000"]}""", "\"roles\" has a NUL character in it" },
        { "POST /v1/requests/{id}/approve", """{"reason": "a\u0000"}""", "\"reason\" has a NUL character in it" },
        { "POST /v1/my/requests", """{"roles": [], "resources": ["node/db1"]}""", "\"roles\" is an empty list" },
        { "POST /v1/my/certificates", """{"public_key": "ssh-ed25519 AAAA", "requests": []}""", "\"requests\" is an empty list" },
        { "POST /v1/my/certificates", """{"public_key": " "}""", "\"public_key\" is empty" },
        { "POST /v1/certificates/revoke", """{"serials": [], "user": "alice"}""", "\"serials\" is an empty list" },
        { "POST /v1/certificates/revoke", """{"role": ""}""", "\"role\" is empty" },
        { "POST /v1/users/{name}", """{"roles": []}""", "\"roles\" is an empty list" },
        { "POST /v1/nodes/{name}/plan", """{"labels": {"env": null}}""", "\"labels\" has a null in it" },
    };

    [Theory]
    [MemberData(nameof(Empty))]
    public void Empty_value_is_rejected_whatever_it_could_mean(string route, string body, string told)
    {
        var found = Find(route);
        List<KeyValuePair<string, string>> outside = [.. found.Path.Split('/').Where(part => part.StartsWith('{')).Select(part => KeyValuePair.Create(part[1..^1], "x"))];
        var refused = Assert.Throws<ProblemException>(() => Gather(found, JsonNode.Parse(body)!.AsObject(), outside));
        Assert.Equal((ProblemCode.Invalid, told), (refused.Problem.Code, refused.Problem.Detail));
    }

    [Fact]
    public void Free_text_may_be_empty() =>
        Assert.Equal(new DenyRequest("x"), RouteBinding.Gather<DenyRequest>(new JsonObject { ["reason"] = "" }, [KeyValuePair.Create("id", "x")]));

    // Both ends are generic; a table of routes knows their types only at run time.
    private static void Travels(Route route, bool everything)
    {
        var sample = Sample(route.Request, everything);
        var (body, outside) = Sent(route, everything);
        Assert.Equal(Json(sample), Json(Gather(route, body, outside)));
    }

    private static (JsonObject? Body, List<KeyValuePair<string, string>> Outside) Sent(Route route, bool everything)
    {
        var (target, body) = (ValueTuple<string, byte[]?>)typeof(RouteBinding).GetMethod(nameof(RouteBinding.Spread))!.MakeGenericMethod(route.Request)
            .Invoke(null, [route, Sample(route.Request, everything)])!;
        Assert.Equal(route.UsesQuery, body is null);
        return (body is null ? null : JsonNode.Parse(body)!.AsObject(), Outside(route, target));
    }

    private static object Gather(Route route, JsonObject? body, List<KeyValuePair<string, string>> outside)
    {
        try
        {
            return typeof(RouteBinding).GetMethod(nameof(RouteBinding.Gather))!.MakeGenericMethod(route.Request).Invoke(null, [body, outside])!;
        }
        catch (TargetInvocationException e)
        {
            throw e.InnerException!;
        }
    }

    /// <summary>What a web server makes of the target: its path's parts, matched with the route's, and the query.</summary>
    private static List<KeyValuePair<string, string>> Outside(Route route, string target)
    {
        var (path, query) = target.Split('?', 2) is [var front, var back] ? (front, back) : (target, "");
        var (parts, names) = (path.Split('/'), route.Path.Split('/'));
        Assert.Equal(names.Length, parts.Length);
        return
        [
            .. names.Zip(parts).Where(pair => pair.First.StartsWith('{')).Select(pair => KeyValuePair.Create(pair.First[1..^1], Uri.UnescapeDataString(pair.Second))),
            .. query.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(member => member.Split('=')).Select(member => KeyValuePair.Create(member[0], Uri.UnescapeDataString(member[1]))),
        ];
    }

    private static List<string> Needed(Route route) =>
        [.. Constructor(route.Request).Where(parameter => !parameter.HasDefaultValue).Select(parameter => JsonNamingPolicy.SnakeCaseLower.ConvertName(parameter.Name!))];

    private static object Sample(Type message, bool everything) =>
        Activator.CreateInstance(message, [.. Constructor(message).Select(parameter => everything || !parameter.HasDefaultValue ? Value(parameter.ParameterType) : parameter.DefaultValue)])!;

    private static ParameterInfo[] Constructor(Type message) => message.GetConstructors().Single().GetParameters();

    private static object Value(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(string) => "ä \"q\" /?&=+%41",
        var t when t == typeof(string[]) => new[] { "one, two", "äß", "*" },
        var t when t == typeof(Dictionary<string, string>) => new Dictionary<string, string> { ["env"] = "prod", ["ä b"] = "" },
        var t when t == typeof(byte[]) => new byte[] { 0, 255, 10 },
        var t when t == typeof(ResourceFile[]) => new[] { new ResourceFile([0, 255, 10], "ä.yaml") },
        var t when t == typeof(bool) => true,
        var t when t == typeof(int) => 17,
        var t when t == typeof(long) => 1L << 60,
        var t when t == typeof(DateTimeOffset) => new DateTimeOffset(2026, 11, 22, 18, 0, 0, TimeSpan.Zero),
        var other => throw new NotSupportedException($"no sample of {other}"),
    };

    private static JsonObject? Copy(JsonObject? body) => body?.DeepClone().AsObject();

    private static string Json(object message) => JsonSerializer.Serialize(message, message.GetType(), ProtocolJson.Strict);

    private static Route Find(string route) => Routes.All.Single(one => $"{one.Method} {one.Path}" == route);
}
