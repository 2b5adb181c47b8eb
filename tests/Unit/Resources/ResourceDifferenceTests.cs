using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.Protocol;
using CertAuthority.Resources;

namespace CertAuthority.Tests.Unit.Resources;

/// <summary>What the audit says that a change was.</summary>
public class ResourceDifferenceTests
{
    [Theory]
    [InlineData("{}", "{}", "")]
    [InlineData("{a: 1, b: x}", "{b: x, a: 1}", "")]
    [InlineData("{a: x}", "{a: y}", "a: x => y")]
    [InlineData("{a: true}", "{}", "a: true => ")]
    [InlineData("{}", "{a: 4}", "a:  => 4")]
    [InlineData("{a: ''}", "{a: x}", "a:  => x")]
    [InlineData("{a: {b: {c: x, d: y}}}", "{a: {b: {c: z, d: y}}}", "a.b.c: x => z")]
    // Lists of values are told value by value.
    [InlineData("{a: [x, y]}", "{a: [y, z, w]}", "a: x => |a:  => z|a:  => w")]
    [InlineData("{a: [x, x]}", "{a: [x]}", "a: x => ")]
    [InlineData("{a: [x]}", "{}", "a: x => ")]
    [InlineData("{a: [x, y]}", "{a: [y, x]}", "a: [\"x\",\"y\"] => [\"y\",\"x\"]")]
    // Other lists place by place.
    [InlineData("{a: [{n: 1}, {n: 2}]}", "{a: [{n: 1}, {n: 3}, {n: 4}]}", "a[1].n: 2 => 3|a[2].n:  => 4")]
    // Empty is not nothing.
    [InlineData("{a: []}", "{}", "a: [] => ")]
    [InlineData("{}", "{a: {}}", "a:  => {}")]
    [InlineData("{a: {}}", "{a: []}", "a: {} => []")]
    [InlineData("{a: {b: x}}", "{a: [x]}", "a: {\"b\":\"x\"} => [\"x\"]")]
    [InlineData("{a: x}", "{a: [x]}", "a: x => [\"x\"]")]
    // A name that is no word is quoted, so that it cannot pass for a path.
    [InlineData("{labels: {'*': '*', 'a.b': x}}", "{labels: {'a.b': y, '': z}}", "labels[\"*\"]: * => |labels[\"a.b\"]: x => y|labels[\"\"]:  => z")]
    public void Changed_fields_are_listed_with_old_and_new_values(string before, string after, string expected)
    {
        var difference = ResourceDifference.Between(Json(before), Json(after));
        Assert.Equal(expected, string.Join('|', difference.Changes.Select(change => $"{change.Path}: {change.Old} => {change.New}")));
        Assert.Equal(0, difference.LeftOut);
        // The way back is the same with the sides changed.
        var back = ResourceDifference.Between(Json(after), Json(before));
        Assert.Equal(difference.Changes.Select(Key).Order(), back.Changes.Select(change => Key(new AuditChange(change.Path, change.New, change.Old))).Order());

        static string Key(AuditChange change) => $"{change.Path}: {change.Old ?? "nothing"} => {change.New ?? "nothing"}";
    }

    [Fact]
    public void Created_or_removed_resource_lists_every_field()
    {
        Assert.Equal([new AuditChange("a", null, "x"), new AuditChange("b.c", null, "1")], ResourceDifference.Between(null, Json("{a: x, b: {c: 1}}")).Changes.AsEnumerable());
        Assert.Equal(new AuditChange("a", "x"), Assert.Single(ResourceDifference.Between(Json("{a: x}"), null).Changes));
    }

    [Fact]
    public void Difference_is_bounded_and_says_how_much_was_left_out()
    {
        var many = new JsonObject(Enumerable.Range(0, 1000).Select(n => KeyValuePair.Create<string, JsonNode?>($"key{n}", new string('ä', 50))));
        var difference = ResourceDifference.Between(null, many);
        Assert.InRange(difference.Changes.Sum(change => Encoding.UTF8.GetByteCount(change.Path) + Encoding.UTF8.GetByteCount(change.New!)), 3900, ResourceDifference.MostBytes);
        Assert.Equal(1000, difference.Changes.Length + difference.LeftOut);

        // One giant hides nothing that comes after it.
        var giant = ResourceDifference.Between(null, new JsonObject { ["a"] = new string('x', 1_000_000), [new string('p', 5000)] = "path", ["z"] = "last" });
        Assert.Equal("last", giant.Changes[^1].New);
        Assert.All(giant.Changes, change => Assert.InRange(change.Path.Length + change.New!.Length, 1, (2 * ResourceDifference.LongestValue) + 4));
    }

    [Fact]
    public void Long_values_are_shown_where_they_differ()
    {
        var common = new string('x', 2000);
        var change = Assert.Single(ResourceDifference.Between(new JsonObject { ["a"] = common + "old" }, new JsonObject { ["a"] = common + "new" + common }).Changes);
        Assert.EndsWith("xold", change.Old);
        Assert.StartsWith("…xxx", change.Old);
        Assert.Contains("xnewx", change.New);
        Assert.EndsWith("…", change.New);
        // Also where half a character is in common.
        var emoji = Assert.Single(ResourceDifference.Between(new JsonObject { ["a"] = string.Concat(Enumerable.Repeat("😀", 500)) }, new JsonObject { ["a"] = string.Concat(Enumerable.Repeat("😁", 500)) }).Changes);
        Assert.All([emoji.Old!, emoji.New!], text => Assert.DoesNotContain(text.EnumerateRunes(), rune => rune == Rune.ReplacementChar));
    }

    [Theory]
    [InlineData("spec.push", "false", "true", "push false→true")]
    [InlineData("spec.roles", null, "dba", "roles +dba")]
    [InlineData("spec.roles", "dba", null, "roles -dba")]
    [InlineData("metadata.description", "", "a; serial=7", "metadata.description \"\"→\"a; serial=7\"")]
    [InlineData("spec.message", null, "he said \"x\", spec.push false→true", "message +\"he said \\\"x\\\", spec.push false→true\"")]
    public void Short_form_quotes_ambiguous_values(string path, string? old, string? now, string expected) =>
        Assert.Equal($"changed={expected}", new AuditEntry { Time = DateTimeOffset.UnixEpoch, Event = "role.updated", Changes = [new AuditChange(path, old, now)] }.DescribeFacts());

    [Fact]
    public void Short_form_counts_the_changes_it_omits()
    {
        var entry = new AuditEntry
        {
            Time = DateTimeOffset.UnixEpoch,
            Event = "role.updated",
            Changes = [.. Enumerable.Range(0, 50).Select(n => new AuditChange($"spec.labels.key{n}", null, new string('x', 100)))],
            ChangesLeftOut = 7,
            Reason = "why",
        };
        Assert.Matches("^changed=labels.key0 \\+x{39}…, [0-9]+ more; reason=why$", entry.DescribeFacts());
        Assert.InRange(entry.DescribeFacts().Length, 60, 110);
        Assert.Contains("56 more", entry.DescribeFacts());
    }

    // As a resource file would have it: texts, but for numbers and flags.
    private static JsonObject Json(string flow) =>
        JsonNode.Parse(System.Text.RegularExpressions.Regex.Replace(flow.Replace("'", "\"", StringComparison.Ordinal), """(?<!["\w*.])([a-z]+[0-9]*)(?![\w".])""", match => match.Value is "true" or "false" ? match.Value : $"\"{match.Value}\""))!.AsObject();
}
