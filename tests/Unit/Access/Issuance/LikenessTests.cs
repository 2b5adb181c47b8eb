using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Access;

public class LikenessTests
{
    private static readonly Gen<Role> AnyRole =
        from login in Gen.Elements("root", "{{internal.logins}}", "{{external.team}}")
        from selector in Gen.Elements(Sample.Where("env=prod"), Sample.Where("env=*"), LabelSelector.All)
        from denied in Gen.Frequency((4, Gen.Constant(Array.Empty<string>())), (1, Gen.Elements("root", "db").Select(one => new[] { one })))
        from hours in Gen.Elements(0, 0, 1, 8)
        from ends in Gen.Frequency((5, Gen.Constant<TimeSpan?>(null)), (1, Gen.Choose(-10, 10).Select(hours => (TimeSpan?)TimeSpan.FromHours(hours))))
        select Sample.Role("r", [login], selector, denyLogins: denied, ttl: hours == 0 ? null : TimeSpan.FromHours(hours)) with { Expires = Sample.Now + ends };

    private static readonly Gen<ImmutableSortedDictionary<string, ImmutableArray<string>>> Traits =
        from logins in Gen.SubListOf("db", "web", "d")
        from team in Gen.SubListOf("db", "b")
        select ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty.Add("logins", [.. logins]).Add("team", [.. team]);

    private static Gen<User> SomeUser(string name) =>
        from held in Gen.SubListOf("r0", "r1") from traits in Traits select Sample.User(name, [.. held]) with { Traits = traits };

    /// <summary>Two users and two times of issue: where the texts are the same, so is the answer of the policy.</summary>
    [Fact]
    public void Alike_certificates_have_one_verdict()
    {
        var (alike, apart) = (0, 0);
        var cases = from roles in AnyRole.Two().Select(two => Sample.Roles(two.Item1 with { Name = "r0" }, two.Item2 with { Name = "r1" }))
                    from other in AnyRole
                    from later in Gen.Elements(other with { Id = roles["r1"].Id, Name = "r1" }, roles["r1"] with { Expires = other.Expires })
                    from one in SomeUser("alice")
                    from two in SomeUser("bob")
                    from same in Gen.Elements(true, true, false)
                    from locks in Gen.Frequency(
                        (4, Gen.Constant(LocksInForce.None)), (1, Gen.Elements("user alice", "user bob", "role r1", "login root", "node n0").Select(one => Sample.Locked(one))))
                    from ago in Gen.Choose(0, 12).Two()
                    select (Before: roles, After: new Dictionary<string, Role>(roles) { ["r1"] = later }, One: one,
                        Other: same ? two with { Roles = one.Roles, Traits = one.Traits } : two,
                        Locks: locks, Ago: ago);
        Node[] nodes = [Sample.Node("n0", "env=prod"), Sample.Node("n1", "env=test")];
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            var (first, second) = (Certificates(one.Before, one.One, nodes, one.Ago.Item1), Certificates(one.Before, one.Other, nodes, one.Ago.Item2));
            return first.All(mine => second.All(theirs =>
            {
                var (left, right) = (Of(mine, one.One, one.After, one.Locks), Of(theirs, one.Other, one.After, one.Locks));
                if (left is null || left != right)
                {
                    apart++;
                    return true;
                }
                alike++;
                return Verdict(mine, one.One, one.After, nodes, one.Locks) is null == Verdict(theirs, one.Other, one.After, nodes, one.Locks) is null;
            }));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
        Assert.True(alike > 200 && apart > 200, $"{alike} alike, {apart} not");
    }

    [Fact]
    public void Values_of_traits_do_not_run_together()
    {
        var one = Sample.User("alice", "r") with { Traits = Sample.User("x").Traits.Add("a", ["b", "c"]) };

        Assert.NotEqual(Holder(one), Holder(one with { Traits = one.Traits.SetItem("a", ["b:c"]) }));
        Assert.NotEqual(Holder(one), Holder(one with { Roles = ["r", "a"] }));
        Assert.Equal(Holder(one), Holder(Sample.User("bob", "r") with { Traits = one.Traits }));

        static string? Holder(User user) => Likeness.HolderOf(user, Sample.Roles(), LocksInForce.None);
    }

    private static Likeness? Of(IssuedCertificate issued, User user, Dictionary<string, Role> roles, LocksInForce locks) =>
        Likeness.HolderOf(user, roles, locks) is { } holder
            ? new(holder, string.Join(' ', issued.Principals), $"{issued.Permissions}", issued.ValidBefore - issued.Issued) : null;

    private static string? Verdict(IssuedCertificate issued, User user, Dictionary<string, Role> roles, Node[] nodes, LocksInForce locks) =>
        Withdrawal.Reason(issued, user, [], roles, Sample.Nodes(nodes), locks, SiteLimits.Default);

    private static IEnumerable<IssuedCertificate> Certificates(Dictionary<string, Role> roles, User user, Node[] nodes, int hoursAgo)
    {
        var issued = Sample.Now.AddHours(-hoursAgo);
        var question = new IssuanceQuestion(issued, user, [], roles, nodes, null, 0, SiteLimits.Default) { Locks = LocksInForce.None };
        return IssuancePolicy.Decide(question).Holds(out var login, out _)
            ? login.Grants.Select(grant => new IssuedCertificate(
                new UnixIdentity(1, user.Name), issued, grant.Validity.Before, [.. grant.Principals.Select(principal => principal.ToString())], grant.Permissions))
            : [];
    }
}
