using System.Text.Json;
using System.Text.Json.Nodes;
using CertAuthority.Access.Values;

namespace CertAuthority.Store;

/// <summary>
/// Converts a resource as schemas up to 17 stored it, as the text of its file, to the format of schema 18. Migration 18 calls it. It works
/// on plain JSON and uses none of today's rules: it stays as it is, even when files and rows change.
/// </summary>
internal static class ResourceText17
{
    /// <summary>
    /// Returns the row's JSON. A text that those schemas did not write stays unchanged, so that the daemon reports it instead of losing it.
    /// </summary>
    /// <param name="kind"><c>role</c>, <c>user</c>, <c>node</c> or <c>lock</c>.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="text">The stored text.</param>
    /// <param name="fromGroups">For a user, the groups that make an account this user, as JSON; null for a user from a file.</param>
    public static string Row(string kind, string name, string text, string? fromGroups)
    {
        try
        {
            var file = new Fields(JsonNode.Parse(text));
            var (metadata, spec) = (file.Map("metadata"), file.Map("spec"));
            if (Text(file["kind"]) != kind || Text(metadata["name"]) != name)
                return text;
            _ = metadata["revision"];
            var version = Text(file["version"]) ?? throw new FormatException();
            var row = kind switch
            {
                "role" => Role(version, metadata, spec),
                "user" => User(name, spec, fromGroups),
                "node" => Node(metadata, spec),
                _ => Lock(spec),
            };
            return file.AreTaken ? row.ToJsonString() : text;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            return text;
        }
    }

    private static JsonObject User(string name, Fields spec, string? fromGroups) => Some(
        ("roles", Texts(spec["roles"])),
        ("unix_users",
            spec["unix_users"] is { } entries
                ? new JsonArray([.. Texts(entries).Select(entry => Entry(Text(entry)!))])
                : new JsonArray($"account:{name}")),
        ("traits", Lists(spec["traits"])),
        ("from_groups", fromGroups is null ? null : JsonNode.Parse(fromGroups)));

    private static JsonNode Entry(string text) => $"{(text.All(char.IsAsciiDigit) ? "uid" : "account")}:{text}";

    private static JsonObject Node(Fields metadata, Fields spec) => Some(
        ("address", Text(spec["addr"]) ?? throw new FormatException()),
        ("labels", Pairs(metadata["labels"])),
        ("krl_max_age", Seconds(spec["krl_max_age"])),
        ("login_domain", Text(spec["login_domain"])),
        ("push", Flag(spec["push"])),
        ("other_cas", Filled(Texts(spec["other_cas"]))));

    private static JsonObject Lock(Fields spec)
    {
        var (kind, target) = Map(spec["target"]).Single();
        return Some(("kind", kind), ("target", Text(target)), ("message", Text(spec["message"])), ("expires", Time(spec["expires"])));
    }

    private static JsonObject Role(string version, Fields metadata, Fields spec)
    {
        var allow = Side(spec.Map("allow"));
        // Files of version 3 mean every host if they name none.
        if (version == "v3" && allow["logins"] is not null && allow["node_labels"] is null)
            allow["node_labels"] = new JsonObject { ["*"] = new JsonArray("*") };
        return Some(
            ("version", version),
            ("description", Text(metadata["description"])),
            ("labels", Pairs(metadata["labels"])),
            ("expires", Time(metadata["expires"])),
            ("allow", Filled(allow)),
            ("deny", Filled(Side(spec.Map("deny")))),
            ("options", Filled(Options(spec.Map("options")))),
            ("reviewers", Filled(Texts(spec["reviewers"]))));
    }

    private static JsonObject Side(Fields side)
    {
        var (request, reviewing) = (side.Map("request"), side.Map("review_requests"));
        var reason = request.Map("reason");
        return Some(
            ("logins", Filled(Texts(side["logins"]))),
            ("node_labels", Lists(side["node_labels"])),
            ("request_roles", Filled(Texts(request["roles"]))),
            ("search_as_roles", Filled(Texts(request["search_as_roles"]))),
            ("max_request_duration", Seconds(request["max_duration"])),
            ("counts_from_approval", Text(request["clock"]) == "approval" ? true : null),
            ("thresholds", Filled(new JsonArray([.. request.Maps("thresholds").Select(Threshold)]))),
            ("require_all_thresholds", Text(request["require"]) == "all" ? true : null),
            ("suggested_reviewers", Filled(Texts(request["suggested_reviewers"]))),
            ("reason_required", Text(reason["mode"]) == "required" ? true : null),
            ("reason_prompt", Text(reason["prompt"])),
            ("annotations", Lists(request["annotations"])),
            ("review_roles", Filled(Texts(reviewing["roles"]))),
            ("review_where", Text(reviewing["where"])));
    }

