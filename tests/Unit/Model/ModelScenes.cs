namespace CertAuthority.Tests.Unit.Model;

/// <summary>For rules that random steps meet too seldom: a few steps in which such a rule decides.</summary>
internal sealed partial class ModelRun
{
    private static readonly Dictionary<Rule, Func<ModelRun, IEnumerable<Step>>> Scenes = new()
    {
        [Rule.RecreatedUserIsAnother] = one => one.ReviewerComesAgain(),
        [Rule.VotesCountWhileTheirAuthorsMayReview] = one => one.ReviewerLosesTheRole(),
        [Rule.UnknownGroupsDecideNothing] = one => one.ReviewersGroupIsOutOfSight(),
    };

    /// <summary>The rules that have a scene.</summary>
    public static IEnumerable<Rule> InScenes => Scenes.Keys;

    /// <summary>Plays the scene of a rule.</summary>
    /// <param name="rule">Which.</param>
    /// <param name="without">The rule that the evaluator is to forget; null for none.</param>
    /// <exception cref="DeviationException">The daemon and the evaluator disagree.</exception>
    public static async Task Play(Rule rule, Rule? without = null)
    {
        await using var world = new ModelRun(seed: 1, without);
        await world.Begin();
        // Each step is made when those before it have been taken.
        foreach (var step in Scenes[rule](world))
        {
            world.machine.Pass(20);
            await world.Expect(step);
        }
    }

    // The vote of somebody who is gone does not become that of the next one under the name.
    private IEnumerable<Step> ReviewerComesAgain()
    {
        foreach (var step in TwoHaveToAgreeAndOneHas("a2"))
            yield return step;
        yield return RemoveUser("bob");
        yield return Put("bob", ["reviewer"], ["a2"]);
        yield return Approves("a3");
    }

    private IEnumerable<Step> ReviewerLosesTheRole()
    {
        foreach (var step in TwoHaveToAgreeAndOneHas("a2"))
            yield return step;
        yield return SetRoles("bob", ["asker"]);
        yield return Approves("a3");
    }

    private IEnumerable<Step> ReviewersGroupIsOutOfSight()
    {
        foreach (var step in TwoHaveToAgreeAndOneHas("gina"))
            yield return step;
        machine.Outage = Outage.GroupHidden;
        yield return Look("the directory: a group is out of sight", looks: false);
        yield return Approves("a3");
    }

    /// <summary>A request of alice's for dba, with one approval of the two that it takes.</summary>
    private IEnumerable<Step> TwoHaveToAgreeAndOneHas(string reviewer)
    {
        yield return Put(new ModelRole("dba") { Logins = ["root"], Hosts = "*" });
        yield return Put(new ModelRole("asker") { Asks = ["dba"], Thresholds = [new(Approve: 2, Deny: 1, Of: null)] });
        yield return Put(new ModelRole("reviewer") { Reviews = ["*"] });
        yield return Configure(rules.Limits, new() { ["g1"] = ["reviewer"] });
        yield return Put("alice", ["asker"], ["a1"]);
        yield return Put("bob", ["reviewer"], ["a2"]);
        yield return Put("carol", ["reviewer"], ["a3"]);
        yield return File(By("a1"), "alice", ["dba"]);
        yield return Approves(reviewer);
    }

    private Step Approves(string account) => Review(By(account), name: null, rules.Requests.Single());

    private ModelCaller By(string account) => new(machine.Accounts[account], account);
}
