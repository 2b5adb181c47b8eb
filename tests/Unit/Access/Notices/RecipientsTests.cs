using CertAuthority.Access.Notices;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Users;

namespace CertAuthority.Tests.Unit.Access.Notices;

public class RecipientsTests
{
    private static readonly User Alice = Sample.User("alice").OwnedBy("5001");
    private static readonly User Bob = Sample.User("bob").OwnedBy("bob");
    private static readonly User Carol = Sample.User("carol").OwnedBy("5003", "bob");
    private static readonly User[] All = [Alice, Bob, Carol];

    // Who asked: alice. Who acts: an account with its uid, and behind a stroke the account that it logged in as.
    [Theory]
    [InlineData("suggested reviewers hear the request", "request.created", "bob,dave", "5001 alice", "bob")]
    [InlineData("everybody who can review is told if nobody was suggested", "request.created", "", "5001 alice", "bob,carol")]
    [InlineData("whoever files it for another person is not told", "request.created", "", "5003 carol", "bob")]
    [InlineData("whoever asks does not hear of it, by whomever it was filed", "request.created", "alice,bob", "0 root", "bob")]
    [InlineData("one account that owns two users knows what it did", "request.created", "bob,carol", "5002 bob", "")]
    [InlineData("the requester hears the decision", "request.approved", "bob", "0 root", "alice")]
    [InlineData("the requester hears a review", "request.reviewed", "bob", "5002 bob", "alice")]
    [InlineData("the requester hears a denial", "request.denied", "bob", "5002 bob", "alice")]
    [InlineData("the requester hears that somebody else cancelled", "request.cancelled", "bob", "4294967295 certauthority", "alice")]
    [InlineData("nobody hears that he cancelled", "request.cancelled", "bob", "5001 alice", "")]
    [InlineData("nobody hears that he denied through sudo", "request.denied", "bob", "0 root/5001 alice", "")]
    [InlineData("somebody else's sudo is another matter", "request.denied", "bob", "0 root/5002 bob", "alice")]
    [InlineData("the requester hears that his access ends", "access.ending", "bob", "4294967295 certauthority", "alice")]
    public void Notices_reach_those_concerned_but_never_the_actor(string what, string happened, string suggested, string by, string hear)
    {
        var request = Sample.Request(Alice, RequestState.Pending, Sample.Role("dba")) with { SuggestedReviewers = [.. suggested.Split(',', StringSplitOptions.RemoveEmptyEntries)] };
        var actors = by.Split('/').Select(one => one.Split(' ')).Select(one => new UnixIdentity(uint.Parse(one[0]), one[1])).ToList();
        var hearers = Recipients.For(happened, request, name => Array.Find(All, user => user.Name == name), () => All, Alice, new Answerer(actors[0], false, actors.ElementAtOrDefault(1)));
        Assert.True(hear == string.Join(',', hearers.Select(user => user.Name)), $"{what}: {string.Join(',', hearers.Select(user => user.Name))}");
    }

    [Fact]
    public void Removed_requester_is_not_notified() =>
        Assert.Empty(Recipients.For(NoticeEvents.Denied, Sample.Request(Alice, RequestState.Pending), _ => null, () => All, requester: null, new Answerer(new UnixIdentity(0, "root"), true)));

    [Fact]
    public void Each_address_of_all_recipients_is_used_once() =>
        Assert.Equal(
            ["a@example.com", "b@example.com", "not an address"],
            Recipients.Addresses([With(Alice, "a@example.com", "b@example.com", ""), With(Bob, "A@example.com", "not an address"), Carol]).ToArray());

    [Theory]
    [InlineData("erika", "erika@example.com")]
    [InlineData("e.r_i-k+a2", "e.r_i-k+a2@example.com")]
    [InlineData("erika@corp.example.com", null)]
    [InlineData("CORP\\erika", null)]
    [InlineData("erika\r\nBcc: eve", null)]
    [InlineData("erika>,<eve", null)]
    [InlineData("\"erika", null)]
    [InlineData("erika eve", null)]
    [InlineData("érika", null)]
    [InlineData("-oQ", null)]
    [InlineData(".erika", null)]
    [InlineData("erika.", null)]
    [InlineData("er..ika", null)]
    [InlineData("{user}", null)]
    public void Plain_name_of_a_group_user_makes_an_address(string name, string? address)
    {
        var user = Sample.User(name) with { FromGroups = ["staff"] };
        Assert.Equal(address is null ? [] : [address], Recipients.Addresses([user], "{user}@example.com").ToArray());
        Assert.Empty(Recipients.Addresses([user]));
        Assert.Empty(Recipients.Addresses([user with { FromGroups = [] }], "{user}@example.com"));
        Assert.Equal(["own@example.com"], Recipients.Addresses([With(user, "own@example.com")], "{user}@example.com").ToArray());
    }

    private static User With(User user, params string[] addresses) =>
        user with { Traits = user.Traits.Add(Recipients.AddressTrait, [.. addresses]) };
}
