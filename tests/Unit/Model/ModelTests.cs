namespace CertAuthority.Tests.Unit.Model;

/// <summary>The daemon against its rules, written down a second time. bench/README.md says how to take more steps, or the same again.</summary>
public class ModelTests
{
    public static readonly TheoryData<string> Rules = [.. Enum.GetNames<Rule>()];

    [Fact]
    public Task Random_steps_agree_with_the_rules() => ModelRun.Take(seed: 14, count: 10_000);

    /// <summary>The steps above say something only about rules that they meet: without any one of them they end in a deviation.</summary>
    [Theory]
    [MemberData(nameof(Rules))]
    public Task Forgotten_rule_is_found(string rule) => Assert.ThrowsAsync<DeviationException>(() => ModelRun.Take(seed: 14, count: 10_000, Enum.Parse<Rule>(rule)));
}
