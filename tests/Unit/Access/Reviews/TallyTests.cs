using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What reviews amount to. How a case is written is said in <see cref="Case"/>.</summary>
public class TallyTests
{
    [Theory]
    [InlineData("nobody has voted", "c1:", "", "0 of 1 approval")]
    [InlineData("one of three", "c1: 3/2", "dev1+", "1 of 3 approvals")]
    [InlineData("a denial is none", "c1: 3/2", "dev1-", "0 of 3 approvals")]
    [InlineData("any of two thresholds", "c1: 1/1 @lead | 2/1 @dev", "dev1+", "0 of 1 approval from lead or 1 of 2 approvals from dev")]
    [InlineData("all of two thresholds", "c1: 1/1 @lead & 2/1 @dev", "lead1+", "0 of 2 approvals from dev")]
    [InlineData("the thresholds of two roles", "c1: 1 @lead; c2: 2", "dev1+", "0 of 1 approval from lead|1 of 2 approvals")]
    [InlineData("a vote does not help", "c1: 0/1", "dev1+", "no threshold of role c1 approves: an administrator answers it")]
    [InlineData("it is approved", "c1:", "dev1+", "")]
    public void Pending_request_counts_its_approvals(string situation, string rules, string reviews, string needs)
    {
        var roles = Case.Roles(rules, "a");
        var request = Case.File(roles, "a");
        Assert.True(needs == string.Join('|', Case.Count(request, Case.Votes(roles, request, reviews), roles).Needs), situation);
    }

