using System.CommandLine;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Tests.Unit.Docs;

namespace CertAuthority.Tests.Unit.Terminal;

/// <summary>One grammar of times and durations for every option.</summary>
public class TimeOptionTests
{
    [Theory]
    [InlineData("2027-01-31", "2027-01-31T00:00:00Z")]
    [InlineData("2027-01-31T18:00", "2027-01-31T18:00:00Z")]
    [InlineData("2027-01-31T18:00:05", "2027-01-31T18:00:05Z")]
    [InlineData("2027-01-31T18:00Z", "2027-01-31T18:00:00Z")]
    [InlineData("2027-01-31T18:00:00+01:00", "2027-01-31T17:00:00Z")]
    [InlineData("2027-01-31T18:00:00.5Z", "2027-01-31T18:00:00Z")]
    public void Time_is_completed_to_UTC(string text, string completed)
    {
        Assert.Equal(completed, TimeOption.Complete(text));
        Assert.True(Instants.TryParse(completed, out _));
    }

    [Theory]
    [InlineData("tomorrow")]
    [InlineData("01/31/2027")]
    [InlineData("18:00")]
    [InlineData("2027-01-31 18:00")]
    [InlineData("1h")]
    [InlineData("")]
    public void Anything_but_a_time_is_rejected(string text) => Assert.Null(TimeOption.Complete(text));

    /// <summary>The options that the daemon reads, and those that the command lines read, accept the same durations.</summary>
    [Theory]
    [InlineData("1h30m")]
    [InlineData("30h0m0s")]
    [InlineData("2d")]
    [InlineData("30")]
    [InlineData("1h30")]
    [InlineData("1m1h")]
    [InlineData("-1h")]
    [InlineData("1.5h")]
    [InlineData("1H")]
    [InlineData("1w")]
    [InlineData("1m1m")]
    [InlineData("h")]
    [InlineData(" 1h")]
    [InlineData("")]
    public void Durations_have_one_grammar(string text)
    {
        Assert.Equal(Durations.TryParse(text, out var read) ? read : null, TimeSpanOption.Parse(text));
        Assert.Equal(Durations.TryParseWish(text, out _), DurationOption.IsDuration(text));
    }

    /// <summary>Only the daemon knows what is too long.</summary>
    [Theory]
    [InlineData("999999999d")]
    [InlineData("99999999999999999999d")]
    public void Length_of_a_duration_is_no_matter_of_form(string text) =>
        Assert.True(DurationOption.IsDuration(text) && Durations.TryParseWish(text, out _));

    /// <summary>Every option that takes a time is one that completes it, and every duration is one that checks its form.</summary>
    [Fact]
    public void Every_option_for_a_time_uses_the_grammar()
    {
        // Their values go to the daemon as they are, which reads RFC 3339 and durations only.
        string[] plain = ["--assume-start-time of tsh request review"];
        var timed = new[] { CommandLine.Parse(["tsh", "status"]), CommandLine.Parse(["tctl", "status"]) }
            .SelectMany(parsed => Options(parsed.RootCommandResult.Command, parsed.RootCommandResult.Command.Name)).ToList();

        Assert.True(timed.Count(one => one.Option.HelpName == "DURATION") > 7);
        Assert.Empty(timed.Where(one => one.Option.HelpName == "TIME" && one.Option is not TimeOption && !plain.Contains($"{one.Option.Name} of {one.Command}"))
            .Select(one => $"{one.Option.Name} of {one.Command}"));
        Assert.Empty(timed.Where(one => one.Option.HelpName == "DURATION" && one.Option is not (DurationOption or TimeSpanOption)).Select(one => $"{one.Option.Name} of {one.Command}"));
        Assert.Empty(timed.Where(one => one.Option.Name is "--ttl" or "--wait" or "--since" or "--until" or "--expires" && one.Option.HelpName is null && one.Option is not Option<bool>)
            .Select(one => $"{one.Option.Name} of {one.Command}"));
    }

    [Theory]
    [InlineData(ProblemCode.Invalid, "ttl", true)]
    [InlineData(ProblemCode.Invalid, "public_key", false)]
    [InlineData(ProblemCode.Invalid, null, false)]
    [InlineData(ProblemCode.Limited, "ttl", false)]
    public void Malformed_option_is_a_usage_error(ProblemCode code, string? field, bool isUsage) =>
        Assert.Equal(isUsage, CommandLine.Parse(["tsh", "login"]).IsUsage(new Problem(code, "ttl takes a duration", Field: field)));

    private static IEnumerable<(string Command, Option Option)> Options(Command command, string name) =>
        command.Options.Select(option => (name, option)).Concat(command.Subcommands.SelectMany(sub => Options(sub, $"{name} {sub.Name}")));
}
