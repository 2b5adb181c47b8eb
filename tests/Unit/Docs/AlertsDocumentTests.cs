using CertAuthority.Protocol;
using CertAuthority.Resources;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>Each Sigma rule of docs/alerts.md can be read, is whole, and names only events and members that entries have.</summary>
public class AlertsDocumentTests
{
    private static readonly Document Page = Document.Read("docs/alerts.md");

    private static readonly string[] Levels = ["informational", "low", "medium", "high", "critical"];

    public static TheoryData<string> Sections => [.. Page.Text.Split("\n## ").Skip(1).Select(section => section.Split('\n')[0])];

    [Fact]
    public void Page_has_ten_alerts_of_both_kinds()
    {
        Assert.Equal(10, Page.Text.Split("\n## ").Length - 1);
        Assert.Equal(Enumerable.Repeat(("jq", "yaml"), 10), Page.Blocks.Where(block => block.Info is "jq").Zip(Page.Blocks.Where(block => block.Info is "yaml"), (jq, yaml) => (jq.Info, yaml.Info)));
        var ids = Page.Text.Split('\n').Where(line => line.StartsWith("id: ", StringComparison.Ordinal)).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.All(ids, id => Assert.True(Guid.TryParseExact(id["id: ".Length..], "D", out _), id));
    }

    [Theory]
    [MemberData(nameof(Sections))]
    public void Sigma_rule_is_whole_and_names_what_entries_have(string section)
    {
        var yaml = Page.Blocks.Where(block => block.Info == "yaml").ElementAt(int.Parse(section.Split('.')[0], null) - 1).Content;
        var faults = new Faults(section);
        var rules = ResourceText.Parse(System.Text.Encoding.UTF8.GetBytes(yaml), faults).Cast<ResourceNode.Map>().ToList();
        Assert.Empty(faults.Lines);
        Assert.NotEmpty(rules);
        var names = rules.Select(rule => Find(rule, "name")).OfType<ResourceNode.Scalar>().Select(name => name.Text).ToList();
        foreach (var rule in rules)
        {
            Assert.All((string[])["title", "id", "status", "description", "level"], field => Assert.NotEqual("", Text(rule, field)));
            Assert.Contains(Text(rule, "level"), Levels);
            if (Find(rule, "correlation") is ResourceNode.Map correlation)
            {
                Assert.Contains(Text(correlation, "type"), (string[])["event_count", "temporal_ordered"]);
                Assert.Matches("^[0-9]+[smh]$", Text(correlation, "timespan"));
                Assert.Equal(names, Texts(Find(correlation, "rules")!));
                Assert.All(Texts(Find(correlation, "group-by")!), member => Assert.Contains(member, All));
                Assert.Equal(Text(correlation, "type") == "event_count", Find(correlation, "condition") is not null);
                continue;
            }
            var source = (ResourceNode.Map)Find(rule, "logsource")!;
            Assert.Equal(("certauthority", "audit"), (Text(source, "product"), Text(source, "service")));
            var detection = (ResourceNode.Map)Find(rule, "detection")!;
            var selections = detection.Entries.Where(entry => entry.Key.Text != "condition").ToList();
            Assert.Equal(string.Join(" or ", selections.Select(selection => selection.Key.Text)), Text(detection, "condition"));
            Assert.All(selections, selection => Check((ResourceNode.Map)selection.Value));
        }
    }

    /// <summary>The events exist, and each has the members that the rule looks at.</summary>
    private static void Check(ResourceNode.Map selection)
    {
        var (key, value) = selection.Entries[0];
        Assert.Contains(key.Text, (string[])["event", "event|startswith"]);
        foreach (var text in Texts(value))
        {
            var events = AuditEvents.All.Where(one => key.Text == "event" ? one.Name == text : one.Name.StartsWith(text, StringComparison.Ordinal)).ToList();
            Assert.True(events.Count > 0, $"there is no event {text}");
            foreach (var (member, _) in selection.Entries.Skip(1))
                Assert.All(events, one => Assert.Contains(member.Text.Split('|')[0], one.Always.Concat(one.Sometimes)));
        }
    }

    private static string[] All => [.. AuditEvents.All.SelectMany(one => one.Always.Concat(one.Sometimes)), .. AuditEvents.OfEveryEntry, .. AuditEvents.OfCallers];

    private static ResourceNode? Find(ResourceNode.Map map, string field) => map.Entries.FirstOrDefault(entry => entry.Key.Text == field).Value;

    private static string Text(ResourceNode.Map map, string field) => Find(map, field) is ResourceNode.Scalar text ? text.Text : "";

    private static string[] Texts(ResourceNode node) => node is ResourceNode.List list ? [.. list.Items.Select(item => ((ResourceNode.Scalar)item).Text)] : [((ResourceNode.Scalar)node).Text];
}