    [Theory]
    // Without thresholds one review of each sort decides.
    [InlineData("nobody has said a word", "c1:", "a", "", "needs 1 approval")]
    [InlineData("one approval", "c1:", "a", "dev1+", "APPROVED a")]
    [InlineData("one denial", "c1:", "a", "dev1-", "DENIED")]
    [InlineData("the first decides, whatever would have come", "c1:", "a", "dev1- dev2+", "DENIED")]
    // Three of n.
    [InlineData("one of three", "c1: 3/2", "a", "dev1+", "needs 2 more approvals")]
    [InlineData("two of three", "c1: 3/2", "a", "dev1+ dev2+", "needs 1 more approval")]
    [InlineData("three of three", "c1: 3/2", "a", "dev1+ dev2+ dev3+", "APPROVED a")]
    [InlineData("three and a denial too few", "c1: 3/2", "a", "dev1+ dev2- dev3+ dev4+", "APPROVED a")]
    [InlineData("two of three and two denials", "c1: 3/2", "a", "dev1+ dev2- dev3+ dev4-", "DENIED")]
    // Filters.
    [InlineData("the wrong one approves", "c1: 1/1 @lead", "a", "dev1+", "needs 1 approval from lead")]
    [InlineData("the wrong one denies", "c1: 1/1 @lead", "a", "dev1-", "needs 1 approval from lead")]
    [InlineData("the right one approves", "c1: 1/1 @lead", "a", "dev1- lead1+", "APPROVED a")]
    [InlineData("by a trait", "c1: 1/1 @dba", "a", "dev1+ dev2db+", "APPROVED a")]
    [InlineData("only with a reason", "c1: 1/1 @why", "a", "dev1+ dev2+:because", "APPROVED a")]
    [InlineData("a denial without the reason does not count", "c1: 1/1 @why", "a", "dev1-", "needs 1 approval from why")]
    // Two thresholds, any of them.
    [InlineData("neither is met", "c1: 1/1 @lead | 2/1 @dev", "a", "dev1+", "needs 1 approval from lead or 1 more approval from dev")]
    [InlineData("the first is met", "c1: 1/1 @lead | 2/1 @dev", "a", "lead1+", "APPROVED a")]
    [InlineData("the second is met", "c1: 1/1 @lead | 2/1 @dev", "a", "dev1+ dev2+", "APPROVED a")]
    [InlineData("either can deny", "c1: 1/1 @lead | 2/1 @dev", "a", "dev1-", "DENIED")]
    [InlineData("a denial for the threshold that is not met denies all the same", "c1: 1/1 @lead | 2/1 @dev", "a", "dev1- lead1+", "DENIED")]
    [InlineData("one vote counts for both", "c1: 2 @dev | 2", "a", "dev1+ lead1+", "APPROVED a")]
    // Two thresholds, all of them.
    [InlineData("all: neither is met", "c1: 1/1 @lead & 2/1 @dev", "a", "dev1+", "needs 1 approval from lead and 1 more approval from dev")]
    [InlineData("all: the first is met", "c1: 1/1 @lead & 2/1 @dev", "a", "lead1+", "needs 2 approvals from dev")]
    [InlineData("all: the second is met", "c1: 1/1 @lead & 2/1 @dev", "a", "dev1+ dev2+", "needs 1 approval from lead")]
    [InlineData("all: both are met", "c1: 1/1 @lead & 2/1 @dev", "a", "dev1+ lead1+ dev2+", "APPROVED a")]
    [InlineData("all: either can deny", "c1: 1/1 @lead & 2/1 @dev", "a", "dev1+ lead1-", "DENIED")]
    [InlineData("all: what only denies is not waited for", "c1: 1 @lead & 0/1 @dev", "a", "lead1+", "APPROVED a")]
    [InlineData("all: what only denies does deny", "c1: 1 @lead & 0/1 @dev", "a", "dev1- lead1+", "DENIED")]
    // Absent counts never trigger.
    [InlineData("no approval is ever enough", "c1: 0/1", "a", "dev1+ dev2+", "no threshold of role c1 approves: an administrator answers it")]
    [InlineData("no denial is ever enough", "c1: 1/0 @lead", "a", "dev1- lead1-", "needs 1 approval from lead")]
    [InlineData("a veto beside an approval", "c1: 2 @dev | 0/1 @lead", "a", "dev1+ lead1-", "DENIED")]
    [InlineData("a threshold of nothing decides nothing", "c1: 0/0", "a", "dev1+ dev2-", "no threshold of role c1 approves: an administrator answers it")]
    // Several roles of the requester: all must be met.
    [InlineData("two roles, one met", "c1: 1; c2: 2", "a", "dev1+", "needs 1 more approval")]
    [InlineData("two roles, both met", "c1: 1; c2: 2", "a", "dev1+ dev2+", "APPROVED a")]
    [InlineData("two roles with filters, one met", "c1: 1 @lead; c2: 1 @dev", "a", "lead1+", "needs 1 approval from dev")]
    [InlineData("two roles with filters, both met", "c1: 1 @lead; c2: 1 @dev", "a", "lead1+ dev1+", "APPROVED a")]
    [InlineData("two roles, neither met: each is said", "c1: 1 @lead; c2: 1 @dev", "a", "", "needs 1 approval from lead; needs 1 approval from dev")]
    [InlineData("two roles that say the same say it once", "c1: 2; c2: 2", "a", "", "needs 2 approvals")]
    [InlineData("either role's denial denies", "c1: 2/2; c2: 2/1", "a", "dev1-", "DENIED")]
    [InlineData("a role without thresholds adds one approval", "c1: 1 @lead; c2:", "a", "dev1+", "needs 1 approval from lead")]
    [InlineData("a role without thresholds adds one denial", "c1: 1/5 @lead; c2:", "a", "dev1-", "DENIED")]
    [InlineData("a role that does not let him ask has no say", "c1[a]: 1; c2[b]: 5/1", "a", "dev1+", "APPROVED a")]
    [InlineData("any within a role, all across roles", "c1: 1 @lead | 2 @dev; c2: 1 @dba", "a", "dev1+ dev2+", "needs 1 approval from dba")]
    [InlineData("any within a role, all across roles, met", "c1: 1 @lead | 2 @dev; c2: 1 @dba", "a", "dev1+ dev2db+", "APPROVED a")]
    // Several roles asked for: every one must pass.
    [InlineData("one rule for both", "c1: 1", "a b", "dev1+", "APPROVED a,b")]
    [InlineData("a rule for each, one met", "c1[a]: 1; c2[b]: 2", "a b", "dev1+", "needs 1 more approval")]
    [InlineData("a rule for each, both met", "c1[a]: 1; c2[b]: 2", "a b", "dev1+ dev2+", "APPROVED a,b")]
    [InlineData("a rule for each, one denies", "c1[a]: 1/1 @lead; c2[b]: 1/1 @dev", "a b", "lead1+ dev1-", "DENIED")]
    // Narrowing: what all have in common.
    [InlineData("one narrows", "c1: 1", "a b", "dev1+a", "APPROVED a")]
    [InlineData("two agree on less", "c1: 2", "a b c", "dev1+a,b dev2+b,c", "APPROVED b")]
    [InlineData("narrowed to nothing in common", "c1: 2", "a b", "dev1+a dev2+b", "the approvals have no role in common: an administrator answers it")]
    [InlineData("narrowed to nothing, and a third does not help", "c1: 2", "a b", "dev1+a dev2+b dev3+", "the approvals have no role in common: an administrator answers it")]
    [InlineData("narrowed to nothing, and a denial ends it", "c1: 2/1", "a b", "dev1+a dev2+b dev3-", "DENIED")]
    [InlineData("who does not count for any threshold narrows too", "c1: 1 @lead", "a b", "dev1+a lead1+", "APPROVED a")]
    // Whose vote counts.
    [InlineData("an approval of somebody who lost the right", "c1: 2", "a", "gone1+ dev1+", "needs 1 more approval")]
    [InlineData("a denial of somebody who lost the right", "c1: 1/1", "a", "gone1-", "needs 1 approval")]
    [InlineData("who lost the right does not narrow", "c1: 1", "a b", "gone1+a dev1+", "APPROVED a,b")]
    [InlineData("an approval of somebody who is no user any more", "c1: 2", "a", "removed1+ dev1+", "needs 1 more approval")]
    [InlineData("one person under two users", "c1: 2", "a", "dev1+ dev1'+", "needs 1 more approval")]
    [InlineData("one person says yes and no: the first word holds", "c1: 1/1", "a b", "dev1+ dev1'-", "APPROVED a,b")]
    [InlineData("the requester under another user", "c1: 1", "a", "self+", "needs 1 approval")]
    [InlineData("the requester denies", "c1: 1/1", "a", "self-", "needs 1 approval")]
    public void Reviews_give_the_expected_outcome(string situation, string rules, string asked, string reviews, string outcome)
    {
        var roles = Case.Roles(rules, asked);
        var request = Case.File(roles, asked);
        var tally = Case.Count(request, Case.Votes(roles, request, reviews), roles);
        var came = tally.State == RequestState.Pending ? string.Join("; ", tally.Missing) : $"{RequestTransitions.Word(tally.State)} {string.Join(',', tally.Granted)}".TrimEnd();
        Assert.True(outcome == came, $"{situation}: {came}");
        Assert.Equal(tally.State == RequestState.Pending, !tally.Missing.IsEmpty);
    }

