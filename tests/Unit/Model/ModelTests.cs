namespace CertAuthority.Tests.Unit.Model;

/// <summary>The daemon against its rules, written down a second time. bench/README.md says how to take more steps, or the same again.</summary>
public class ModelTests
{
    /// <summary>For each rule the seed of a world in which it decides; <c>bench -- model 1 10000 each</c> finds them.</summary>
    private static readonly Dictionary<Rule, ulong> Met = new()
    {
        [Rule.DeniedLoginsAreTakenAway] = 1,
        [Rule.DeniedHostsAreTakenAway] = 1,
        [Rule.NoBareLoginBesideDeniedHosts] = 1,
        [Rule.RolesPairTheirOwn] = 2,
        [Rule.MissingRoleRefusesTheLogin] = 12,
        [Rule.RolesEnd] = 2,
        [Rule.OnlyOwnersAct] = 1,
        [Rule.OnlyWhatMayBeAskedFor] = 1,
        [Rule.DeniedAskingWins] = 3,
        [Rule.UsesAskAgain] = 1,
        [Rule.ChangedRoleIsNotGranted] = 2,
        [Rule.ChangedRoleIsNotReviewed] = 1,
        [Rule.NobodyAnswersTheirOwn] = 1,
        [Rule.OneVoteAPerson] = 1,
        [Rule.PersonIsTheClosure] = 2,
        [Rule.PersonAsTheyWere] = 2,
        [Rule.OnlyReviewersReview] = 1,
        [Rule.DeniedReviewingWins] = 2,
        [Rule.ThresholdsAreReached] = 1,
        [Rule.EverySetIsMet] = 1,
        [Rule.RequireAllMeansAll] = 15,
        [Rule.FiltersCount] = 11,
        [Rule.DenialsWin] = 1,
        [Rule.OnlyWhatApprovalsShare] = 1,
        [Rule.UserLocks] = 6,
        [Rule.RoleLocks] = 10,
        [Rule.LoginLocks] = 1,
        [Rule.NodeLocks] = 3,
        [Rule.RequestLocks] = 1,
        [Rule.LocksEnd] = 3,
        [Rule.SiteLimits] = 1,
        [Rule.ShortestSessionWins] = 1,
        [Rule.RequestsBoundCertificates] = 1,
        [Rule.MaxDuration] = 2,
        [Rule.AccessCountsFromCreation] = 1,
        [Rule.NotBeforeItsTime] = 2,
        [Rule.PendingRequestsExpire] = 1,
        [Rule.AccessExpires] = 1,
        [Rule.ExpiryIsOneWay] = 1,
        [Rule.NothingIsGrantedAfterAClockStep] = 1,
        [Rule.LoginLimit] = 30,
        [Rule.PendingLimit] = 2,
        [Rule.FilingLimit] = 5,
        [Rule.EndingRevokes] = 5,
        [Rule.ChangesOfPolicyRevoke] = 1,
        [Rule.ChangesOfPolicyEndApprovals] = 2,
        [Rule.ChangesOfPolicyShorten] = 1,
        [Rule.RevokedStayOnTheListForADay] = 1,
        [Rule.UnknownGroupsGiveNothing] = 14,
        [Rule.UnknownGroupsTakeNothing] = 14,
    };

    public static readonly TheoryData<string> Rules = [.. Met.Keys.Select(rule => rule.ToString())];

    [Fact]
    public Task Random_steps_agree_with_the_rules() => ModelRun.Take(seed: 1, count: 10_000);

    /// <summary>That the steps agree says something only about rules that they meet: when the evaluator forgets one, they have to disagree.</summary>
    [Theory]
    [MemberData(nameof(Rules))]
    public Task Forgotten_rule_is_found(string rule) =>
        Assert.ThrowsAsync<DeviationException>(() => ModelRun.Take(Met[Enum.Parse<Rule>(rule)], ModelRun.StepsAWorld, Enum.Parse<Rule>(rule)));

    public static readonly TheoryData<string> RareRules = [.. ModelRun.InScenes.Select(rule => rule.ToString())];

    /// <summary>The same, with steps that are written down, for rules that random ones meet too seldom.</summary>
    [Theory]
    [MemberData(nameof(RareRules))]
    public async Task Rare_rule_that_is_forgotten_is_found_too(string name)
    {
        var rule = Enum.Parse<Rule>(name);
        await ModelRun.Play(rule);
        await Assert.ThrowsAsync<DeviationException>(() => ModelRun.Play(rule, without: rule));
    }

    [Fact]
    public void Every_rule_is_forgotten_once() => Assert.Equal(Enum.GetValues<Rule>(), Met.Keys.Concat(ModelRun.InScenes).Order());
}
