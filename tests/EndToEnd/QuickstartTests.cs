namespace CertAuthority.Tests.EndToEnd;

/// <summary>The first thing that anybody types.</summary>
public sealed class QuickstartTests
{
    [Fact]
    public Task Quickstart_runs_and_leaves_nothing_running() => Plays(uid: null);

    [PeopleFact]
    public Task Quickstart_runs_for_an_ordinary_account() => Plays(Person.Alice);

    private static async Task Plays(uint? uid)
    {
        using var scratch = new Scratch();
        // As /tmp is: tsh keeps no key below a folder where others can rename what is not theirs.
        File.SetUnixFileMode(scratch.Path, (UnixFileMode)0b1_111_111_111);
        var person = new Person(uid, "/nonexistent", "unix:/nonexistent");

        var played = await person.Types("env", $"TMPDIR={scratch.Path}", Path.Combine(World.Repository, "quickstart"), "--no-build");

        var story = played.Done();
        Assert.Contains(" on db1\n", story);
        Assert.Contains("Permission denied (publickey)", story);
        Assert.Contains("has been denied, 1 certificate revoked", story);
        Assert.Contains("revoked by file", story);
        var folder = Assert.Single(Directory.GetDirectories(scratch.Path));
        Assert.DoesNotContain(folder, RunningCommands());
    }

    private static string RunningCommands() => string.Join('\n', Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(path[^1])).Select(path =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(path, "cmdline")).Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }));
}
