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
        Assert.Equal("over", Forgotten([(gone, At(-31)), (over, null), There], started: Sample.Now.AddMinutes(-59)));
        Assert.Equal("gone over", Forgotten([(gone, At(-31)), (over, null), There], started: Sample.Now.AddMinutes(-60)));
    }

    [Theory]
    [InlineData(1, 0, "cut off")]
    [InlineData(1, 1, "gone0")]
    [InlineData(9, 1, "gone0 gone1 gone2 gone3 gone4 gone5 gone6 gone7 gone8")]
    [InlineData(10, 1, "cut off")]
    public void None_is_removed_while_nearly_none_is_there(int gone, int there, string forgotten)
    {
        (Node, DateTimeOffset?)[] hosts = [.. Enumerable.Range(0, gone).Select(n => (Sample.Node($"gone{n}"), At(-31))), .. Enumerable.Range(0, there).Select(n => (Sample.Node($"there{n}"), (DateTimeOffset?)Sample.Now))];
        Assert.Equal(forgotten, Forgotten(hosts));
        // Hosts of the other kind say nothing about these.
        Assert.Equal(forgotten, Forgotten([.. hosts, .. Enumerable.Range(0, 50).Select(n => (Sample.Node($"written{n}") with { Push = true }, (DateTimeOffset?)Sample.Now))]));
        Assert.Equal(forgotten, Forgotten([.. hosts.Select(one => (one.Item1 with { Push = true }, one.Item2)), There]));
    }

    private static (Node, DateTimeOffset?) There => (Sample.Node("there"), Sample.Now);

    [Fact]
    public void Last_instant_that_a_person_can_write_is_never_over()
    {
        var never = Sample.Node("never") with { Expires = new DateTimeOffset(9999, 12, 31, 0, 0, 0, TimeSpan.Zero) };
        Assert.Equal(DateTimeOffset.MaxValue, Vanishing.ForgottenAt(never, seen: null, Month));
        Assert.Equal(DateTimeOffset.MaxValue, Vanishing.ForgottenAt(Sample.Node("web1"), DateTimeOffset.MaxValue, TimeSpan.FromDays(36500)));
        Assert.Equal("", Forgotten([(never, null), There]));
    }

    /// <summary>A network that comes back shows a few hosts first.</summary>
    [Theory]
    [InlineData("stopped or suspended")]
    [InlineData("cut off")]
    public void After_a_break_every_host_has_time_to_be_seen(string how)
    {
        var looking = new Looking(At(-50)!.Value, At(-50)!.Value, Sample.Now.AddMinutes(how == "cut off" ? -5 : -16));
        (Node, DateTimeOffset?)[] hosts = [.. Enumerable.Range(0, 10).Select(n => (Sample.Node($"host{n}"), At(-31)))];
        if (how == "cut off")
            looking = Vanishing.Forgotten(hosts, Month, looking, Sample.Now).Looking;
        // One of them in ten is seen again, and the others a little later: not one is gone.
        hosts[0].Item2 = Sample.Now;
        for (var minutes = 5; minutes < 60; minutes += 5)
        {
            (var gone, _, looking) = Vanishing.Forgotten(hosts, Month, looking, Sample.Now.AddMinutes(minutes));
            Assert.Empty(gone);
        }
        hosts[0].Item2 = Sample.Now.AddMinutes(70);
        Assert.Equal(9, Vanishing.Forgotten(hosts, Month, looking, Sample.Now.AddMinutes(70)).Nodes.Count);
    }

    private static string Forgotten(IReadOnlyCollection<(Node, DateTimeOffset?)> nodes, DateTimeOffset? started = null)
    {
        var since = started ?? At(-2)!.Value;
        var (some, isCutOff, _) = Vanishing.Forgotten(nodes, Month, new Looking(since, since, Sample.Now.AddMinutes(-5)), Sample.Now);
        return isCutOff ? string.Concat(some.Select(node => $"{node.Name} ")) + "cut off" : string.Join(' ', some.Select(node => node.Name));
    }

    private static DateTimeOffset? At(int? days) => days is { } some ? Sample.Now.AddDays(some) : null;
}