    [Theory]
    // One approval that anybody may give is one that an administrator gives: nothing is overridden.
    [InlineData("c1:", "", "0 of 1 approval", "0 of 1 denial", "")]
    [InlineData("c1: 2/1", "dev1+", "1 of 2 approvals", "0 of 1 denial", "1 of 2 approvals")]
    [InlineData("c1: 3/2", "dev1+ dev2-", "1 of 3 approvals", "1 of 2 denials", "1 of 3 approvals")]
    [InlineData("c1: 1/1 @lead", "dev1+", "0 of 1 approval from lead", "0 of 1 denial from lead", "0 of 1 approval from lead")]
    [InlineData("c1: 1/1 @lead | 2/1 @dev", "dev1+", "0 of 1 approval from lead, 1 of 2 approvals from dev", "0 of 1 denial from lead, 0 of 1 denial from dev", "0 of 1 approval from lead or 1 of 2 approvals from dev")]
    [InlineData("c1: 1/1 @lead & 2/1 @dev", "dev1+ dev2+", "0 of 1 approval from lead, 2 of 2 approvals from dev", "0 of 1 denial from lead, 0 of 1 denial from dev", "0 of 1 approval from lead")]
    [InlineData("c1: 1/1 @lead | 2/1 @dev", "lead1+", "1 of 1 approval from lead, 0 of 2 approvals from dev", "0 of 1 denial from lead, 0 of 1 denial from dev", "")]
    [InlineData("c1: 0/1", "dev1+", "", "0 of 1 denial", "")]
    [InlineData("c1: 2/0; c2: 1/0 @lead", "dev1+", "1 of 2 approvals, 0 of 1 approval from lead", "", "1 of 2 approvals, 0 of 1 approval from lead")]
    [InlineData("c1: 2/0", "gone1+ dev1+ dev1'+", "1 of 2 approvals", "", "1 of 2 approvals")]
    public void Votes_are_listed_by_threshold(string rules, string reviews, string approvals, string denials, string overridden)
    {
        var roles = Case.Roles(rules, "a");
        var request = Case.File(roles, "a");
        var tally = Case.Count(request, Case.Votes(roles, request, reviews), roles);
        Assert.Equal((approvals, denials, overridden), (string.Join(", ", tally.Approvals), string.Join(", ", tally.Denials), string.Join(", ", tally.Overridden)));
    }

