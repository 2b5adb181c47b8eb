using System.Text.Json;
using CertAuthority.Tctl;
using YamlDotNet.RepresentationModel;

namespace CertAuthority.Tests.Unit.Tctl;

public class YamlTests
{
    [Theory]
    [InlineData("""{"a": "b"}""", "a: b")]
    [InlineData("""{"a": {"b": ["c", "d"]}}""", "a:|  b:|    - c|    - d")]
    [InlineData("""{"a": [{"b": "c", "d": {"e": 1}}]}""", "a:|  - b: c|    d:|      e: 1")]
    [InlineData("""{"a": [["b", "c"], []]}""", "a:|  - - b|    - c|  - []")]
    [InlineData("""{"a": {}, "b": [], "c": null, "d": true, "e": 1.50}""", "a: {}|b: []|c: null|d: true|e: 1.50")]
    [InlineData("""{"*": "*"}""", "\"*\": \"*\"")]
    [InlineData("""{"no": 1}""", "\"no\": 1")]
    [InlineData("[]", "[]")]
    [InlineData("{}", "{}")]
    public void Output_is_in_block_style(string json, string yaml) => Assert.Equal(yaml.Split('|'), Yaml.Lines(Parse(json)));

    [Theory]
    [InlineData("access", "access")]
    [InlineData("db1.example.com", "db1.example.com")]
    [InlineData("v5", "v5")]
    [InlineData("No", "\"No\"")]
    [InlineData("y", "\"y\"")]
    [InlineData("OFF", "\"OFF\"")]
    [InlineData("null", "\"null\"")]
    [InlineData("~", "\"~\"")]
    [InlineData("", "\"\"")]
    [InlineData(".inf", "\".inf\"")]
    [InlineData("0777", "\"0777\"")]
    [InlineData("1e3", "\"1e3\"")]
    [InlineData("12:30:45", "\"12:30:45\"")]
    [InlineData("2026-11-22", "\"2026-11-22\"")]
    [InlineData("1h", "\"1h\"")]
    [InlineData("a: b", "\"a: b\"")]
    [InlineData("a #b", "\"a #b\"")]
    [InlineData("- a", "\"- a\"")]
    [InlineData("---", "\"---\"")]
    [InlineData("<<", "\"<<\"")]
    [InlineData("=", "\"=\"")]
    [InlineData("&a", "\"&a\"")]
    [InlineData("{{internal.logins}}", "\"{{internal.logins}}\"")]
    [InlineData("^db-.*$", "\"^db-.*$\"")]
    [InlineData("a\"b\\c", "\"a\\\"b\\\\c\"")]
    [InlineData("a\nb\tc\e", "\"a\\u000ab\\u0009c\\u001b\"")]
    [InlineData("caf\u00e9", "\"caf\u00e9\"")]
    [InlineData("\u202e\u2028\u0085\ufeff", "\"\\u202e\\u2028\\u0085\\ufeff\"")]
    [InlineData("\U0001f600", "\"\U0001f600\"")]
    [InlineData("\U000e0001", "\"\\U000e0001\"")]
    public void A_string_stays_a_string(string text, string scalar)
    {
        Assert.Equal([scalar], Yaml.Lines(JsonSerializer.SerializeToElement(text)));
        Assert.Equal(text, ReadBack(scalar));
    }

    private static string ReadBack(string document)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(document));
        return Assert.IsType<YamlScalarNode>(stream.Documents.Single().RootNode).Value!;
    }

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
