using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace CertAuthority.Configuration;

/// <summary>
/// The settings that must be the same on all daemons of one database, because the daemon that leads brings the database in line with them:
/// another one would undo that when it takes over. Everything else is of the machine alone.
/// </summary>
internal static class SharedSettings
{
    private static readonly ImmutableArray<string> Fields = ["users_from_groups", "limits", "notify", "audit", "forget_nodes_after"];

    /// <summary>Writes them with the names of the configuration file. Like every summary, this has no secret.</summary>
    public static string Write(Settings settings)
    {
        var all = SettingsSummary.Write(settings);
        return new JsonObject(Fields.Select(field => KeyValuePair.Create(field, all[field]?.DeepClone()))).ToJsonString();
    }

    /// <summary>Returns a few words about each field that differs, such as "limits.access (30h there, 12h here)".</summary>
    /// <param name="recorded">The settings of the daemon that led last, as <see cref="Write"/> wrote them.</param>
    /// <param name="settings">The settings of this daemon.</param>
    public static List<string> Differences(string recorded, Settings settings)
    {
        var (there, here) = (Flat(recorded), Flat(Write(settings)));
        return
        [
            .. there.Keys.Union(here.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal)
                .Where(field => there.GetValueOrDefault(field) != here.GetValueOrDefault(field))
                .Select(field => $"{field} ({there.GetValueOrDefault(field, "nothing")} there, {here.GetValueOrDefault(field, "nothing")} here)"),
        ];
    }

    private static Dictionary<string, string> Flat(string json)
    {
        var flat = new Dictionary<string, string>(StringComparer.Ordinal);
        Add("", JsonNode.Parse(json));
        return flat;

        void Add(string name, JsonNode? node)
        {
            switch (node)
            {
                case JsonObject map:
                    foreach (var (field, value) in map)
                        Add(name.Length == 0 ? field : $"{name}.{field}", value);
                    break;
                case JsonArray list:
                    flat[name] = string.Join(", ", list.Select(value => $"{value}"));
                    break;
                case not null:
                    flat[name] = $"{node}";
                    break;
            }
        }
    }
}
