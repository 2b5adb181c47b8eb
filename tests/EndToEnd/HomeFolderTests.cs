namespace CertAuthority.Tests.EndToEnd;

/// <summary>Where tsh keeps its key: never in a folder that somebody else can write, and never wherever it was started.</summary>
public sealed class HomeFolderTests
{
    [PeopleTheory]
    [InlineData("HOME=/nowhere", "your home directory /nowhere does not exist")]
    [InlineData("HOME=relative", "HOME is 'relative', which is not an absolute path")]
    [InlineData("HOME=/root", "/root/.certauthority cannot be reached: permission denied")]
    [InlineData("TSH_HOME=relative", "TSH_HOME is 'relative', which is not an absolute path")]
    [InlineData("TSH_HOME=OPEN/tsh", "other accounts can write OPEN, and could put their own key there")]
    [InlineData("TSH_HOME=BOBS/tsh", "BOBS belongs to another account, uid 5002, which could put its own key there")]
    public async Task Unsafe_home_is_refused_and_left_alone(string variable, string error)
    {
        await using var daemon = await Laptop.Daemon();
        var alice = daemon.Person(Person.Alice) with { Home = "" };
        var (open, bobs) = (daemon.Scratch["open"], daemon.Scratch["bobs"]);
        Directory.CreateDirectory(open);
        File.SetUnixFileMode(open, (UnixFileMode)0b111_111_111);
        Directory.CreateDirectory(bobs);
        (await daemon.Administrator.Types("chown", $"{Person.Bob}", bobs)).Done();
        File.SetUnixFileMode(bobs, (UnixFileMode)0b111_101_101);

        var refused = await alice.Types("bash", "-c", $"cd {open} && {Named(variable)} tsh login");

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.StartsWith($"tsh: error: {Named(error)}\ntsh: hint: ", refused.Error);
        Assert.Empty(Directory.EnumerateFileSystemEntries(open));
        Assert.Empty(Directory.EnumerateFileSystemEntries(bobs));

        string Named(string text) => text.Replace("OPEN", open).Replace("BOBS", bobs);
    }
}
