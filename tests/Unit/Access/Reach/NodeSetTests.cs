using System.Collections.Immutable;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Access;

public sealed class NodeSetTests
{
    private static readonly Gen<LabelSelector> Selector = Gen.Elements(
        "env=prod", "env=prod,test", "env=prod,prod", "env=gone", "env=*", "env=p*", "env=^(prod|test)$", "env=prod;team=a", "env=p*;team=b", "team=a,b;env=test", "none=x")
        .Select(Parsed).Or(Gen.Elements(LabelSelector.All, LabelSelector.None));

    // Below and above the size from which there is an index.
    private static readonly Gen<ImmutableArray<Node>> Nodes =
        from count in Gen.Choose(0, 60)
        from nodes in (
            from env in Gen.Elements<string?>("prod", "test", "Prod", null)
            from team in Gen.Elements<string?>("a", "b", null)
            from minutes in Gen.Elements<int?>(null, null, null, -60, 0, 10)
            select (env, team, minutes)).ArrayOf(count)
        select nodes.Select((one, n) => Sample.Node($"n{n}") with
        {
            Labels = Labels(("env", one.env), ("team", one.team)),
            Expires = one.minutes is { } some ? Sample.Now.AddMinutes(some) : null,
        }).ToImmutableArray();

    [Fact]
    public void Selects_what_the_selector_matches() =>
        Prop.ForAll(Nodes.ToArbitrary(), Selector.ToArbitrary(), (nodes, selector) =>
            ((NodeSet)nodes).Selected(selector).ToHashSet().SetEquals(nodes.Where(node => selector.Matches(node.Labels)))
            && ((NodeSet)nodes).Selected(selector).Length == nodes.Count(node => selector.Matches(node.Labels))).QuickCheckThrowOnFailure();

    [Fact]
    public void Knows_names_and_ends() =>
        Prop.ForAll(Nodes.ToArbitrary(), nodes =>
        {
            NodeSet set = nodes;
            var (now, later) = (Sample.Now, Sample.Now.AddMinutes(10));
            Assert.Equal(nodes, set);
            Assert.Equal(nodes.Where(node => !node.IsOver(now)), set.Standing(now));
            Assert.Equal(nodes.Where(node => node.IsOver(now)), set.Ended(now));
            Assert.Equal(nodes.Where(node => node.Expires < later), set.EndingBefore(later));
            Assert.All(nodes, node => Assert.Same(node, set.Named(node.Name)));
            Assert.Null(set.Named("gone"));
        }).QuickCheckThrowOnFailure();

    private static LabelSelector Parsed(string text) => new(text.Split(';').Select(entry => entry.Split('=')).ToImmutableSortedDictionary(
        entry => entry[0], entry => entry[1].Split(',').Select(value => NamePattern.TryParse(value, out _)!).ToImmutableArray(), StringComparer.Ordinal));

    private static ImmutableSortedDictionary<string, string> Labels(params (string Key, string? Value)[] some) =>
        some.Where(one => one.Value is not null).ToImmutableSortedDictionary(one => one.Key, one => one.Value!, StringComparer.Ordinal);
}
