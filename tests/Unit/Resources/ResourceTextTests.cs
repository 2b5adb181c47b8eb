using System.Diagnostics;
using System.Text;
using CertAuthority.Resources;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Resources;

public class ResourceTextTests
{
    [Theory]
    [InlineData("anchor", "a: &x 1\n", "f:1:4: anchors are not read; write the value out")]
    [InlineData("alias", "a: *x\n", "f:1:4: aliases are not read; write the value out")]
    [InlineData("tag", "a: !!binary aGk=\n", "f:1:4: tags are not read")]
    [InlineData("tag of one's own", "a: !secret x\n", "f:1:4: tags are not read")]
    [InlineData("tag that says nothing", "a: ! x\n", "f:1:4: tags are not read")]
    [InlineData("tag on a map", "!role\na: 1\n", "f:1:1: tags are not read")]
    [InlineData("merge key", "b:\n  <<: {a: 1}\n", "f:2:3: merge keys are not read; write the values out")]
    [InlineData("duplicate key", "a: 1\nb: 2\na: 3\n", "f:3:1: \"a\" is given twice")]
    [InlineData("duplicate key, once quoted", "a: 1\n\"a\": 3\n", "f:2:1: \"a\" is given twice")]
    [InlineData("duplicate key, deeper", "a:\n  b: 1\n  b: 2\n", "f:3:3: \"b\" is given twice")]
    [InlineData("duplicate key in JSON", "{\"a\": 1,\n \"a\": 2}", "f:2:2: \"a\" is given twice")]
    [InlineData("duplicate key in JSON, once escaped", "{\"a\": 1, \"\\u0061\": 2}", "f:1:10: \"a\" is given twice")]
    [InlineData("a list as a key", "? [a, b]\n: 1\n", "f:1:3: a key must be a plain text")]
    [InlineData("NUL", "a: 1\nb: \0\n", "f:2:4: the file has NUL characters")]
    [InlineData("NUL after the end of a document", "a: 1\n...\n\0", "f:3:1: the file has NUL characters")]
    [InlineData("half a character in JSON", "{\"a\": \"x\",\n \"b\": [\"\\ud800\"]}", "f:2:8: an escape in this text is half a character")]
    [InlineData("half a character in a key of JSON", "{\"\\udc00\": 1}", "f:1:2: an escape in this text is half a character")]
    [InlineData("half a character in YAML", "a: \"\\ud800\"\n", "f:1:4: not YAML: While scanning a quoted scalar, found invalid Unicode surrogates.")]
    [InlineData("the second of two documents", "a: 1\n---\nb: *x\n", "f:3:4: aliases are not read; write the value out")]
    [InlineData("the second of two documents of JSON", "[{\"a\": 1},\n {\"b\": 1, \"b\": 2}]", "f:2:11: \"b\" is given twice")]
    public void Ambiguous_YAML_is_rejected(string what, string text, string fault)
    {
        var (documents, faults) = Text.Parse(text);
        Assert.True(faults.Contains(fault), $"{what}: {string.Join('\n', faults)}");
        Assert.Empty(documents);
    }

    [Fact]
    public void An_alias_to_an_anchor_is_refused_and_so_is_the_anchor() =>
        Assert.Equal(
            ["f:1:4: anchors are not read; write the value out", "f:2:4: aliases are not read; write the value out"], Text.Parse("a: &x 1\nb: *x\n").Faults);

    [Fact]
    public void All_faults_of_a_text_are_reported_at_once() =>
        Assert.Equal(
            ["f:1:4: tags are not read", "f:3:1: \"a\" is given twice", "f:6:4: anchors are not read; write the value out"],
            Text.Parse("a: !x 1\nb: 2\na: 3\n---\nd: 1\nc: &c 2\n").Faults);

