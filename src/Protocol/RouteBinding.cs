using System.Text.Json;
using System.Text.Json.Nodes;

namespace CertAuthority.Protocol;

/// <summary>How the members of a request are spread over path, query and body, and gathered again. Both ends use this one mapping.</summary>
public static class RouteBinding
{
    /// <summary>The target and the body of a call.</summary>
    public static (string Target, byte[]? Body) Spread<TRequest>(Route route, TRequest request)
    {
        var members = JsonSerializer.SerializeToNode(request, ProtocolJson.Lenient.Of<TRequest>())!.AsObject();
        var target = string.Join('/', route.Path.Split('/').Select(part =>
            part is ['{', .., '}'] ? Uri.EscapeDataString(Take(members, part[1..^1])) : part));
        if (!route.UsesQuery)
            return (target, JsonSerializer.SerializeToUtf8Bytes(members, ProtocolJson.Lenient.Of<JsonObject>()));
        var query = string.Join('&', members.Select(member => $"{member.Key}={Uri.EscapeDataString(member.Value!.ToString())}"));
        return (query.Length == 0 ? target : $"{target}?{query}", null);
    }

    /// <summary>The request that a call carries. Throws <see cref="JsonException"/> for one that does not fit its type.</summary>
    /// <param name="body">The body of a POST; ignored where the members stand in the query.</param>
    /// <param name="outside">Members from path and query. One that the body names too is refused as a duplicate.</param>
    public static TRequest Gather<TRequest>(JsonObject? body, IEnumerable<KeyValuePair<string, string>> outside)
    {
        var members = body ?? [];
        foreach (var (name, value) in outside)
            if (!members.TryAdd(name, JsonValue.Create(value)))
                throw new JsonException($"\"{name}\" is given twice");
        return members.Deserialize(ProtocolJson.Strict.Of<TRequest>()) ?? throw new JsonException("the request is null");
    }

    private static string Take(JsonObject members, string name)
    {
        var text = members[name]!.ToString();
        // As a part of a path these mean another route.
        if (text is "" or "." or "..")
            throw new ProblemException(new Problem(ProblemCode.NotFound, $"there is no {name} \"{text}\""));
        members.Remove(name);
        return text;
    }
}
