using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Telling a command of what happens: a shell script that keeps what it reads, or fails, or hangs.</summary>
public sealed class NotifyTests
{
    [Fact]
    public async Task Command_reads_each_request_event_as_JSON_and_nothing_else()
    {
        using var scratch = new Scratch();
        var told = scratch["told"];
        var program = Script(scratch, $"""
            cat >>{told}; echo >>{told}
            [ -e {scratch["surroundings"]} ] || (tr '\0' '\n' </proc/$$/environ; pwd; echo "$#: $1") >{scratch["surroundings"]}
            """);
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"notify: {{command: [{program}, 'one argument'], before_end: 2h}}\n");
        await DaemonTests.Setup(daemon);
        const string hostile = "$(touch /tmp/x); `id` \"; --help ' {{}} % \\n <b>é";

        var approved = await File(daemon, hostile);
        (await daemon.Administrator.Types("tctl", "requests", "approve", "--reason=go ahead", approved)).Done();
        await Eventually.Holds(() => Told(told).Exists(one => Text(one, "event") == "access.ending"));
        (await daemon.Administrator.Types("tctl", "requests", "deny", "--reason=over", approved)).Done();
        var cancelled = await File(daemon, "");
        (await daemon.Myself.Types("tsh", "request", "cancel", cancelled)).Done();
        await Eventually.Holds(() => Told(told).Count == 6);

        var events = Told(told);
        // The access is shorter than two hours, so that its end is near when it begins.
        Assert.Equal(
            ["access.ending", "request.approved", "request.cancelled", "request.created", "request.created", "request.denied"],
            events.Select(one => Text(one, "event")).Order(StringComparer.Ordinal));
        Assert.Equal(6, events.Select(one => Guid.Parse(Text(one, "id"))).Distinct().Count());
        Assert.All(events, one => Assert.Equal(1, one.GetProperty("attempt").GetInt32()));
        var first = events.Find(one => Text(one, "event") == "request.approved").GetProperty("request");
        Assert.Equal((approved, "access_request"), (Text(first.GetProperty("metadata"), "name"), Text(first, "kind")));
        var spec = first.GetProperty("spec");
        Assert.Equal(("APPROVED", hostile, "go ahead"), (Text(spec, "state"), Text(spec, "request_reason"), Text(spec, "resolve_reason")));