    [Theory]
    [InlineData("one key of YAML", "a: 1\n", 100_000, "f:101:1: \"a\" is given twice")]
    [InlineData("anchors in a list", "- &a 1\n", 100_000, "f:100:3: anchors are not read; write the value out")]
    [InlineData("documents", "--- !x\na: 1\n", 100_000, "f:199:5: tags are not read")]
    [InlineData("a list of maps", "- {a: *x}\n", 100_000, "f:100:7: aliases are not read; write the value out")]
    public void Reading_stops_after_a_hundred_faults(string what, string again, int times, string last)
    {
        var (documents, faults) = Text.Parse(string.Concat(Enumerable.Repeat(again, times)));
        Assert.Empty(documents);
        Assert.True(faults.Length == 101, what);
        Assert.Equal([last, "f: there are more faults; mend these first"], faults[^2..]);
    }

    [Fact]
    public void At_most_a_hundred_faults_of_meaning_are_reported() =>
        Assert.Equal("f: there are more faults; mend these first", Text.NodeFaults(
            $"kind: node\nversion: v2\nmetadata: {{name: a}}\nspec: {{addr: a, {string.Join(", ", Enumerable.Range(0, 200).Select(n => $"k{n}: 1"))}}}\n")[100]);

    [Theory]
    [InlineData("an unclosed bracket", "a: [1, 2\n")]
    [InlineData("an unclosed quote", "a: \"1\n")]
    [InlineData("a tab for indentation", "a:\n\tb: 1\n")]
    [InlineData("a value beside a map", "a: 1\n b: 2\n")]
    [InlineData("JSON with a comma too many and a bracket too few", "{\"a\": [1,,}")]
    public void Malformed_YAML_is_rejected_with_its_place(string what, string text)
    {
        var fault = Assert.Single(Text.Parse(text).Faults);
        Assert.True(System.Text.RegularExpressions.Regex.IsMatch(fault, @"\Af:[1-9]\d*:[1-9]\d*: not YAML: .+\z"), $"{what}: {fault}");
    }

    [Theory]
    [InlineData("UTF-16 with a mark, little-endian", "utf-16", true, "f:1:1")]
    [InlineData("UTF-16 with a mark, big-endian", "utf-16BE", true, "f:1:1")]
    [InlineData("UTF-16 without a mark", "utf-16", false, "f:1:17")]
    [InlineData("UTF-32", "utf-32", true, "f:1:1")]
    [InlineData("Latin 1", "latin1", false, "f:1:9")]
    public void A_text_that_is_not_UTF_8_is_refused(string what, string encoding, bool mark, string place)
    {
        var writer = Encoding.GetEncoding(encoding);
        byte[] bytes = [.. mark ? writer.GetPreamble() : [], .. writer.GetBytes("kind: \"rôle\"\n")];
        Assert.Equal($"{what}: {place}: the file is not UTF-8 text", $"{what}: {Assert.Single(Text.Parse(bytes).Faults)}");
    }

