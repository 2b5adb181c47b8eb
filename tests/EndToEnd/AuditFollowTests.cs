using System.Security.Cryptography;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The audit flows: whoever follows it gets every entry once, whatever is killed in between.</summary>
public sealed class AuditFollowTests
{
    /// <summary>The follower is killed at random points while entries are written; now and then the daemon is too.</summary>
    [Fact]
    public async Task Fifty_killed_followers_miss_and_repeat_nothing()
    {
        await using var daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        await DaemonTests.Setup(daemon);
        var file = daemon.Scratch["audit.jsonl"];
        using var isOver = new CancellationTokenSource();
        var writing = Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Write(daemon, isOver.Token)));
        var position = 0L;
        var (resumed, wasPartial) = (0, 0);
        for (var killed = 0; killed < 50; killed++)
        {
            var before = new FileInfo(file) is { Exists: true } now ? now.Length : 0;
            using (var follower = daemon.Administrator.Start("bash", "-c", $"exec tctl audit ls --follow --after={position} --format=jsonl >>{file}"))
            {
                // Half of them have printed something; the others may not even have begun.
                if (killed % 2 == 0)
                    await Eventually.Holds(() => new FileInfo(file) is { Exists: true } grown && grown.Length > before);
                await Task.Delay(RandomNumberGenerator.GetInt32(0, 150));
                if (killed is 15 or 35)
                {
                    await daemon.Stop("KILL");
                    await daemon.Restart();
                }
                follower.Kill();
                await follower.WaitForExitAsync();
            }
            var text = await System.IO.File.ReadAllTextAsync(file);
            // What a shipper does too: a line without its end is not there yet.
            if (!text.EndsWith('\n') && text.Length > 0)
            {
                wasPartial++;
                text = text[..(text.LastIndexOf('\n') + 1)];
                await System.IO.File.WriteAllTextAsync(file, text);
            }
            var last = text.Length == 0 ? 0 : Seq(text.TrimEnd('\n').Split('\n')[^1]);
            resumed += last > position ? 1 : 0;
            position = last;
        }
        await isOver.CancelAsync();
        await writing;
        (await daemon.Administrator.Types("bash", "-c", $"tctl audit ls --order=oldest --after={position} --format=jsonl >>{file}")).Done();

        var printed = (await System.IO.File.ReadAllLinesAsync(file)).Select(Seq).ToList();
        Assert.True(resumed > 20, $"only {resumed} of 50 followers printed anything, {wasPartial} of them half a line");
        Assert.Equal(Enumerable.Range(1, printed.Count).Select(n => (long)n), printed);
        using var ca = daemon.Connect();
        Assert.Equal(printed.Count, (await ca.Send(Routes.ListAudit, new ListAudit(1))).Entries[0].Seq);
    }

    [Fact]
    public async Task Follower_outlives_a_restart_and_ends_at_interrupt()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        using var follower = Wait.Start(daemon.Administrator, "tctl audit ls --follow --format=jsonl --event=user.*,daemon.started --account=root");
        await Eventually.Holds(async () =>
        {
            await Created(daemon, $"u{Guid.NewGuid():N}");
            return await follower.HasLine(TimeSpan.FromMilliseconds(300));
        }, "the follower prints what is created");
        await daemon.Stop();
        Assert.Matches("^tctl: warning: .*; following the audit again once the daemon answers$", await follower.NextTalk());
        await Task.Delay(1500);
        await daemon.Restart();
        await Created(daemon, "zoe");
        await Eventually.Holds(async () => (await follower.NextLine()).Contains("user/zoe"), "it goes on");
        await follower.Signal("INT");
        var ended = await follower.Ended();
        Assert.Equal((130, "tctl: error: interrupted\n"), (ended.ExitCode, ended.Error));
    }

    [Fact]
    public async Task Follower_ends_with_its_reader_and_at_its_limit()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        var lines = (await daemon.Administrator.Types("bash", "-c", "set -o pipefail; timeout 20 tctl audit ls --follow --after=0 | head -1")).Done();
        Assert.Matches("^[0-9TZ:-]+ daemon.started by certauthority: version=[^\n]*\n$", lines);
        Assert.Equal(2, (await daemon.Administrator.Types("timeout", "20", "tctl", "audit", "ls", "--follow", "--since=1h", "--limit=2", "--format=jsonl")).Done().Split('\n').Length - 1);
    }

    [Theory]
    [InlineData("--follow --format=json", "--follow takes --format=text or --format=jsonl: an array has an end")]
    [InlineData("--follow --until=2027-01-31", "--follow has no end, so it does not take --until")]
    [InlineData("--follow --order=newest", "--follow lists the oldest entry first")]
    [InlineData("--event=^(a$", "--event \"^(a$\": ")]
    [InlineData("--order=up", "--order takes newest or oldest, not \"up\"")]
    [InlineData("--since=yesterday", "--since takes a time such as 2027-01-31T18:00:00Z, or a duration before now such as 24h, not \"yesterday\"")]
    [InlineData("--after=first", "--after takes the place where a page ended, not \"first\"")]
    public async Task Bad_option_of_the_audit_is_a_usage_error(string options, string fault)
    {
        await using var daemon = await TestDaemon.Start();
        var outcome = await daemon.Administrator.Types(["tctl", "audit", "ls", .. options.Split(' ')]);
        Assert.Equal((2, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains($"tctl: error: {fault}", outcome.Error);
    }

    [PeopleFact]
    public async Task Reload_ends_the_call_of_a_waiting_auditor()
    {
        await using var daemon = await TestDaemon.Start(configuration: "auditors: {users: [carol]}\n");
        await DaemonTests.Setup(daemon);
        using var follower = Wait.Start(daemon.Person(Person.Carol), "tctl audit ls --follow --format=jsonl");
        await Eventually.Holds(async () =>
        {
            await Created(daemon, $"u{Guid.NewGuid():N}");
            return await follower.HasLine(TimeSpan.FromMilliseconds(300));
        }, "the auditor follows");
        daemon.Scratch.Write("certauthority.yaml", "auditors: {users: [dora]}\n");
        await daemon.Signal("HUP");
        var ended = await follower.Ended();
        Assert.Equal(1, ended.ExitCode);
        Assert.StartsWith("tctl: error: carol is not an administrator\n", ended.Error);
        // The reload itself is an entry; it woke the call, and was not handed out.
        Assert.DoesNotContain("daemon.reloaded", ended.Output);
    }

    private static async Task Created(TestDaemon daemon, string user) =>
        (await daemon.Administrator.Types("tctl", "users", "add", user, "--roles=staff")).Done();

    private static long Seq(string line) => JsonDocument.Parse(line).RootElement.GetProperty("seq").GetInt64();

    /// <summary>Writes entries, one after the other, also while the daemon is away.</summary>
    internal static async Task Write(TestDaemon daemon, CancellationToken isOver)
    {
        using var ca = daemon.Connect();
        for (var n = 0; !isOver.IsCancellationRequested; n++)
            try
            {
                await ca.Send(Routes.UpdateUser, new UpdateUser("me", Logins: [$"x{n % 7}", "y"]), CancellationToken.None);
            }
            catch (Exception e) when (e is UnreachableException or ProblemException)
            {
                await Task.Delay(20, CancellationToken.None);
            }
    }
}
