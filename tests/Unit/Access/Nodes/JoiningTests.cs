using System.Collections.Immutable;
using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>Which hosts may join by themselves.</summary>
public class JoiningTests
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA";
    private const string Other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB";

    private static readonly JoinToken Token = new("0123456789abcdef", "web1", "hash", null, 1, Sample.Now.AddMinutes(15), Sample.Labels("env=prod"), ["*.example.com"], Admits: true);

    private static readonly JoinRequest Request = new("web1", "web1.example.com:22", Sample.Now, Token.Id, Key, "proof", "proven", "hash-1");

    private static readonly Node Web1 = Sample.Node("web1");

    [Fact]
    public void Token_that_admits_gives_its_labels_and_is_used()
    {
        var outcome = Decide();
        Assert.True(outcome.IsNew);
        Assert.Equal((JoinState.Admitted, "prod", Sample.Now), (outcome.Join!.State, outcome.Join.Labels["env"], outcome.Join.Decided));
        Assert.Equal((JoinState.Pending, "the token does not admit by itself", null), Of(Decide(token: Token with { Admits = false })));
    }

    public static TheoryData<string, string?> Faults => new()
    {
        { "another token", "its token does not exist or has ended" },
        { "ended", "its token does not exist or has ended" },
        { "not proven", "it does not prove that it has the token" },
        { "another host key", "it does not prove that it has the token" },
        { "the host key", null },
        { "another name", "its token is for web1" },
        { "a pattern", null },
        { "a pattern with parts", null },
        { "a name with more parts", "its token is for web*" },
        { "used up", "its token is used up" },
        { "from the future", "it is from the future" },
        { "replayed", "it is not later than the last one" },
        { "read again", null },
        { "a node of that name", "there is a node of this name with another host key, or with none on record" },
        { "another waits", "another host key asks for this name already, and waits for an administrator" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Request_counts_only_with_its_token_and_for_a_free_name(string what, string? fault) => Assert.Equal(fault, (what switch
    {
        "another token" => Decide(token: null, noToken: true),
        "ended" => Decide(token: Token with { Ends = Sample.Now }),
        "not proven" => Decide(isProven: false),
        "another host key" => Decide(token: Token with { Secret = null, HostKey = "SHA256:other" }),
        "the host key" => Decide(token: Token with { Secret = null, HostKey = "SHA256:own" }, isProven: false),
        "another name" => Decide(Request with { Name = "web2" }),
        "a pattern" => Decide(Request with { Name = "web2" }, Token with { Name = "web*" }),
        "a pattern with parts" => Decide(Request with { Name = "web2.example.com" }, Token with { Name = "web*.example.com" }),
        "a name with more parts" => Decide(Request with { Name = "webmail.bank.example.com" }, Token with { Name = "web*" }),
        "used up" => Decide(token: Token with { Uses = 0 }),
        "from the future" => Decide(Request with { Time = Sample.Now.AddMinutes(6) }),
        "replayed" => Decide(before: Before(JoinState.Refused) with { Asked = Sample.Now }),
        "read again" => Decide(before: Before(JoinState.Refused) with { Asked = Sample.Now, Request = "hash-1" }),
        "a node of that name" => Decide(nodes: [Web1]),
        "another waits" => Decide(before: Before(JoinState.Pending) with { Key = Other }),
        _ => throw new InvalidOperationException(what),
    }).Fault);

    [Fact]
    public void Same_host_may_ask_again_without_a_token()
    {
        var waiting = Decide(before: Before(JoinState.Pending), noToken: true);
        Assert.Equal((JoinState.Pending, false, "hash-1"), (waiting.Join!.State, waiting.IsNew, waiting.Join.Request));
        var joined = Decide(before: Before(JoinState.Admitted) with { Node = Web1.Id }, nodes: [Web1], noToken: true);
        Assert.Equal((JoinState.Admitted, Web1.Id, false), (joined.Join!.State, joined.Join.Node, joined.IsNew));
        Assert.Equal(Web1.Id, Decide(nodes: [Web1], certified: Key, noToken: true).Join!.Node);
        // Not under a name that was given to another node since, nor with another key.
        Assert.NotNull(Decide(before: Before(JoinState.Admitted) with { Node = Guid.NewGuid() }, nodes: [Web1]).Fault);
        Assert.NotNull(Decide(before: Before(JoinState.Admitted) with { Node = Web1.Id, Key = Other }, nodes: [Web1]).Fault);
        // Whoever was refused needs another token, and whoever's node is gone needs one.
        Assert.Equal((JoinState.Refused, false), (Decide(before: Before(JoinState.Refused)).Join!.State, Decide(before: Before(JoinState.Refused)).IsNew));
        Assert.NotNull(Decide(before: Before(JoinState.Refused) with { Token = "fedcba9876543210" }, noToken: true).Fault);
        Assert.True(Decide(before: Before(JoinState.Refused) with { Token = "fedcba9876543210" }).IsNew);
        Assert.NotNull(Decide(before: Before(JoinState.Admitted) with { Node = Web1.Id }, noToken: true).Fault);
    }

    [Theory]
    [InlineData("web1", null)]
    [InlineData("web1.example.com:2222", null)]
    [InlineData("bank.test", "the token does not name this address")]
    [InlineData("192.0.2.7", "the token does not name this address")]
    [InlineData("db1.example.com", "another node has this name or address")]
    public void Address_is_admitted_only_if_the_token_names_it(string address, string? doubt)
    {
        var (state, note, _) = Of(Decide(Request with { Address = address }, nodes: [Sample.Node("db1")]));
        Assert.Equal((doubt is null ? JoinState.Admitted : JoinState.Pending, doubt), (state, note));
        Assert.Equal("another node has this name or address", Of(Decide(nodes: [Sample.Node("db1") with { Address = "web1" }])).Item2);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("labels env=prod\n", false)]
    [InlineData("proof none\n", false)]
    public void Only_the_whole_form_is_read(string more, bool isRead)
    {
        var text = $"certauthority-join v1\nname web1\naddress WEB1.example.com:22\ntime 2026-03-01T12:00:00Z\ntoken 0123456789abcdef\nkey {Key}\nproof {new string('0', 64)}\n{more}";
        var read = JoinRequest.Parse(text, hashed => $"[{hashed.Length}]");
        Assert.Equal(isRead, read is not null);
        if (read is not null)
            Assert.Equal(("web1.example.com:22", Key, $"[{text.Length - 71}]"), (read.Address, read.Key, read.Proven));
    }

    private static (JoinState?, string?, DateTimeOffset?) Of(JoinOutcome outcome) => (outcome.Join?.State, outcome.Join?.Note, outcome.Join?.Decided);

    private static Join Before(JoinState state) =>
        new("web1", Key, "web1", ImmutableSortedDictionary<string, string>.Empty, Token.Id, Sample.Now.AddMinutes(-5), "hash-0", state);

    private static JoinOutcome Decide(
        JoinRequest? request = null, JoinToken? token = null, bool isProven = true, Join? before = null, Node[]? nodes = null, string? certified = null, bool noToken = false) =>
        Joining.Decide(request ?? Request, "SHA256:own", noToken ? null : token ?? Token, isProven, before, Sample.Nodes(nodes ?? []), certified, Sample.Now);
}
