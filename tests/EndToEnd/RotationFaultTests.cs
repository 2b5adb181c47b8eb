using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Rotations whose keys are not as they should be, and steps that somebody says too early.</summary>
public sealed class RotationFaultTests
{
    [Fact]
    public async Task Key_that_went_into_an_agent_is_left_alone()
    {
        using var scratch = new Scratch();
        await using var agent = await CaAgent.Start(scratch);
        await using var daemon = await TestDaemon.Start(scratch, configuration: "audit: {keep: 90d}\n");
        var administrator = daemon.Administrator;
        (await administrator.Types("tctl", "auth", "rotate", "host")).Done();
        (await administrator.Types("tctl", "auth", "rotate", "host", $"--schedule={Soon()}")).Done();
        await daemon.Stop();
        (await administrator.Types("env", $"SSH_AUTH_SOCK={agent.Socket}", "ssh-add", "-q", daemon.File("host_ca"))).Done();
        var fingerprint = await agent.Fingerprint(daemon.File("host_ca.pub"));
        File.Move(daemon.File("host_ca"), scratch["moved"]);
        scratch.Write("certauthority.yaml", $"host_ca: {{agent: {agent.Socket}, fingerprint: '{fingerprint}'}}\n");
        await Passed();

        await daemon.Restart();

        const string why = "the host CA key is not in a plain file any more, so no other can take its place here";
        var status = await administrator.Types("tctl", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Contains($"tctl: error: the next host CA key is trusted, and cannot take over: {why}\n", status.Error, StringComparison.Ordinal);
        Assert.Contains($"tctl: error: {why}\n", (await administrator.Types("tctl", "auth", "rotate", "host")).Error, StringComparison.Ordinal);
        // Every start looks at the schedule at once.
        await daemon.Stop();
        await daemon.Restart();
        Assert.Equal("prepared", await Step(daemon));
        Assert.False(File.Exists(daemon.File("host_ca")));
        // The way out.
        (await administrator.Types("tctl", "auth", "rotate", "host", "--back")).Done();
        Assert.Equal(0, (await administrator.Types("tctl", "status")).ExitCode);
        var stolen = await administrator.Types("tctl", "auth", "rotate", "host", "--compromised", "--yes");
        Assert.Equal(
            "tctl: error: the host CA key is not in a plain file, so no other can be made here\ntctl: hint: make a new one where it is, and revoke this one with it: docs/operating.md#replacing-the-user-ca-key; in our own signer: docs/keys.md#replacing-the-key-of-a-signer\n",
            stolen.Error);
    }

    [Fact]
    public async Task Next_key_is_judged_like_the_one_that_signs()
    {
        await using var daemon = await TestDaemon.Start();
        var administrator = daemon.Administrator;
        (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
        var next = daemon.File("user_ca_next");
        File.SetUnixFileMode(next, (UnixFileMode)0b110_100_100);

        var refused = await administrator.Types("tctl", "auth", "rotate", "user");

        Assert.Equal(1, refused.ExitCode);
        Assert.StartsWith($"tctl: error: {next} has mode 0644", refused.Error, StringComparison.Ordinal);
        Assert.Contains($"tctl: error: the next user CA key is trusted, and cannot take over: {next} has mode 0644", (await administrator.Types("tctl", "status")).Error, StringComparison.Ordinal);
        await Eventually.Holds(async () => (await administrator.Types("tctl", "audit", "ls", "--event=ca.unusable", "--format=json")).Output.Contains("user_ca_next has mode 0644", StringComparison.Ordinal), "the audit has it");
        File.SetUnixFileMode(next, (UnixFileMode)0b110_000_000);
        await Eventually.Holds(async () => (await administrator.Types("tctl", "status")).ExitCode == 0, "it is put right");

        // Gone at the start: nothing else notices it before it is to sign.
        await daemon.Stop();
        File.Move(next, daemon.Scratch["away"]);
        File.Move($"{next}.pub", daemon.Scratch["away.pub"]);
        await daemon.Restart();
        var status = await administrator.Types("tctl", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Matches($"tctl: error: the next user CA key is trusted, and cannot take over: {next} does not have the next user CA key, SHA256:[^;]+; put it back\n", status.Error);
        File.Move(daemon.Scratch["away"], next);
        Assert.Contains("user CA key: switched", (await administrator.Types("tctl", "auth", "rotate", "user")).Done(), StringComparison.Ordinal);

        // The old one is trusted until its last certificate has ended, so it is judged too.
        File.SetUnixFileMode(daemon.File("user_ca"), (UnixFileMode)0b110_100_100);
        await Eventually.Holds(async () => (await administrator.Types("tctl", "status")).Error.Contains("tctl: error: the old user CA key is trusted, and not as it should be: ", StringComparison.Ordinal), "the old one shows");
        (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
        (await administrator.Types("tctl", "status")).Done();
    }

    [Fact]
    public async Task Hosts_confirm_a_host_key_once_it_signs()
    {
        await using var daemon = await TestDaemon.Start();
        var administrator = daemon.Administrator;
        (await administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: web1}, spec: {addr: web1.example.com}}")).Done();
        (await administrator.Types("tctl", "auth", "sign", "--host=web1", daemon.Scratch.Write("web1.pub", TestDaemon.AnyKey))).Done();
        (await Rotate()).Done();

        var early = await Rotate("--confirm=web1");

        Assert.Equal("tctl: error: the next host CA key does not sign yet, so web1 has no certificate of it\n", early.Error);
        (await Rotate()).Done();
        (await Rotate("--confirm=web1")).Done();
        (await Rotate("--back")).Done();
        // It may still show a certificate of the next key, until somebody says that it has fetched one of the old key.
        Assert.StartsWith("tctl: error: 1 host shows a certificate of the next key: web1\n", (await Rotate("--back")).Error, StringComparison.Ordinal);
        // What was said of the first time does not count for the second.
        (await Rotate()).Done();
        Assert.StartsWith("tctl: error: 1 host has not confirmed: web1\n", (await Rotate()).Error, StringComparison.Ordinal);
        (await Rotate("--confirm=web1")).Done();
        (await Rotate("--back")).Done();
        (await Rotate("--confirm=web1")).Done();
        (await Rotate("--back")).Done();
        Assert.Equal("", await Step(daemon));

        Task<Outcome> Rotate(params string[] options) => administrator.Types(["tctl", "auth", "rotate", "host", .. options]);
    }

    [Fact]
    public async Task One_key_that_cannot_go_on_holds_up_no_other()
    {
        await using var daemon = await TestDaemon.Start();
        var administrator = daemon.Administrator;
        (await administrator.Types("tctl", "auth", "rotate", "user")).Done();
        (await administrator.Types("tctl", "auth", "rotate", "host")).Done();
        (await administrator.Types("tctl", "auth", "rotate", "host", $"--schedule={Soon()}")).Done();
        await daemon.Stop();
        // A file that is no key where the next user CA key was.
        File.Move(daemon.File("user_ca_next"), daemon.Scratch["away"]);
        await daemon.Restart();
        File.WriteAllText(daemon.File("user_ca_next"), "no key");

        await Eventually.Holds(async () => (await administrator.Types("tctl", "auth", "rotate", "host", "--status")).Output.Contains("switched", StringComparison.Ordinal), "the host key goes on");

        await Eventually.Holds(() => daemon.Log.Contains("the rotation of the user CA key does not go on, and is tried again: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Mistakes_on_the_command_line_get_a_next_step()
    {
        await using var daemon = await TestDaemon.Start();
        var administrator = daemon.Administrator;
        Assert.StartsWith("tctl: error: KEY takes user, host or sync, not 'usr'\n", (await administrator.Types("tctl", "auth", "rotate", "usr")).Error, StringComparison.Ordinal);
        (await administrator.Types("tctl", "auth", "rotate", "sync")).Done();
        foreach (var (given, shown) in ((string, string)[])[("2020-01-01", "2020-01-01T00:00:00Z"), ("0001-01-01", "0001-01-01T00:00:00Z")])
        {
            var past = await administrator.Types("tctl", "auth", "rotate", "sync", $"--schedule={given}");
            Assert.Equal(
                (1, $"tctl: error: {shown} is past, so the daemon would go on at once\ntctl: hint: name a time to come; to take a step: tctl auth rotate sync\n"), (past.ExitCode, past.Error));
        }
        Assert.DoesNotContain("goes on by itself", (await administrator.Types("tctl", "auth", "rotate", "--status")).Done(), StringComparison.Ordinal);
    }

    /// <summary>A time that is to come for as long as a command takes.</summary>
    internal static string Soon() => $"{TimeProvider.System.GetUtcNow().AddSeconds(5):yyyy-MM-dd'T'HH:mm:ss'Z'}";

    /// <summary>Returns when that time is over.</summary>
    internal static async Task Passed()
    {
        var end = TimeProvider.System.GetUtcNow().AddSeconds(6);
        await Eventually.Holds(() => TimeProvider.System.GetUtcNow() > end);
    }

    private static async Task<string> Step(TestDaemon daemon) =>
        JsonDocument.Parse((await daemon.Administrator.Types("tctl", "auth", "rotate", "--status", "--format=json")).Done()).RootElement.GetProperty("rotations")
            .EnumerateArray().Select(one => one.GetProperty("step").GetString()!).SingleOrDefault("");
}
