using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace CertAuthority.Protocol;

/// <summary>
/// Distributes the members of a request over path, query and body, and collects them again. Client and daemon use this one mapping.
/// </summary>
public static class RouteBinding
{
    // Error messages repeat the text; only the bytes of files are longer.
    private const int LongestText = 64 << 10;

    /// <summary>Returns the target and the body of a call.</summary>
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

    /// <summary>
    /// Collects the request from a call. Throws <see cref="JsonException"/> for one that does not fit its type, and
    /// <see cref="ProblemException"/> for one with an empty member: a script sends an empty value when something went wrong before, and it
    /// must mean neither "all" nor "none".
    /// </summary>
    /// <param name="body">The body of a POST; ignored if the members are in the query.</param>
    /// <param name="outside">The members from path and query. One that is also in the body is rejected as a duplicate.</param>
    public static TRequest Gather<TRequest>(JsonObject? body, IEnumerable<KeyValuePair<string, string>> outside)
    {
        var members = body ?? [];
        foreach (var (name, value) in outside)
            if (!members.TryAdd(name, JsonValue.Create(value)))
                throw new JsonException($"\"{name}\" is given twice");
        var type = ProtocolJson.Strict.Of<TRequest>();
        var request = members.Deserialize(type) ?? throw new JsonException("the request is null");
        foreach (var member in type.Properties)
            if (FaultOf(member, member.Get?.Invoke(request)) is { } fault)
                throw new ProblemException(
                    new Problem(
                        ProblemCode.Invalid, $"\"{member.Name}\" {fault}",
                        member.IsGetNullable ? $"leave \"{member.Name}\" out, or give it a value" : null));
        return request;
    }

    /// <summary>Returns what is wrong with the value of a member, whatever its meaning; null if nothing is.</summary>
    private static string? FaultOf(JsonPropertyInfo member, object? value) => value switch
    {
        string { Length: > LongestText } => "is too long",
        string text when text.Contains('\0') => "has a NUL character in it",
        // A text with a default, such as a reason, may also be empty.
        string text when string.IsNullOrWhiteSpace(text)
            && (member.IsGetNullable || member.AssociatedParameter is { HasDefaultValue: false }) => "is empty",
        object[] { Length: 0 } => "is an empty list",
        object[] list when Array.Exists(list, item => item is null) => "has a null in it",
        string[] list when Array.Exists(list, string.IsNullOrWhiteSpace) => "has an empty item",
        string[] list when Array.Exists(list, item => item.Contains('\0')) => "has a NUL character in it",
        Dictionary<string, string> map when map.Any(entry => entry.Value is null) => "has a null in it",
        _ => null,
    };

    private static string Take(JsonObject members, string name)
    {
        var text = members[name]!.ToString();
        // As a part of a path, these would select another route.
        if (text is "" or "." or "..")
            throw new ProblemException(new Problem(ProblemCode.NotFound, $"there is no {name} \"{text}\""));
        members.Remove(name);
        return text;
    }
}