    [Fact]
    public void A_request_without_thresholds_is_not_decided_by_reviews()
    {
        var roles = Case.Roles("c1: 1", "a");
        var request = Case.File(roles, "a") with { Thresholds = [] };
        Assert.Equal("it was filed without thresholds: an administrator answers it", Assert.Single(Case.Count(request, Case.Votes(roles, request, "dev1+ dev2-"), roles).Missing));
    }

    [Fact]
    public void Thresholds_are_fixed_when_the_request_is_filed()
    {
        var roles = Case.Roles("c1: 2", "a");
        var request = Case.File(roles, "a");
        var later = new Dictionary<string, Role>(roles) { ["c1"] = Case.Roles("c1: 1", "a")["c1"] };
        Assert.Equal("needs 1 more approval", Assert.Single(Case.Count(request, Case.Votes(later, request, "dev1+"), later).Missing));
    }

    [Fact]
    public void Latest_start_time_of_the_counted_approvals_wins()
    {
        var roles = Case.Roles("c1: 2", "a");
        var request = Case.File(roles, "a") is var filed ? filed with { Terms = filed.Terms with { AssumeFrom = Sample.Now.AddMinutes(5) } } : throw new InvalidOperationException();
        Assert.Equal(Sample.Now.AddMinutes(5), Begins("dev1+", 3));
        Assert.Equal(Sample.Now.AddMinutes(8), Begins("dev1+ dev2+", 3, 8));
        Assert.Equal(Sample.Now.AddMinutes(5), Begins("gone1+ dev1-", 20, 30));

        DateTimeOffset? Begins(string reviews, params int[] minutes) => Case.Count(
            request, Case.Votes(roles, request, reviews).Zip(minutes, (vote, from) => vote with { Review = vote.Review with { AssumeFrom = Sample.Now.AddMinutes(from) } }), roles).AssumeFrom;
    }

    [Fact]
    public void Counted_reviews_are_listed()
    {
        var roles = Case.Roles("c1: 5", "a");
        var request = Case.File(roles, "a");
        Assert.Equal(["dev1", "dev2"], Case.Count(request, Case.Votes(roles, request, "dev1+ gone1+ dev1'+ dev2- removed1+"), roles).Counted.Select(review => review.AuthorName));
    }
}
