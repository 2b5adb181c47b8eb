namespace CertAuthority.Tests.EndToEnd;

/// <summary><c>tctl edit</c> with editors that are scripts.</summary>
public sealed class EditTests : IAsyncLifetime
{
    private const string Role = "{kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}";

    private TestDaemon daemon = null!;

    public async Task InitializeAsync()
    {
        daemon = await TestDaemon.Start();
        (await daemon.Administrator.Types(["tctl", "create"], Role)).Done();
    }

    public async Task DisposeAsync() => await daemon.DisposeAsync();

    [Fact]
    public async Task Edited_text_is_applied_and_the_file_is_removed()
    {
        var edited = await Edit("cat $1 > seen; echo $1 > path; sed -i s/postgres/barman/ $1");
        Assert.Equal("role 'dba' has been updated\n", edited.Done());
        Assert.Equal((await Get()).Replace("barman", "postgres").Replace("\"2\"", "\"1\""), File.ReadAllText(daemon.Scratch["seen"]));
        Assert.Contains("- barman\n", await Get());
        var path = File.ReadAllText(daemon.Scratch["path"]).Trim();
        Assert.Equal("role-dba.yaml", Path.GetFileName(path));
        Assert.False(Directory.Exists(Path.GetDirectoryName(path)));
    }

    [Fact]
    public async Task Nobody_else_can_read_the_edited_file()
    {
        (await Edit("stat -c %a $(dirname $1) > mode")).Done();
        Assert.Equal("700\n", File.ReadAllText(daemon.Scratch["mode"]));
    }

    [Fact]
    public async Task Unedited_text_changes_nothing()
    {
        var edited = await Edit("true");
        Assert.Equal((0, "", "tctl: role 'dba' was left as it is\n"), (edited.ExitCode, edited.Output, edited.Error));
        Assert.Contains("revision: \"1\"", await Get());
    }

    [Fact]
    public async Task VISUAL_precedes_EDITOR_and_both_can_have_arguments()
    {
        var script = Script("shift; sed -i s/postgres/visual/ $1");
        Assert.Equal("role 'dba' has been updated\n", (await daemon.Administrator.Types(["env", $"VISUAL={script} --wait", "EDITOR=false", "tctl", "edit", "roles/dba"], "")).Done());
        Assert.Contains("- visual\n", await Get());
    }

    [Theory]
    [InlineData("as the file says", "")]
    [InlineData("although the file says nothing any more", "; sed -i /revision/d $1")]
    public async Task Concurrent_change_is_not_overwritten_and_the_text_is_kept(string what, string more)
    {
        var edited = await Edit($"sed -i s/postgres/mine/ $1{more}; echo \"{Role.Replace("postgres", "theirs")}\" | tctl create -f - > /dev/null");
        Assert.Equal((1, ""), (edited.ExitCode, edited.Output));
        var lines = edited.Error.Split('\n');
        Assert.True(lines[0] == "tctl: error: role 'dba' was changed since this file was made from it: revision 1 then, 2 now", $"{what}: {edited.Error}");
        Assert.Contains("- mine\n", File.ReadAllText(Kept(edited)));
        Assert.Contains("- theirs\n", await Get());
    }

    [Fact]
    public async Task Removed_role_is_not_recreated_and_the_text_is_kept()
    {
        var edited = await Edit("sed -i s/postgres/mine/ $1; tctl rm role/dba > /dev/null");
        Assert.Equal(1, edited.ExitCode);
        Assert.StartsWith("tctl: error: role/dba was removed meanwhile\ntctl: hint: create it with tctl create\n", edited.Error, StringComparison.Ordinal);
        Assert.Contains("- mine\n", File.ReadAllText(Kept(edited)));
        Assert.Equal(1, (await daemon.Administrator.Types("tctl", "get", "role/dba")).ExitCode);
    }

