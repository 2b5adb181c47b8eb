using CertAuthority.Access.Locks;
using CertAuthority.Access.Predicates;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>
/// A request and its reviews in few words. Rules: <c>c1[a]: 2/1 @lead | 3; c2: 1</c> are two roles of the requester, the first
/// lets him ask for a. Its thresholds: 2 approvals or 1 denial by leads, or 3 approvals by anybody (<c>|</c> any of them,
/// <c>&amp;</c> all). Reviews: <c>lead1+ dev2- dev1+a</c>: lead1 approves all, dev2 denies, dev1 approves a only. Who somebody is
/// is in the name: leads and devs may review, gone- no more, <c>dev1'</c> is dev1 under another user, self is the requester under another user.
/// </summary>
internal static class Case
{
    public static readonly User Alice = Sample.User("alice", "c1", "c2", "c3");

    private static readonly Role Reviewer = Reviewing("reviewer", "*");

    public static Role Reviewing(string name, string roles, string? where = null) => With(Sample.Role(name), allow => allow with { Reviewing = Conditions(roles, where) });

    public static ReviewConditions Conditions(string roles, string? where = null) =>
        new(Sample.Patterns(roles.Split(' ')), where is null ? null : Predicate.TryParse(where, PredicateScope.Where, out var fault) ?? throw new FormatException(fault!.What));

    public static Role With(Role role, Func<RoleConditions, RoleConditions> allow) => role with { Allow = allow(role.Allow) };

    /// <summary>Every role: those of the requester by the rules, those that are asked for, those of reviewers.</summary>
    public static Dictionary<string, Role> Roles(string rules, string asked) => Sample.Roles(
    [
        .. rules.Split(';', StringSplitOptions.TrimEntries).Select(RequesterRole),
        .. asked.Split(' ').Select(name => Sample.Role(name, logins: [name])),
        Reviewer, Sample.Role("lead"), Sample.Role("dev"),
    ]);

    public static AccessRequest File(Dictionary<string, Role> roles, string asked, string reason = "") => Requesting.File(new RequestQuestion(
        Guid.NewGuid(), Sample.Now, Alice with { Roles = [.. Alice.Roles.Where(roles.ContainsKey)] }, 5001, [.. asked.Split(' ')], reason, [], roles, [], SiteLimits.Default)
    { Locks = LocksInForce.None }).Granted();

    /// <summary>Alice with her uids, and everybody who reviews with theirs.</summary>
    public static People People(IEnumerable<Vote> votes) =>
        votes.Aggregate(CertAuthority.Access.Requests.People.Strangers.And([[Alias.User(Alice.Id), Alias.Uid(5001), Alias.Uid(77)]]), (people, vote) => people.And(vote.Review));

    public static Tally Count(AccessRequest request, IEnumerable<Vote> votes, Dictionary<string, Role> roles) =>
        votes.ToList() is var all ? Tally.Count(request, People(all), all, roles) : throw new InvalidOperationException();

    public static IEnumerable<Vote> Votes(Dictionary<string, Role> roles, AccessRequest request, string reviews) =>
        reviews.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => Vote(roles, request, text));

    private static Vote Vote(Dictionary<string, Role> roles, AccessRequest request, string text)
    {
        var sign = text.IndexOfAny(['+', '-']);
        var (name, decision, rest) = (text[..sign], text[sign] == '+' ? ReviewDecision.Approve : ReviewDecision.Deny, text[(sign + 1)..].Split(':'));
        string[] narrowed = rest[0].Length > 0 ? rest[0].Split(',') : decision == ReviewDecision.Deny ? [] : [.. request.Roles.Select(role => role.Name)];
        var uid = name == "self" ? 77u : name.TrimEnd('\'').Aggregate(6000u, (sum, c) => sum * 31 % 1_000_003 + 6000 + c);
        // Who is removed has no user any more; who lost the right has one.
        var author = name.StartsWith("removed", StringComparison.Ordinal) ? null : Who(name, roles);
        return new Vote(new Review(author?.User.Id ?? Guid.NewGuid(), name, [uid], decision, [.. narrowed], rest.Length > 1 ? rest[1] : "", Sample.Now), author);
    }

    public static Voter Who(string name, Dictionary<string, Role> roles)
    {
        string[] held = name.StartsWith("gone", StringComparison.Ordinal) ? ["dev"] : ["reviewer", name.StartsWith("lead", StringComparison.Ordinal) ? "lead" : "dev"];
        var user = Sample.User(name, held) with { Traits = Sample.User("x").Traits.Add("team", name.EndsWith("db", StringComparison.Ordinal) ? ["dba"] : ["web"]) };
        return Voter.From(user, roles, Sample.Now);
    }

    private static Role RequesterRole(string rule)
    {
        var parts = rule.Split(':', StringSplitOptions.TrimEntries);
        var (name, lets) = parts[0].Split('[', ']') is [var named, var allowed, ..] ? (named, allowed.Split(' ')) : (parts[0], ["*"]);
        var all = parts[1].Contains('&', StringComparison.Ordinal);
        var thresholds = parts[1].Split('|', '&').Select(text => text.Trim()).Where(text => text.Length > 0).Select(Threshold);
        return With(Sample.Role(name, mayRequest: lets), allow => allow with { Asking = RequestRules.None with { Thresholds = [.. thresholds], RequireAll = all } });
    }

    private static ReviewThreshold Threshold(string text)
    {
        var words = text.Split(' ');
        var counts = words[0].Split('/');
        var filter = words.Length == 1 ? null : words[1] switch
        {
            "@lead" => "contains(reviewer.roles, \"lead\")",
            "@dev" => "contains(reviewer.roles, \"dev\")",
            "@dba" => "contains(reviewer.traits[\"team\"], \"dba\")",
            "@why" => "!equals(review.reason, \"\")",
            var other => throw new FormatException(other),
        };
        return new ReviewThreshold(
            words.Length == 1 ? "" : words[1][1..], filter is null ? null : Predicate.TryParse(filter, PredicateScope.Filter, out _), int.Parse(counts[0]), counts.Length > 1 ? int.Parse(counts[1]) : 0);
    }
}