        var surroundings = (await System.IO.File.ReadAllTextAsync(scratch["surroundings"])).Split('\n');
        Assert.Equal(
            ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "/", "1: one argument"],
            surroundings[..2].Order(StringComparer.Ordinal).Reverse().Concat(surroundings[2..4]));
        Assert.Contains("notifications (command): 0 waiting, 0 given up\n", (await daemon.Administrator.Types("tctl", "status")).Done());
    }

    [Fact]
    public async Task Upcoming_end_of_access_is_announced_once_and_on_time()
    {
        using var scratch = new Scratch();
        var told = scratch["told"];
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"notify: {{command: [{Script(scratch, $"cat >>{told}; echo >>{told}")}], before_end: 6s}}\n");
        await DaemonTests.Setup(daemon);
        var id = (await daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--max-duration=12s", "--nowait", "--force")).Done().Split(' ')[1];
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();

        await Eventually.Holds(() => Told(told).Exists(one => Text(one, "event") == "access.ending"));
        var ending = Told(told).Find(one => Text(one, "event") == "access.ending");
        var ends = ending.GetProperty("request").GetProperty("spec").GetProperty("access_expires").GetDateTimeOffset();
        Assert.InRange(ending.GetProperty("time").GetDateTimeOffset(), ends.AddSeconds(-6), ends.AddSeconds(-1));
        // After its end another is told of, and of this one nothing more.
        await Eventually.Holds(() => TimeProvider.System.GetUtcNow() > ends);
        await File(daemon, "");
        await Eventually.Holds(() => Told(told).Count(one => Text(one, "event") == "request.created") == 2);
        Assert.Single(Told(told), one => Text(one, "event") == "access.ending");
    }

    [Fact]
    public async Task Failing_command_is_retried_and_then_given_up()
    {
        using var scratch = new Scratch();
        var told = scratch["told"];
        var program = Script(scratch, $"cat >>{told}; echo >>{told}; printf 'no mail today\\n\\033[31mred' >&2; exit 7");
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"notify: {{command: [{program}], tries: 3}}\n");
        await DaemonTests.Setup(daemon);
        await File(daemon, "");

        await Eventually.Holds(() => Status(daemon).GetProperty("given_up").GetInt32() == 1);
        Assert.Equal([1, 2, 3], Told(told).Select(one => one.GetProperty("attempt").GetInt32()));
        Assert.Single(Told(told).Select(one => Text(one, "id")).Distinct());
        var status = Status(daemon);
        Assert.Equal(("command", 0, "it ended with 7: no mail today\n\u001b[31mred"), (Text(status, "name"), status.GetProperty("waiting").GetInt32(), Text(status, "last_failure")));
        Assert.Matches(
            @"\nnotifications \(command\): 0 waiting, 1 given up; last failure [-0-9]+T[:0-9]+Z: it ended with 7: no mail today\\n\\u\{1b\}\[31mred\n$",
            (await daemon.Administrator.Types("tctl", "status")).Done());
        await Eventually.Holds(() => daemon.Log.Contains("1 notifications were given up"));
        Assert.Contains("command said of event", daemon.Log);
        Assert.DoesNotContain("\u001b", daemon.Log);
    }

    [Fact]
    public async Task Hung_command_is_killed_with_its_children_and_delays_nobody()
    {
        using var scratch = new Scratch();
        var sleeping = scratch["sleeping"];
        System.IO.File.Copy("/usr/bin/sleep", sleeping);
        var program = Script(scratch, $"touch {scratch["running"]}; {sleeping} 1000 & {sleeping} 1000");
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"notify: {{command: [{program}], timeout: 20s, tries: 1}}\n");
        await DaemonTests.Setup(daemon);
        await File(daemon, "");

        await Eventually.Holds(() => System.IO.File.Exists(scratch["running"]) && Processes.Running(sleeping) == 2);
        (await daemon.Myself.Types("tsh", "login")).Done();
        await File(daemon, "");
        Assert.Equal(2, Processes.Running(sleeping));
        await Eventually.Holds(() => Status(daemon).TryGetProperty("last_failure", out var why) && why.GetString() == "it did not end within 20 s and was killed");

        // The second hangs now; the daemon does not wait for it, and takes it along.
        await Eventually.Holds(() => Processes.Running(sleeping) == 2);
        Assert.Equal(0, await daemon.Stop());
        await Eventually.Holds(() => Processes.Running(sleeping) == 0);
    }

    [Fact]
    public async Task Killed_daemon_sends_its_notices_after_the_restart()
    {
        using var scratch = new Scratch();
        var (program, told) = (scratch["program"], scratch["told"]);
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"notify: {{command: [{program}], tries: 100}}\n");
        await DaemonTests.Setup(daemon);
        var id = await File(daemon, "");
        await daemon.Stop("KILL");

        Script(scratch, $"cat >>{told}; echo >>{told}");
        await daemon.Restart();
        await Eventually.Holds(() => Told(told).Count == 1);
        Assert.Equal(id, Text(Told(told)[0].GetProperty("request").GetProperty("metadata"), "name"));
    }

    [Fact]
    public async Task Status_shows_a_missing_command()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"notify: {{command: [{scratch["none"]}]}}\n");
        await DaemonTests.Setup(daemon);
        await File(daemon, "");

        var expected = $"{scratch["none"]} does not exist, or cannot be reached";
        await Eventually.Holds(() => Status(daemon).TryGetProperty("last_failure", out var why) && why.GetString() == expected);
        Assert.Matches($"notifications \\(command\\): 1 waiting, 0 given up; last failure .*: {expected}", (await daemon.Administrator.Types("tctl", "status")).Done());
        // One that is there and no program is another matter.
        scratch.Write("none", "#!/bin/sh\n");
        await File(daemon, "");
        await Eventually.Holds(() => Text(Status(daemon), "last_failure").Contains("it ended with 126", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Notices_wait_only_for_a_command_and_SIGHUP_replaces_it()
    {
        using var scratch = new Scratch();
        var told = scratch["told"];
        var program = Script(scratch, $"cat >>{told}; echo >>{told}");
        await using var daemon = await TestDaemon.Start(scratch, configuration: "notify: {command: []}\n");
        await DaemonTests.Setup(daemon);
        await File(daemon, "before");
        Assert.DoesNotContain("notifications", (await daemon.Administrator.Types("tctl", "status", "--format=json")).Done());

        scratch.Write("certauthority.yaml", $"notify: {{command: [{scratch["none"]}]}}\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => Status(daemon).ValueKind == JsonValueKind.Object);
        await File(daemon, "after");
        Assert.Equal(1, Status(daemon).GetProperty("waiting").GetInt32());

        // What waits for a command waits for the next one too.
        scratch.Write("certauthority.yaml", $"notify: {{command: [{program}]}}\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => Told(told).Count == 1);
        Assert.Equal("after", Text(Told(told)[0].GetProperty("request").GetProperty("spec"), "request_reason"));

        // With the last one goes what waits.
        System.IO.File.Delete(program);
        await File(daemon, "");
        scratch.Write("certauthority.yaml", "");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => daemon.Log.Contains("1 notifications that waited for command were dropped"));
        Assert.DoesNotContain("notifications", (await daemon.Administrator.Types("tctl", "status", "--format=json")).Done());
    }

    private static string Script(Scratch scratch, string text)
    {
        var path = scratch.Write("program", $"#!/bin/sh\n{text}\n");
        System.IO.File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }

    private static async Task<string> File(TestDaemon daemon, string reason) =>
        (await daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--max-duration=1h", $"--reason={reason}", "--nowait", "--force")).Done().Split(' ')[1];

    private static List<JsonElement> Told(string file) => System.IO.File.Exists(file)
        ? [.. System.IO.File.ReadAllText(file).Split('\n')[..^1].Where(line => line.Length > 0).Select(line => JsonDocument.Parse(line).RootElement)]
        : [];

    /// <summary>How the command fares; nothing where there is none.</summary>
    private static JsonElement Status(TestDaemon daemon) =>
        JsonDocument.Parse(daemon.Administrator.Types("tctl", "status", "--format=json").Result.Done()).RootElement.TryGetProperty("notifications", out var all) ? all[0] : default;

    private static string Text(JsonElement from, string member) => from.GetProperty(member).GetString()!;
}
