using CertAuthority.Access.Roles;

namespace CertAuthority.Tests.Unit.Access;

public class LabelSelectorTests
{
    [Theory]
    [InlineData("the value", new[] { "env=prod" }, new[] { "env=prod" }, true)]
    [InlineData("another value", new[] { "env=prod" }, new[] { "env=dev" }, false)]
    [InlineData("another key", new[] { "env=prod" }, new[] { "tier=prod" }, false)]
    [InlineData("no label at all", new[] { "env=prod" }, new string[0], false)]
    [InlineData("one of the values", new[] { "env=prod,staging" }, new[] { "env=staging" }, true)]
    [InlineData("none of the values", new[] { "env=prod,staging" }, new[] { "env=dev" }, false)]
    [InlineData("both keys", new[] { "env=prod", "type=db" }, new[] { "env=prod", "type=db" }, true)]
    [InlineData("one key of two", new[] { "env=prod", "type=db" }, new[] { "env=prod", "type=web" }, false)]
    [InlineData("one key of two, the other absent", new[] { "env=prod", "type=db" }, new[] { "env=prod" }, false)]
    [InlineData("labels beyond what is asked", new[] { "env=prod" }, new[] { "env=prod", "type=db" }, true)]
    [InlineData("a glob", new[] { "env=prod*" }, new[] { "env=prod-eu" }, true)]
    [InlineData("a regular expression", new[] { "env=^prod-(eu|us)$" }, new[] { "env=prod-us" }, true)]
    [InlineData("a regular expression that does not fit", new[] { "env=^prod-(eu|us)$" }, new[] { "env=prod-ap" }, false)]
    [InlineData("any value of a key that is there", new[] { "env=*" }, new[] { "env=" }, true)]
    [InlineData("any value of a key that is not there", new[] { "env=*" }, new[] { "type=db" }, false)]
    [InlineData("all, and no label", new[] { "*=*" }, new string[0], true)]
    [InlineData("all, and a label", new[] { "*=*" }, new[] { "env=prod" }, true)]
    [InlineData("all beside a key that fits", new[] { "*=*", "env=prod" }, new[] { "env=prod" }, true)]
    [InlineData("all beside a key that does not fit", new[] { "*=*", "env=prod" }, new[] { "env=dev" }, false)]
    [InlineData("a key in another case", new[] { "env=prod" }, new[] { "Env=prod" }, false)]
    public void Selector_needs_every_key_and_any_of_its_values(string situation, string[] selector, string[] labels, bool selected) =>
        Assert.True(selected == Sample.Where(selector).Matches(Sample.Labels(labels)), situation);

    [Fact]
    public void Empty_selector_matches_no_node()
    {
        Assert.False(LabelSelector.None.Matches(Sample.Labels()));
        Assert.False(LabelSelector.None.Matches(Sample.Labels("env=prod")));
        Assert.True(LabelSelector.None.IsNone);
    }

    [Fact]
    public void Only_a_single_star_means_all_hosts()
    {
        Assert.True(LabelSelector.All.IsAll);
        Assert.True(Sample.Where("*=*").IsAll);
        Assert.False(Sample.Where("*=*", "env=prod").IsAll);
        Assert.False(Sample.Where("env=*").IsAll);
        Assert.False(LabelSelector.None.IsAll);
    }
}
