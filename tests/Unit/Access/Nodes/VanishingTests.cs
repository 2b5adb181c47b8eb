using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>Which nodes are removed because their hosts are gone.</summary>
public class VanishingTests
{
    private static readonly TimeSpan Month = TimeSpan.FromDays(30);

    [Theory]
    [InlineData("never seen", null, null, null)]
    [InlineData("seen", -29, null, 1)]
    [InlineData("seen long ago", -31, null, -1)]
    [InlineData("ended, and never seen", null, -31, -1)]
    [InlineData("ended, and seen before", -40, -31, -10)]
    [InlineData("ended, and seen since", -5, -31, -1)]
    [InlineData("ends later, and was never seen", null, 5, 35)]
    [InlineData("ends later, and was seen", -29, 5, 1)]
    public void Node_is_removed_when_unseen_or_ended_for_so_long(string what, int? seen, int? end, int? removed)
    {
        var node = Sample.Node("web1") with { Expires = At(end) };
        Assert.True(At(removed) == Vanishing.ForgottenAt(node, At(seen), Month), what);
        Assert.Null(Vanishing.ForgottenAt(node, At(seen), after: null));
    }

    [Fact]
    public void Hosts_count_as_gone_only_after_the_daemon_has_looked()
    {
        var (gone, over) = (Sample.Node("gone"), Sample.Node("over") with { Expires = At(-40) });
        Assert.Equal("over", Forgotten([(gone, At(-31)), (over, null)], started: Sample.Now.AddMinutes(-59)));
        Assert.Equal("gone over", Forgotten([(gone, At(-31)), (over, null)], started: Sample.Now.AddMinutes(-60)));
    }

    [Fact]
    public void None_is_removed_if_most_hosts_are_gone_at_once()
    {
        var some = Enumerable.Range(0, 21).Select(n => (Sample.Node($"n{n}"), At(n < 11 ? -31 : -1))).ToList();
        Assert.Equal("more than half are gone", Forgotten(some));
        Assert.Equal(11, Forgotten([.. some, (Sample.Node("n21"), At(-1))])!.Split(' ').Length);
        Assert.Equal(10, Forgotten(some.Take(10).ToList())!.Split(' ').Length);
    }

    private static string? Forgotten(IReadOnlyCollection<(Node, DateTimeOffset?)> nodes, DateTimeOffset? started = null) =>
        Vanishing.Forgotten(nodes, Month, started ?? At(-2)!.Value, Sample.Now) is { } some ? string.Join(' ', some.Select(node => node.Name)) : "more than half are gone";

    private static DateTimeOffset? At(int? days) => days is { } some ? Sample.Now.AddDays(some) : null;
}