    [Fact]
    public async Task Changed_name_or_second_resource_is_rejected()
    {
        var renamed = await Edit("sed -i s/dba/root/ $1");
        Assert.StartsWith("tctl: error: role-dba.yaml:4:3: this is role/root, and role/dba was to be edited; create another one from a file of its own\n", renamed.Error, StringComparison.Ordinal);
        var second = await Edit($"echo --- >> $1; echo \"{Role.Replace("dba", "more")}\" >> $1");
        Assert.Contains("this is role/more, and role/dba was to be edited", second.Error);
        Assert.Equal(1, (await daemon.Administrator.Types("tctl", "get", "role/more")).ExitCode);
        Directory.Delete(Path.GetDirectoryName(Kept(renamed))!, recursive: true);
        Directory.Delete(Path.GetDirectoryName(Kept(second))!, recursive: true);
    }

    [Fact]
    public async Task Unanswered_fault_is_shown_and_the_text_is_kept()
    {
        var edited = await Edit("sed -i s/postgres/1,a/ $1");
        Assert.Equal((1, ""), (edited.ExitCode, edited.Output));
        Assert.StartsWith("tctl: error: role-dba.yaml:9:9: \"1,a\" is not a login", edited.Error, StringComparison.Ordinal);
        Assert.Contains("- \"1,a\"\n".Replace("\"", ""), File.ReadAllText(Kept(edited)));
        Assert.Contains("- postgres\n", await Get());
        Directory.Delete(Path.GetDirectoryName(Kept(edited))!, recursive: true);
    }

    [Fact]
    public async Task Enter_reopens_a_faulty_text()
    {
        var edited = await Edit("if grep -q 1,a $1; then sed -i s/1,a/second/ $1; else sed -i s/postgres/1,a/ $1; fi", "\n");
        Assert.Equal("role 'dba' has been updated\n", edited.Done());
        Assert.Contains("is not a login", edited.Error);
        Assert.False(Directory.Exists(Path.GetDirectoryName(Kept(edited))));
        Assert.Contains("- second\n", await Get());
    }

    [Fact]
    public async Task Failed_editor_changes_nothing_and_the_text_is_kept()
    {
        var edited = await Edit("sed -i s/postgres/mine/ $1; exit 3");
        Assert.Equal(1, edited.ExitCode);
        Assert.Matches(@"^tctl: error: the editor \S+ ended with exit code 3; nothing was changed\ntctl: hint: your text is kept in \S+\n$", edited.Error);
        Assert.Contains("- mine\n", File.ReadAllText(Kept(edited)));
        Assert.Contains("- postgres\n", await Get());
        Directory.Delete(Path.GetDirectoryName(Kept(edited))!, recursive: true);
    }

    [Fact]
    public async Task Stopped_daemon_leaves_the_edited_text()
    {
        var edited = await Edit($"sed -i s/postgres/mine/ $1; kill {daemon.ProcessId}; while kill -0 {daemon.ProcessId} 2> /dev/null; do sleep 0.1; done");
        Assert.Equal(3, edited.ExitCode);
        Assert.Contains("- mine\n", File.ReadAllText(Kept(edited)));
        Directory.Delete(Path.GetDirectoryName(Kept(edited))!, recursive: true);
    }

    [Fact]
    public async Task Missing_resource_opens_no_editor()
    {
        var edited = await Edit("touch opened", name: "role/gone");
        Assert.Equal((1, "tctl: error: there is no role \"gone\"\ntctl: hint: tctl get role lists them\n"), (edited.ExitCode, edited.Error));
        Assert.False(File.Exists(daemon.Scratch["opened"]));
        Assert.Equal(2, (await daemon.Administrator.Types("tctl", "edit", "dba")).ExitCode);
    }

    private Task<Outcome> Edit(string editor, string input = "", string name = "role/dba") =>
        daemon.Administrator.Types(["env", "-u", "VISUAL", $"EDITOR={Script(editor)}", "tctl", "edit", name], input);

    private string Script(string commands)
    {
        var script = daemon.Scratch.Write("editor", $"#!/bin/sh\ncd {daemon.Scratch.Path}\n{commands}\n");
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        return script;
    }

    private async Task<string> Get() => (await daemon.Administrator.Types("tctl", "get", "role/dba")).Done();

    private static string Kept(Outcome edited) => System.Text.RegularExpressions.Regex.Match(edited.Error, @"your text is kept in (\S+)").Groups[1].Value;
}
