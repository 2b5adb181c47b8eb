using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>Nodes with an end: nothing opens them after it, and no certificate that names them lasts longer.</summary>
public class NodeEndTests
{
    private static readonly Role Ops = Sample.Role("ops", ["deploy"], Sample.Where("env=prod"));

    private static readonly Gen<LabelSelector> Selector = Gen.Elements(LabelSelector.None, LabelSelector.All, Sample.Where("env=prod"), Sample.Where("env=*"));

    private static readonly Gen<int?> Minutes = Gen.Elements<int?>(null, null, -60, 0, 10, 60, 600, 6000);

    private static readonly Gen<IssuanceQuestion> SomeQuestion =
        from selectors in Selector.ArrayOf(3)
        from logins in Gen.Elements("deploy", "root").ArrayOf(3)
        from ends in Minutes.ArrayOf(4)
        from labels in Gen.Elements("env=prod", "env=test").ArrayOf(4)
        from only in Gen.Elements(null, null, "n0", "n1")
        let roles = selectors.Select((selector, n) => Sample.Role($"r{n}", [logins[n]], selector)).ToArray()
        select new IssuanceQuestion(
            Sample.Now, Sample.User("alice", [.. roles.Select(role => role.Name)]), [], Sample.Roles(roles),
            [.. ends.Select((end, n) => Sample.Node($"n{n}", labels[n]) with { Expires = end is { } after ? Sample.Now.AddMinutes(after) : null })],
            null, 0, SiteLimits.Default)
        {
            Locks = LocksInForce.None,
            Node = only,
        };

    [Fact]
    public void No_certificate_outlives_a_node_that_it_names()
    {
        var (granted, earlier) = (0, 0);
        Prop.ForAll(SomeQuestion.ToArbitrary(), question => !IssuancePolicy.Decide(question).Holds(out var login, out _) || login.Grants.All(grant =>
        {
            var nodes = question.Nodes.ToDictionary(node => node.Name, StringComparer.Ordinal);
            var issued = new IssuedCertificate(
                Sample.AliceAtHerDesk, Sample.Now, grant.Validity.Before, [.. grant.Principals.Select(principal => principal.ToString())], grant.Permissions);
            granted++;
            var isSound = grant.Principals.All(principal => principal.Node is null || !(nodes[principal.Node].Expires < grant.Validity.Before))
                && Judge(question, issued, nodes.Values) is null;
            // An end that somebody moves forward takes the certificate with it, unless a bare login opens the host anyway.
            foreach (var principal in grant.Principals.Where(one => one.Node is not null))
            {
                var sooner = nodes.Values.Select(node => node.Name == principal.Node ? node with { Expires = issued.ValidBefore.AddSeconds(-1) } : node);
                var isBare = question.Roles.Values.Any(role => role.Allow.NodeLabels.IsAll && role.Allow.Logins.Any(one => one.Text == principal.Login));
                earlier += isBare ? 0 : 1;
                isSound &= isBare || Judge(question, issued, sooner) is not null;
            }
            return isSound;
        })).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
        Assert.True(granted > 100 && earlier > 100, $"{granted} granted, {earlier} earlier");
    }

    private static string? Judge(IssuanceQuestion question, IssuedCertificate issued, IEnumerable<Node> nodes) =>
        Withdrawal.Reason(issued, question.User, [], question.Roles, Sample.Nodes([.. nodes]), LocksInForce.None, SiteLimits.Default);

    [Fact]
    public void Host_that_ends_first_needs_a_certificate_of_its_own()
    {
        var (soon, later) = (Sample.Now.AddMinutes(10), Sample.Now.AddDays(400));
        var question = Ask(Sample.Node("web1", "env=prod") with { Expires = soon }, Sample.Node("web2", "env=prod") with { Expires = later }, Sample.Node("web3", "env=prod"));

        var everyday = IssuancePolicy.Decide(question).Granted();
        Assert.Equal("deploy@web2 deploy@web3", string.Join(' ', everyday.Grants.Single().Principals));
        Assert.Equal((1, Sample.Now + SiteLimits.Default.Certificate), (everyday.LeftOut, everyday.Grants.Single().Validity.Before));
        Assert.True(IssuancePolicy.Reach(question).Granted().PerHost);

        var own = IssuancePolicy.Decide(question with { Node = "web1" }).Granted().Grants.Single();
        Assert.Equal(("deploy@web1", soon, "the end of node web1"), (string.Join(' ', own.Principals), own.Validity.Before, own.Validity.LimitedBy));
        Assert.Equal(soon, Explanation.Explain(question with { Node = "web1" }).Validity!.Before);
    }

    [Fact]
    public void Ended_node_is_neither_reached_nor_requested()
    {
        var over = Sample.Node("web1", "env=prod") with { Expires = Sample.Now };
        var question = Ask(over);
        Assert.Empty(IssuancePolicy.Reach(Ask(over, Sample.Node("web2", "env=prod"))).Granted().Nodes.Where(node => node.Node.Name == "web1"));
        Assert.False(IssuancePolicy.Decide(question).Holds(out _, out _));
        Assert.Equal("node \"web1\" has ended, so nothing opens it", IssuancePolicy.Decide(Ask(over, Sample.Node("web2", "env=prod")) with { Node = "web1" }).Refused().Message);
        Assert.Equal("alice can log in as deploy on web1: no: node \"web1\" has ended", Explanation.Explain(question with { Node = "web1" }, "deploy").Verdict);
        // A question that is asked of other nodes later forgets nothing of that.
        Assert.False(IssuancePolicy.Decide(Ask() with { Nodes = [over] }).Holds(out _, out _));
        var asking = Sample.Role("asking", mayRequest: ["ops"]) is var role ? role with { Allow = role.Allow with { SearchAsRoles = role.Allow.RequestRoles } } : role;
        Assert.Empty(Asked(over));
        Assert.Equal(["web1"], Asked(over with { Expires = Sample.Now.AddSeconds(1) }));

        string[] Asked(Node node) =>
            [.. Elevation.WithinAsking(Sample.User("alice", "asking"), RequestKind.Resources, Sample.Roles(asking, Ops), [node], LocksInForce.None, Sample.Now).SelectMany(one => one.Nodes)];
    }

    [Fact]
    public void Ended_node_gets_no_host_certificate() => Assert.Equal(
        $"node \"web1\" has ended: its spec.expires is {Instants.Show(Sample.Now)}",
        HostCertification.Decide(Sample.Node("web1") with { Expires = Sample.Now }, LocksInForce.None, Sample.Now, null).Refused().Message);

    private static IssuanceQuestion Ask(params Node[] nodes) => new(
        Sample.Now, Sample.User("alice", "ops"), [], Sample.Roles(Ops), nodes, null, 0, SiteLimits.Default)
    {
        Locks = LocksInForce.None,
    };
}
