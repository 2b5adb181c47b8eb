using System.Collections.Immutable;
using CertAuthority.Access.Roles;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What templates stand for.</summary>
public class TemplateTests
{
    private static readonly ImmutableDictionary<string, ImmutableArray<string>> Traits = ImmutableDictionary.CreateRange(StringComparer.Ordinal, new Dictionary<string, ImmutableArray<string>>
    {
        ["logins"] = ["alice", "deploy"],
        ["email"] = ["alice.smith@example.com"],
        ["emails"] = ["alice@example.com", "root@evil.example", "alice@example.com"],
        ["odd.name"] = ["x"],
        ["none"] = [],
        ["broken"] = ["@example.com", "no-at", "a@b@c", "ok@example.com"],
        ["two"] = ["root,admin"],
    });

    [Theory]
    [InlineData("alice", "alice")]
    [InlineData("{{internal.logins}}", "alice deploy")]
    [InlineData("{{external.logins}}", "alice deploy")]
    [InlineData("{{ external.logins }}", "alice deploy")]
    [InlineData("{{external[\"logins\"]}}", "alice deploy")]
    [InlineData("{{external[\"odd.name\"]}}", "x")]
    [InlineData("dev-{{external.logins}}", "dev-alice dev-deploy")]
    [InlineData("{{external.logins}}-adm", "alice-adm deploy-adm")]
    [InlineData("{{external.missing}}", "")]
    [InlineData("a{{external.none}}", "")]
    [InlineData("{{email.local(external.email)}}", "alice.smith")]
    [InlineData("{{email.local(external.broken)}}", "ok")]
    [InlineData("{{regexp.replace(external.emails, \"^(.*)@example.com$\", \"$1\")}}", "alice")]
    [InlineData("{{regexp.replace(external.email, \"^([a-z]+)\\\\.([a-z]+)@.*$\", \"${1}_$2\")}}", "alice_smith")]
    [InlineData("{{regexp.replace(email.local(external.email), \"\\.\", \"-\")}}", "alice-smith")]
    [InlineData("{{regexp.replace(external.email, \".*\", \"\")}}", "")]
    // Data stays data: what looks like two logins is one that is not a login.
    [InlineData("{{external.two}}", "root,admin")]
    public void Template_yields_the_values_of_a_trait(string text, string values) =>
        Assert.Equal(values, string.Join(' ', Read(text).Values(Traits)));

    [Theory]
    [InlineData("{{external.logins", "a template has one pair of {{ and }}")]
    [InlineData("external.logins}}", "a template has one pair of {{ and }}")]
    [InlineData("}}external.logins{{", "a template has one pair of {{ and }}")]
    [InlineData("{{external.a}}{{external.b}}", "a template has one pair of {{ and }}")]
    [InlineData("{{}}", "a name is missing in the template")]
    [InlineData("{{external}}", "external is followed by .NAME")]
    [InlineData("{{external.}}", "a name is missing in the template")]
    [InlineData("{{external.a b}}", "\"b\" is left over in the template")]
    [InlineData("{{external[a]}}", "a text in a template stands in double quotes")]
    [InlineData("{{external[\"a\"}}", "] is missing in the template")]
    [InlineData("{{env.HOME}}", "a template takes internal.NAME, external.NAME, email.local(…) or regexp.replace(…), not \"env\"")]
    [InlineData("{{email.domain(external.email)}}", "the functions are email.local(…) and regexp.replace(…)")]
    [InlineData("{{email.local(external.email}}", ") is missing in the template")]
    [InlineData("{{regexp.replace(external.email)}}", "regexp.replace takes a value, an expression and a replacement")]
    [InlineData("{{regexp.replace(external.email, \"(\", \"\")}}", "\"(\": a group is not closed")]
    [InlineData("{{regexp.replace(external.email, \"(a)\\\\1\", \"\")}}", "\"(a)\\1\": \"\\1\": RE2 has no references back to a group")]
    [InlineData("{{regexp.replace(external.email, \"(.*)\", \"$1x\")}}", "in a replacement, write ${1} where a letter, a digit or _ follows")]
    [InlineData("{{regexp.replace(external.email, \"a, \"\")}}", "regexp.replace takes a value, an expression and a replacement")]
    [InlineData("{{email.local(email.local(email.local(email.local(email.local(email.local(external.x))))))}}", "the template is nested too deeply")]
    public void Unreadable_template_is_rejected_with_the_reason(string text, string told)
    {
        Assert.Null(Template.TryParse(text, out var fault));
        Assert.Equal(told, fault);
    }

    [Fact]
    public void Hostile_expression_takes_bounded_time()
    {
        var template = Read("{{regexp.replace(external.x, \"^(a+)+$\", \"b\")}}");
        var traits = Traits.Add("x", [new string('a', 100_000) + "!"]);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Assert.Empty(template.Values(traits));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"took {watch.Elapsed}");
    }

    private static Template Read(string text) => Template.TryParse(text, out var fault) ?? throw new FormatException(fault);
}
