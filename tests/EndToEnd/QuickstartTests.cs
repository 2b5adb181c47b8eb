namespace CertAuthority.Tests.EndToEnd;

/// <summary>The first thing that anybody types.</summary>
public sealed class QuickstartTests
{
    [Fact]
    public Task Quickstart_runs_and_leaves_nothing_running() => Plays(uid: null);

    [PeopleFact]
    public Task Quickstart_runs_for_an_ordinary_account() => Plays(Person.Alice);

    [Fact]
    public Task Quickstart_survives_a_daemon_and_a_database_server() => Loses(uid: null);

    [PeopleFact]
    public Task Quickstart_survives_them_for_an_ordinary_account() => Loses(Person.Alice);

    private static async Task Loses(uint? uid)
    {
        var story = await Plays(uid, "--cluster");
        Assert.Matches("(?m)^daemon: .* follows since ", story);
        Assert.Matches("(?m)^daemon: .* is gone, last seen ", story);
        Assert.Contains(" on db1, by the second daemon\n", story);
        Assert.Equal(2, story.Split("Permission denied (publickey)").Length - 2);
        Assert.Contains("was promoted, and has everything that it acknowledged\n", story);
        Assert.Matches("(?m)^[1-9][0-9]* certificates and [1-9][0-9]* entries of the audit from before the loss: all are there$", story);
        Assert.Contains(" on db1, from the promoted server\n", story);
    }

    private static async Task<string> Plays(uint? uid, params string[] options)
    {
        using var scratch = new Scratch();
        // As /tmp is: tsh keeps no key below a folder where others can rename what is not theirs.
        File.SetUnixFileMode(scratch.Path, (UnixFileMode)0b1_111_111_111);
        // Beside other tests, the longer story takes several times as long as alone.
        var person = new Person(uid, "/nonexistent", "unix:/nonexistent") { Patience = TimeSpan.FromMinutes(5) };

        var played = await person.Types(["env", $"TMPDIR={scratch.Path}", Path.Combine(World.Repository, "quickstart"), "--no-build", .. options]);

        var story = played.Done();
        Assert.Contains(" on db1\n", story);
        Assert.Contains("Permission denied (publickey)", story);
        Assert.Contains("has been denied, 1 certificate revoked", story);
        Assert.Contains("revoked by file", story);
        var folder = Assert.Single(Directory.GetDirectories(scratch.Path));
        Assert.DoesNotContain(folder, RunningCommands());
        Assert.DoesNotContain($"{scratch.Path}/", RunningCommands());
        return story;
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