    [Theory]
    [InlineData("kind: role\n")]
    [InlineData("{\"kind\": \"role\"}")]
    public void Leading_byte_order_mark_is_accepted(string text)
    {
        var (documents, faults) = Text.Parse([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)]);
        Assert.Empty(faults);
        Assert.Equal(("kind", "role"), Entry(Assert.Single(documents)));
    }

    public static readonly TheoryData<string, string> Bombs = new()
    {
        { "opened brackets", new string('[', 10_000) },
        { "closed brackets", new string('[', 10_000) + new string(']', 10_000) },
        { "braces", string.Concat(Enumerable.Repeat("{a: ", 10_000)) },
        { "closed braces of JSON", string.Concat(Enumerable.Repeat("{\"a\":", 10_000)) + "1" + new string('}', 10_000) },
        { "lists in lists", string.Concat(Enumerable.Repeat("- ", 10_000)) + "x" },
        { "keys in keys", string.Concat(Enumerable.Repeat("? ", 10_000)) + "x" },
        { "indented maps", string.Concat(Enumerable.Range(0, 1_000).Select(n => $"{new string(' ', n)}a:\n")) },
    };

    [Theory]
    [MemberData(nameof(Bombs))]
    public void Deep_nesting_is_rejected_where_it_passes_the_limit(string bomb, string text)
    {
        // Counted in bytes, which no other load changes: what is read to its end takes many times as many.
        var before = GC.GetAllocatedBytesForCurrentThread();
        var (documents, faults) = Text.Parse(text);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4 << 20, bomb);
        Assert.Empty(documents);
        Assert.EndsWith("more than 24 levels of nesting", Assert.Single(faults), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a: [x,\nx]\n", "f:1:6: not YAML: what follows cannot be read; inside brackets each line is indented")]
    [InlineData("a: {b: c,\nd: e}\n", "f:1:9: not YAML: what follows cannot be read; inside brackets each line is indented")]
    public void Text_that_the_parser_cannot_read_is_a_fault(string text, string fault) => Assert.Equal([fault], Text.Parse(text).Faults);

    [Fact]
    public void Any_altered_file_is_read_or_rejected_with_a_message()
    {
        const string Whole = "kind: role\nmetadata: {name: dba, labels: {a: 'b', c: \"d\"}}\nspec:\n  allow:\n    logins: [root,\n      postgres]\n    x: |\n      text\n    y: >-\n      more\n  ? k\n  : v\n---\n- a\n- &b c\n...\n";
        var change =
            from what in Gen.Elements('-', '+', '+', '|')
            from place in Gen.Choose(0, 999)
            from piece in Gen.Elements("\n \t:-?,[]{}#&*!|>'\"%@`x\r\u0085\u2028\ufeff".ToCharArray())
            select (what, place, piece);
        var file = Gen.Choose(1, 5).SelectMany(count => change.ArrayOf(count)).Select(changes => changes.Aggregate(Whole, (text, one) => one.what switch
        {
            '-' when text.Length > 1 => text.Remove(one.place % text.Length, 1),
            '+' => text.Insert(one.place % (text.Length + 1), one.piece.ToString()),
            _ => text[..(one.place % text.Length + 1)],
        }));
        Prop.ForAll(file.ToArbitrary(), text =>
        {
            var (documents, faults) = Text.Parse(text);
            Assert.True(documents.Count == 0 || faults.Length == 0);
            Assert.All(faults, fault => Assert.Matches(@"^f:[1-9]\d*:[1-9]\d*: \P{C}+$", fault));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
    }

    [Fact]
    public void Megabyte_on_one_line_costs_no_more_than_on_many()
    {
        // The same values with the same number of bytes, so that the load of the moment is on both; a scan of the line for each value is 100 times as much.
        var (many, one) = (Best("x,\n "), Best("x,  "));
        Assert.True(one < 10 * many, $"{one} on one line, {many} on many");

        static TimeSpan Best(string item)
        {
            var text = $"a: [{string.Concat(Enumerable.Repeat(item, 300_000))}]\n";
            return Enumerable.Range(0, 3).Min(_ =>
            {
                var clock = Stopwatch.StartNew();
                Assert.Empty(Text.Parse(text).Faults);
                return clock.Elapsed;
            });
        }
    }

    [Theory]
    [InlineData("no")]
    [InlineData("on")]
    [InlineData("yes")]
    [InlineData("true")]
    [InlineData("False")]
    [InlineData("0777")]
    [InlineData("0x1F")]
    [InlineData("1e3")]
    [InlineData("1_000")]
    [InlineData("12:30:45")]
    [InlineData("2026-03-01")]
    [InlineData(".inf")]
    [InlineData("3.10")]
    public void Plain_word_stays_text(string word)
    {
        Assert.Equal(("a", word), Entry(Assert.Single(Text.Parse($"a: {word}\n").Documents)));
        Assert.Equal((word, "a"), Entry(Assert.Single(Text.Parse($"{word}: a\n").Documents)));
    }

    [Theory]
    [InlineData("true", "true")]
    [InlineData("false", "false")]
    [InlineData("3.10", "3.10")]
    [InlineData("1e3", "1e3")]
    [InlineData("18446744073709551616", "18446744073709551616")]
    [InlineData("\"a\\u0020b\\/\"", "a b/")]
    public void JSON_value_reads_as_the_same_text_as_in_YAML(string json, string text) =>
        Assert.Equal(("a", text), Entry(Assert.Single(Text.Parse($"{{\"a\": {json}}}").Documents)));

    [Theory]
    [InlineData("documents of YAML", "a: 1\n---\na: 2\n", 2)]
    [InlineData("empty documents between", "---\n---\na: 1\n---\n---\na: 2\n...\n", 2)]
    [InlineData("an array of JSON", "[{\"a\": 1}, {\"a\": 2}]", 2)]
    [InlineData("an array of JSON, as jq prints it", "[\n  {\n    \"a\": 1\n  }\n]\n", 1)]
    [InlineData("a list of YAML", "- a: 1\n- a: 2\n", 2)]
    [InlineData("an empty array", "[]", 0)]
    [InlineData("comments only", "# nothing\n", 0)]
    [InlineData("nothing", "", 0)]
    public void File_can_hold_several_documents(string what, string text, int count)
    {
        var (documents, faults) = Text.Parse(text);
        Assert.Empty(faults);
        Assert.True(count == documents.Count, what);
        Assert.Equal(Enumerable.Range(1, count).Select(n => ("a", $"{n}")), documents.Select(Entry));
    }

    // What YAML's reader says of the same text, for it reads this much of JSON too.
    [Theory]
    [InlineData("{\"a\": 1, \"b\": [true, null,\n  \"x\"], \"c\": {\"d\": -1.5e3}}")]
    [InlineData("[{\"kind\": \"rôle\", \"😀\": \"x\", \"e\": 1},\r\n {}, []]")]
    [InlineData("\n\n  [  {\"a\":{}}  ,\n\n{\"b\" : [ ] } ]\n")]
    public void JSON_value_has_the_same_position_as_in_YAML(string json)
    {
        var (documents, faults) = Text.Parse(json);
        Assert.Empty(faults);
        Assert.Equal(Places(Text.Parse($"{json} # only YAML has comments").Documents), Places(documents));
    }

    [Fact]
    public void Leading_byte_order_mark_moves_no_position() =>
        Assert.Equal((1, 2), Place(Assert.IsType<ResourceNode.Map>(Assert.Single(Text.Parse([0xEF, 0xBB, 0xBF, .. "{\"a\": 1}"u8]).Documents)).Entries[0].Key));

    [Fact]
    public void A_value_knows_its_line_and_column()
    {
        var map = Assert.IsType<ResourceNode.Map>(Assert.Single(Text.Parse("# comment\na:\n  - x\n  -   y\n").Documents));
        var list = Assert.IsType<ResourceNode.List>(map.Entries[0].Value);
        Assert.Equal([(3, 5), (4, 7)], list.Items.Select(item => (item.At.Line, item.At.Column)));
    }

    private static string Places(IEnumerable<ResourceNode> nodes) => string.Join(' ', nodes.Select(node => $"{Place(node)}" + node switch
    {
        ResourceNode.Scalar scalar => scalar.IsNull ? "" : scalar.Text,
        ResourceNode.List list => $"[{Places(list.Items)}]",
        ResourceNode.Map map => $"{{{string.Join(' ', map.Entries.Select(entry => Places([entry.Key, entry.Value])))}}}",
        _ => throw new InvalidOperationException(),
    }));

    private static (int Line, int Column) Place(ResourceNode node) => (node.At.Line, node.At.Column);

    private static (string Key, string Value) Entry(ResourceNode node)
    {
        var (key, value) = Assert.Single(Assert.IsType<ResourceNode.Map>(node).Entries);
        return (key.Text, Assert.IsType<ResourceNode.Scalar>(value).Text);
    }
}