    private static JsonNode Threshold(Fields one) => Some(
        ("name", Text(one["name"]) ?? ""), ("filter", Text(one["filter"])), ("approve", Number(one["approve"])),
        ("deny", Number(one["deny"])));

    private static JsonObject Options(Fields options) => Some(
        ("max_session_ttl", Seconds(options["max_session_ttl"])),
        ("forward_agent", Flag(options["forward_agent"])),
        ("port_forwarding", Flag(options["port_forwarding"])),
        ("x11_forwarding", Flag(options["permit_x11_forwarding"])),
        ("conditions", Filled(Some(
            ("force-command", Text(options["force_command"])),
            ("source-address", Joined(Texts(options["source_address"]))),
            ("verify-required", Flag(options["verify_required"]) is null ? null : "")))),
        ("request_access", Text(options["request_access"])),
        ("request_prompt", Text(options["request_prompt"])),
        ("extensions",
            Filled(
                new JsonObject(
                    options.Maps("cert_extensions")
                        .Select(
                            one => KeyValuePair.Create<string, JsonNode?>(
                                Text(one["name"]) ?? throw new FormatException(), Text(one["value"]) ?? ""))))));

    private static JsonObject Some(params (string Name, JsonNode? Value)[] members) =>
        new(members.Where(member => member.Value is not null).Select(member => KeyValuePair.Create(member.Name, member.Value)));

    private static JsonNode? Filled(JsonArray items) => items.Count > 0 ? items : null;

    private static JsonNode? Filled(JsonObject members) => members.Count > 0 ? members : null;

    private static JsonObject Map(JsonNode? node) => node is null ? [] : node.AsObject();

    private static string? Text(JsonNode? node) =>
        node is null ? null : node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : node.AsValue().ToJsonString();

    // A single value is a list of one.
    private static IReadOnlyList<JsonNode?> Items(JsonNode? node) => node is JsonArray ? [.. node.AsArray()] : node is null ? [] : [node];

    private static JsonArray Texts(JsonNode? node) => [.. Items(node).Select(item => (JsonNode?)Text(item ?? throw new FormatException()))];

    private static string? Joined(JsonArray texts) =>
        texts.Count == 0 ? null : string.Join(',', texts.Select(text => text!.GetValue<string>()));

    private static JsonNode? Pairs(JsonNode? node) =>
        Filled(new JsonObject(Map(node).Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, Text(pair.Value)))));

    private static JsonNode? Lists(JsonNode? node) =>
        Filled(new JsonObject(Map(node).Select(list => KeyValuePair.Create<string, JsonNode?>(list.Key, Texts(list.Value)))));

    private static JsonNode? Flag(JsonNode? node) => Text(node) is null or "false" or "no" or "off" ? null : true;

    private static JsonNode? Number(JsonNode? node) => Text(node) is { } text ? int.Parse(text) : null;

    private static JsonNode? Seconds(JsonNode? node) =>
        Text(node) is { } text ? Durations.TryParse(text, out var length) ? (long)length.TotalSeconds : throw new FormatException() : null;

    private static JsonNode? Time(JsonNode? node) =>
        Text(node) is { } text ? Instants.TryParse(text, out var time) ? time.ToUnixTimeSeconds() : throw new FormatException() : null;

    /// <summary>Reads the members of a map. Those schemas did not write any member that is not taken.</summary>
    private sealed class Fields(JsonNode? map)
    {
        private readonly JsonObject? map = map?.AsObject();
        private readonly HashSet<string> taken = new(StringComparer.Ordinal);
        private readonly List<Fields> below = [];

        public JsonNode? this[string name]
        {
            get
            {
                taken.Add(name);
                return map?[name];
            }
        }

        /// <summary>Whether every member was taken, and every member below them.</summary>
        public bool AreTaken => (map ?? []).All(member => taken.Contains(member.Key)) && below.TrueForAll(each => each.AreTaken);

        public Fields Map(string name) => Below(this[name]);

        public IEnumerable<Fields> Maps(string name) => Items(this[name]).Select(Below);

        private Fields Below(JsonNode? node)
        {
            below.Add(new Fields(node));
            return below[^1];
        }
    }
}
