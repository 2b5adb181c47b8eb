namespace CertAuthority.Tests.EndToEnd;

/// <summary>Files that a user names and that cannot be read: one line and a hint, the same from every command.</summary>
public sealed class NamedFileTests
{
    [PeopleFact]
    public async Task File_that_is_not_there_is_said_in_one_way()
    {
        await using var daemon = await TestDaemon.Start();
        string[] commands =
        [
            "tctl audit verify --since FILE", "tctl audit verify --key FILE", "tctl access report --from FILE", "tctl access review start --report FILE",
            "tctl access review done 1 --report FILE --signature x", "tctl create -f FILE", "tctl apply FILE",
        ];
        Directory.CreateDirectory(daemon.Scratch["folder"]);
        Assert.All(await Task.WhenAll(commands.Select(async command => (Command: command, Outcome: await Run(command, "nothing")))), one =>
            Assert.Equal(
                (one.Command, 1, "tctl: error: nothing cannot be read: there is no such file\ntctl: hint: check the name; it is looked for in /\n"),
                (one.Command, one.Outcome.ExitCode, one.Outcome.Error)));
        Assert.Equal("tctl: error: /no/where cannot be read: there is no such file\ntctl: hint: check the name\n", (await Run(commands[0], "/no/where")).Error);
        Assert.Equal(
            $"tctl: error: {daemon.Scratch["folder"]} cannot be read: it is a directory\ntctl: hint: name a file in it\n",
            (await Run(commands[2], daemon.Scratch["folder"])).Error);

        Task<Outcome> Run(string command, string file) =>
            daemon.Administrator.Types("bash", "-c", $"cd /; {command.Replace("FILE", file, StringComparison.Ordinal)}");
    }
}
