using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>Ways to hosts that are reached through others.</summary>
public class WaysTests
{
    private static readonly Node Outer = Jump("outer", null);
    private static readonly Node Inner = Jump("inner", "outer");
    private static readonly Node Db1 = Sample.Node("db1") with { Via = "inner" };

    [Fact]
    public void Way_begins_with_the_host_to_connect_to_first()
    {
        var ways = new Ways([Db1, Inner, Outer]);
        Assert.Equal(["outer", "inner"], ways.To(Db1)!.Value.Select(node => node.Name));
        Assert.Empty(ways.To(Outer)!.Value);
        Assert.Equal(["inner", "db1"], ways.Behind("outer").Select(node => node.Name));
        Assert.Null(ways.Fault(Db1, Sample.Nodes(Db1, Inner, Outer)));
        Assert.Null(new Ways([Db1, Inner]).To(Db1));
        Assert.Null(new Ways([Db1, Inner, Outer with { Jump = false }]).To(Db1));
    }

    [Theory]
    [InlineData("missing", "node 'db1' is reached through missing, and there is no such node")]
    [InlineData("plain", "node 'db1' is reached through plain, which is no jump host")]
    [InlineData("db1", "the way to node 'db1' leads in a circle: db1, through db1")]
    [InlineData("round", "the way to node 'db1' leads in a circle: db1, through round, through round2, through round")]
    [InlineData("j5", "the way to node 'db1' has more than 4 jump hosts: db1, through j5, through j4, through j3, through j2, through j1")]
    [InlineData("j4", null)]
    public void Way_that_cannot_be_used_is_refused(string via, string? told)
    {
        var node = Jump("db1", via);
        Node[] nodes = [
            node, Sample.Node("plain"), Jump("round", "round2"), Jump("round2", "round"), Jump("j1", null), Jump("j2", "j1"), Jump("j3", "j2"),
            Jump("j4", "j3"), Jump("j5", "j4")];
        var ways = new Ways(nodes);
        Assert.Equal(told, ways.Fault(node, Sample.Nodes(nodes))?.Message);
        Assert.Equal(told is null, ways.To(node) is not null);
        Assert.Equal(via == "round" ? 2 : 1, ways.Behind("round").Length);
    }

    [Fact]
    public void Principals_of_a_jump_host_name_every_destination()
    {
        var v6 = Sample.Node("v6") with { Address = "[2001:db8::1]", Via = "inner" };
        Assert.Equal(
            """
            permitopen="[2001:db8::1]:22",permitopen="db1.example.com:22" certauthority-jump@inner
            permitopen="[2001:db8::1]:22",permitopen="db1.example.com:22" certauthority-jump

            """,
            new Ways([Db1, v6, Inner, Outer]).PrincipalsFile("inner"));
        // A line without a destination would permit all of them.
        Assert.Equal("", new Ways([Inner, Outer]).PrincipalsFile("inner"));
        Assert.Equal("", new Ways([Inner, Db1 with { Address = "no address" }]).PrincipalsFile("inner"));
    }

    [Fact]
    public void Jump_host_takes_no_more_hosts_than_sshd_reads()
    {
        Node[] many = [.. Enumerable.Range(0, Ways.MostBehind + 1).Select(i => Sample.Node($"n{i}") with { Via = "outer" })];
        Assert.Equal("4001 hosts are reached through outer; the limit is 4000", new Ways([Outer, .. many]).Fault(Outer, Sample.Nodes([Outer, .. many]))?.Message);
        Assert.Null(new Ways([Outer, .. many[1..]]).Fault(Outer, Sample.Nodes([Outer, .. many[1..]])));
    }

    private static Node Jump(string name, string? via) => Sample.Node(name) with { Jump = true, Via = via };
}
