using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tests.Unit.Terminal;

public class ResultsTests
{
    private static readonly Problem Decided = new(ProblemCode.Conflict, "the access request has been already approved");
    private static readonly Problem Malformed = new(ProblemCode.Invalid, "role \"x\" was not asked for", Field: "roles");

    [Fact]
    public async Task Error_says_which_of_several_it_means()
    {
        var (exitCode, error) = await Run(("a1", null), ("b2", Decided), ("c3", Decided));

        Assert.Equal(1, exitCode);
        Assert.Equal(
            "tsh: error: b2: the access request has been already approved\ntsh: error: c3: the access request has been already approved\n",
            error);
    }

    [Fact]
    public async Task Error_about_the_only_name_does_not_repeat_it() =>
        Assert.Equal((1, "tsh: error: the access request has been already approved\n"), await Run(("a1", Decided)));

    [Fact]
    public async Task Each_fault_of_one_of_several_names_it()
    {
        var (_, error) = await Run(("a1", Decided with { Faults = ["first", "second"] }), ("b2", null));
        Assert.Equal("tsh: error: a1: first\ntsh: error: a1: second\n", error);
    }

    [Theory]
    [InlineData(2, true, true)]
    [InlineData(1, true, null)]
    [InlineData(1, null, true)]
    [InlineData(1, true, false)]
    [InlineData(1, false, true)]
    [InlineData(0, null, null)]
    public async Task Usage_error_needs_a_fault_in_every_try(int exitCode, bool? first, bool? second) =>
        Assert.Equal(exitCode, (await Run(("a1", Of(first)), ("b2", Of(second)))).ExitCode);

    private static Problem? Of(bool? malformed) => malformed is null ? null : malformed.Value ? Malformed : Decided;

    private static async Task<(int ExitCode, string Error)> Run(params (string Name, Problem? Refusal)[] tries)
    {
        var command = new Command("tsh");
        command.Options.Add(new Option<string>("--roles"));
        using StringWriter output = new(), error = new();
        var parsed = command.Parse([]);
        (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error) = (output, error);
        var exitCode = await new Results<string>(parsed).Each(
            [.. tries.Select(one => one.Name)],
            name => tries.Single(one => one.Name == name).Refusal is { } refusal ? throw new ProblemException(refusal) : Task.CompletedTask);
        return (exitCode, error.ToString());
    }
}
