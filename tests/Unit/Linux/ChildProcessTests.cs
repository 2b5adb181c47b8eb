using System.Text;
using CertAuthority.Linux;

namespace CertAuthority.Tests.Unit.Linux;

public sealed class ChildProcessTests
{
    // Half a list of groups, read as a whole one, would take access away.
    [Fact]
    public async Task Output_is_read_to_its_end_after_the_program_ends() =>
        Assert.Equal(new ProgramExit(0, "early\nlate\n", ""), await Shell("(sleep 1.5; echo late) & echo early").Run(default));

    [Fact]
    public async Task Output_that_does_not_end_in_time_has_no_exit_code() =>
        Assert.Null((await (Shell("sleep 60 & echo early") with { Within = TimeSpan.FromSeconds(0.3) }).Run(default)).ExitCode);

    [Fact]
    public async Task Program_over_its_limit_is_killed()
    {
        var (exitCode, output, _) = await (Shell("echo $$; exec sleep 60") with { Within = TimeSpan.FromSeconds(0.5) }).Run(default);
        Assert.Null(exitCode);
        Assert.False(Directory.Exists($"/proc/{output.Trim()}"));
    }

    [Fact]
    public async Task Session_ends_with_everything_it_started()
    {
        var (exitCode, output, _) = await (Shell("sleep 60 & echo $!") with { HasSession = true }).Run(default);
        Assert.Equal(0, exitCode);
        Assert.True(SpinWait.SpinUntil(() => !IsAlive(output.Trim()), TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Program_gets_its_input_and_only_the_given_environment() =>
        Assert.Equal(
            new ProgramExit(3, "asked A=b\n", "said"),
            await (Shell("read -r word; echo \"$word $(env | grep '^[AH]')\"; echo said >&2; exit 3") with
            {
                Input = Encoding.UTF8.GetBytes("asked\n"),
                Environment = [("A", "b"), ("PATH", "/usr/bin:/bin")],
            }).Run(default));

    [Fact]
    public async Task Output_beyond_the_limit_is_dropped() =>
        Assert.Equal("aaaaa", (await (Shell("printf aaaaaaaaaa") with { KeptOutput = 5 }).Run(default)).Output);

    [Fact]
    public async Task Missing_program_is_an_error() =>
        Assert.Contains("no-such-program", (await Assert.ThrowsAsync<IOException>(() => new ChildProcess("no-such-program", []).Run(default))).Message);

    private static ChildProcess Shell(string script) => new("/bin/sh", ["-c", script]);

    // One that nobody waits for stays as a zombie.
    private static bool IsAlive(string process) =>
        File.Exists($"/proc/{process}/stat") && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);
}
