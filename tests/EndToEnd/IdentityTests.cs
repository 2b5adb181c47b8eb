using System.Diagnostics;
using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Who somebody is: his groups, and as whom he logged in before he became somebody else.</summary>
public sealed class IdentityTests
{
    [PeopleFact]
    public async Task Members_of_a_named_group_are_administrators()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, arguments: ["--config", scratch.Write("c.yaml", "admins: {groups: [deploy, there-is-none]}\n")]);

        (await As(daemon, "--reuid=5001 --regid=5001 --groups=\"$(id -g deploy)\"", "tctl users ls")).Done();
        (await As(daemon, "--reuid=5001 --regid=\"$(id -g deploy)\" --clear-groups", "tctl users ls")).Done();
        // Nearly as many groups as a process can be in, the last of which is the right one.
        (await As(daemon, "--reuid=5001 --regid=5001 --groups=\"$(seq -s, 200000 200999),$(id -g deploy)\"", "tctl users ls")).Done();
        var refused = await As(daemon, "--reuid=5001 --regid=5001 --groups=\"$(id -g postgres)\"", "tctl users ls");
        Assert.Equal((1, "tctl: error: alice is not an administrator"), (refused.ExitCode, refused.Error.Split('\n')[0]));
        // The account's own groups do not matter where the process has none.
        Assert.Equal(1, (await As(daemon, "--reuid=5001 --regid=5001 --clear-groups", "tctl users ls")).ExitCode);
    }

    [LoginUidFact]
    public async Task Audit_names_who_became_root_and_marks_their_own_request()
    {
        await using var daemon = await TestDaemon.Start();
        await People(daemon);

        (await LoggedIn(daemon, 5001, "--reuid=0", "tctl users update bob --set-roles=staff")).Done();
        var update = (await Audit(daemon, "user.updated"))[0];
        Assert.Equal((0, "root", 5001), (Number(update, "uid"), update.GetProperty("account").GetString(), Number(update, "login_uid")));
        Assert.Contains("root (login uid 5001)", (await daemon.Administrator.Types("tctl", "audit", "ls")).Done());

        // Root may, as alice too, and the audit says that it was her own; as bob it is not.
        (await LoggedIn(daemon, 5001, "--reuid=0", $"tctl requests approve {await Filed(daemon)}")).Done();
        (await LoggedIn(daemon, 5002, "--reuid=0", $"tctl requests approve {await Filed(daemon)}")).Done();
        var approvals = await Audit(daemon, "request.approved");
        Assert.False(approvals[0].TryGetProperty("self", out _));
        Assert.True(approvals[1].GetProperty("self").GetBoolean());
    }

    [LoginUidFact]
    public async Task Administrator_cannot_approve_their_own_as_another_account()
    {
        using var scratch = new Scratch();
        await using var daemon = await TestDaemon.Start(scratch, arguments: ["--config", scratch.Write("c.yaml", "admins: {users: [bob]}\n")]);
        await People(daemon);
        const string bob = "--reuid=5002 --regid=5002 --clear-groups";

        // Alice became bob to approve what she asks for.
        var hers = await Filed(daemon);
        await Refused(LoggedIn(daemon, 5001, bob, $"tctl requests approve {hers}"));
        // Bob became root to file it, and is himself again.
        var his = (await LoggedIn(daemon, 5002, "--reuid=0", "tctl requests create --force --roles=dba alice")).Done().Split(' ')[1];
        await Refused(As(daemon, bob, $"tctl requests approve {his}"));
        // Neither has anything to do with it.
        (await LoggedIn(daemon, 5002, bob, $"tctl requests approve {hers}")).Done();

        static async Task Refused(Task<Outcome> typed)
        {
            var outcome = await typed;
            Assert.Equal(1, outcome.ExitCode);
            Assert.Contains("nobody approves their own request", outcome.Error);
        }
    }

    private static async Task People(TestDaemon daemon)
    {
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=staff")).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "bob", "--roles=staff")).Done();
    }

    private static async Task<string> Filed(TestDaemon daemon) =>
        (await daemon.Person(Person.Alice).Types("tsh", "request", "create", "--roles=dba", "--nowait", "--force")).Done().Split(' ')[1];

    private static async Task<List<JsonElement>> Audit(TestDaemon daemon, string happened) =>
        [.. JsonDocument.Parse((await daemon.Administrator.Types("tctl", "audit", "ls", "--format=json")).Done()).RootElement
            .EnumerateArray().Where(entry => entry.GetProperty("event").GetString() == happened)];

    private static int Number(JsonElement entry, string member) => entry.GetProperty(member).GetInt32();

    private static Task<Outcome> As(TestDaemon daemon, string who, string command) => daemon.Administrator.Types("bash", "-c", $"exec setpriv {who} -- {command}");

    private static Task<Outcome> LoggedIn(TestDaemon daemon, uint loginUid, string who, string command) =>
        daemon.Administrator.Types("bash", "-c", $"echo {loginUid} >/proc/self/loginuid && exec setpriv {who} -- {command}");
}

/// <summary>A test that logs in as somebody, which only a kernel can do; where it does not, the test says so, in CI too.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LoginUidFactAttribute : FactAttribute
{
    // SO_PEERPIDFD came with 6.5; writing needs audit in the kernel and the right to it.
    private static readonly Lazy<bool> KernelTells = new(() =>
    {
        if (!World.HasPeople || Environment.OSVersion.Version < new Version(6, 5))
            return false;
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", "echo 5001 >/proc/self/loginuid && cat /proc/self/loginuid"]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        return shell.StandardOutput.ReadToEnd() == "5001";
    });

    public LoginUidFactAttribute() => Skip = World.Unless(World.HasPeople, "needs root and the accounts of tests/world; run ./test as root")
        ?? (KernelTells.Value ? null : "this kernel does not tell as whom a process logged in, or lets nobody say it");
}
