using CertAuthority.Access.Locks;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What holds for every tally, whatever the rules are and whoever says what.</summary>
public class ReviewProperties
{
    private static readonly Config Often = Config.QuickThrowOnFailure.WithMaxTest(500);

    private static readonly Gen<string> Threshold =
        from approve in Gen.Choose(0, 3)
        from deny in Gen.Choose(0, 2)
        from filter in Gen.Elements("", " @lead", " @dev", " @why")
        select $"{approve}/{deny}{filter}";

    private static readonly Gen<string> Rule =
        from lets in Gen.Elements("", "[a]", "[b]", "[a b c]")
        from thresholds in Some(Threshold, 0, 3)
        from between in Gen.Elements(" | ", " & ")
        select $"{lets}: {string.Join(between, thresholds)}";

    private static readonly Gen<string> Word =
        from who in Gen.Elements("lead1", "lead2", "dev1", "dev2", "dev3", "dev1'", "self")
        from sign in Gen.Frequency((4, Gen.Constant("+")), (1, Gen.Constant("-")))
        from narrowed in Gen.Frequency((3, Gen.Constant("")), (1, Gen.Elements("a", "b", "a,b")))
        from why in Gen.Elements("", ":because")
        select who + sign + (sign == "+" ? narrowed : "") + why;

    // The last role lets ask for everything, so that something can be filed.
    private static readonly Gen<(string Rules, string Asked, string[] Words)> Cases =
        from rules in Some(Rule, 0, 2)
        from last in Some(Threshold, 0, 2)
        from asked in Gen.Elements("a", "a b", "a b c")
        from words in Some(Word, 0, 6)
        select (string.Join("; ", [.. rules.Select((rule, i) => $"c{i + 1}{rule}"), $"c3: {string.Join(" | ", last)}"]), asked, words);

    [Fact]
    public void Vote_without_the_right_never_changes_the_outcome() => Prop.ForAll(
        (from one in Cases from at in Gen.Choose(0, 6) from stranger in Gen.Elements("gone1+", "gone2-", "gone3+a", "gone4+:because", "removed1+", "removed2-", "self+", "self-") select (one, at, stranger)).ToArbitrary(),
        question =>
        {
            var ((rules, asked, words), at, stranger) = question;
            var list = words.ToList();
            list.Insert(Math.Min(at, list.Count), stranger);
            return Show(Count(rules, asked, words)) == Show(Count(rules, asked, [.. list]));
        }).Check(Often);

    [Fact]
    public void Added_denial_never_approves_a_pending_request() => Prop.ForAll(
        (from one in Cases from denied in Gen.Elements("lead", "dev") from roles in Gen.Elements("*", "a", "b") select (one, denied, roles)).ToArbitrary(),
        question =>
        {
            var ((rules, asked, words), denied, denies) = question;
            // A veto that is taken away, or a narrower word, lets pass what it held up: that is not what a deny adds.
            string[] plain = [.. words.Select(word => word.Split('+', ':') is [var who, ..] && word.Contains('+', StringComparison.Ordinal) ? $"{who}+" : word)];
            var before = Count(rules, asked, plain).State;
            var after = Count(rules, asked, plain, roles => roles[denied] = roles[denied] with { Deny = roles[denied].Deny with { Reviewing = Case.Conditions(denies) } }).State;
            return after != RequestState.Approved || before != RequestState.Pending;
        }).Check(Often);

    [Fact]
    public void Granted_roles_were_requested_and_in_every_counted_approval() => Prop.ForAll(Cases.ToArbitrary(), one =>
    {
        var tally = Count(one.Rules, one.Asked, one.Words);
        var approvals = tally.Counted.Where(review => review.Decision == ReviewDecision.Approve).ToList();
        return tally.State == RequestState.Approved
            ? tally.Granted.Length > 0 && approvals.Count > 0 && tally.Granted.All(role => one.Asked.Split(' ').Contains(role) && approvals.TrueForAll(review => review.Roles.Contains(role)))
            : tally.Granted.IsEmpty;
    }).Check(Often);

    [Fact]
    public void Only_a_pending_request_says_what_is_missing() => Prop.ForAll(Cases.ToArbitrary(), one =>
    {
        var tally = Count(one.Rules, one.Asked, one.Words);
        return tally.Missing.IsEmpty == (tally.State != RequestState.Pending);
    }).Check(Often);

    /// <summary>The list of what waits for a review, and its count, ask this; a denial is refused for no other reason.</summary>
    [Fact]
    public void Request_awaits_whoever_could_deny_it() => Prop.ForAll(
        (from one in Cases from who in Gen.Elements("lead1", "dev1", "dev1'", "dev9", "gone1", "self") from late in Gen.Elements(false, true) select (one, who, late)).ToArbitrary(),
        question =>
        {
            var ((rules, asked, words), who, late) = question;
            var roles = Case.Roles(rules, asked);
            var request = Case.File(roles, asked);
            var votes = Case.Votes(roles, request, string.Join(' ', words)).ToList();
            var at = late ? request.PendingUntil : Sample.Now;
            var by = Case.Who(who, roles);
            var uid = who == "self" ? 77u : votes.Find(vote => vote.Review.AuthorName.TrimEnd('\'') == who.TrimEnd('\''))?.Review.AuthorUids[0] ?? 9u;
            var review = new ReviewQuestion(
                request, Case.Alice, by, votes, new Review(by.User.Id, who, [uid], ReviewDecision.Deny, [], "", at), roles, SiteLimits.Default)
            { Locks = LocksInForce.None, People = Case.People(votes) };
            return Reviewing.IsAwaited(review, at) == Reviewing.Decide(review).Holds(out _, out _);
        }).Check(Often);

    private static Tally Count(string rules, string asked, string[] words, Action<Dictionary<string, Role>>? change = null)
    {
        var roles = Case.Roles(rules, asked);
        var request = Case.File(roles, asked);
        change?.Invoke(roles);
        return Case.Count(request, Case.Votes(roles, request, string.Join(' ', words)), roles);
    }

    private static string Show(Tally tally) => $"{tally.State} {string.Join(',', tally.Granted)} {string.Join("; ", tally.Missing)}";

    private static Gen<string[]> Some(Gen<string> one, int least, int most) => from count in Gen.Choose(least, most) from list in one.ArrayOf(count) select list;
}
