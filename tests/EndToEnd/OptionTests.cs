using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>What roles say about sessions, with sshd as the judge: what is permitted works, and beside it what is not does not.</summary>
public sealed class OptionTests(OptionTests.Site site) : IClassFixture<OptionTests.Site>
{
    /// <summary>One host that listens on the loopback addresses, and roles that differ in one option each.</summary>
    public sealed class Site : IAsyncLifetime
    {
        internal TestDaemon Daemon { get; private set; } = null!;

        internal TestHost Db1 { get; private set; } = null!;

        internal Person Alice => Daemon.Person(Person.Alice);

        public async Task InitializeAsync()
        {
            if (!World.HasPeople)
                return;
            Daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
            (await Daemon.Administrator.Types(["tctl", "create"], """
                {kind: role, version: v7, metadata: {name: plain}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}, request: {roles: ['*']}}}}
                ---
                {kind: role, version: v7, metadata: {name: agent}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}, options: {forward_agent: true}}}
                ---
                {kind: role, version: v7, metadata: {name: port}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}, options: {port_forwarding: true}}}
                ---
                {kind: role, version: v7, metadata: {name: x11}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}, options: {permit_x11_forwarding: true}}}
                ---
                {kind: role, version: v7, metadata: {name: forced}, spec: {options: {force_command: "echo forced instead of: $SSH_ORIGINAL_COMMAND"}}}
                ---
                {kind: role, version: v7, metadata: {name: forced-too}, spec: {options: {force_command: "true"}}}
                ---
                {kind: role, version: v7, metadata: {name: v4}, spec: {options: {source_address: [127.0.0.0/31]}}}
                ---
                {kind: role, version: v7, metadata: {name: v6}, spec: {options: {source_address: ['::1']}}}
                ---
                {kind: role, version: v7, metadata: {name: v4-or-v6}, spec: {options: {source_address: [127.0.0.1, '::/64']}}}
                ---
                {kind: role, version: v7, metadata: {name: elsewhere}, spec: {options: {source_address: [192.0.2.0/24]}}}
                ---
                {kind: role, version: v7, metadata: {name: verified}, spec: {options: {verify_required: true}}}
                ---
                {kind: role, version: v7, metadata: {name: extended}, spec: {options: {cert_extensions: [{name: login@example.com, value: '{{internal.logins}}'}]}}}
                ---
                {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [plain], traits: {logins: [deploy]}}}
                """)).Done();
            Db1 = await TestHost.Create(Daemon, "db1");
            await Db1.Listen();
        }

        public async Task DisposeAsync()
        {
            if (Daemon is null)
                return;
            await Db1.Stop();
            await Daemon.DisposeAsync();
        }

        internal async Task<Outcome> LogIn(string roles, string? request = null)
        {
            (await Daemon.Administrator.Types("tctl", "users", "update", $"--set-roles={roles}", "alice")).Done();
            if (request is null)
                return await Alice.Types("tsh", "login");
            var id = (await Alice.Types("tsh", "request", "create", $"--roles={request}", "--nowait", "--force")).Done().Split(' ')[1];
            (await Daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
            return await Alice.Types("tsh", "login", $"--request-id={id}");
        }

        internal Task<Outcome> Ssh(string command, params string[] options) => Db1.Ssh(Alice, "postgres", command, options);

        internal Task<Outcome> SshWithAgent(string command, string socket) => Db1.Ssh(Alice, "postgres", command, ["-A"], socket);
    }

    public static TheoryData<string, string, string?, bool> Agents => new()
    {
        { "an assigned role permits it", "plain,agent", null, true },
        { "no role does", "plain,port,x11", null, false },
        { "the requested role permits it", "plain", "agent", true },
        { "a regular role does not permit it on an elevated certificate", "plain,agent", "port", false },
    };

    [PeopleTheory]
    [MemberData(nameof(Agents))]
    public async Task Agent_is_forwarded_only_if_permitted(string when, string roles, string? request, bool permitted)
    {
        (await site.LogIn(roles, request)).Done();
        using var agent = await Agent();
        var seen = await site.SshWithAgent("echo \"agent=$SSH_AUTH_SOCK\"", agent.Socket);
        Assert.True(permitted == seen.Done().StartsWith("agent=/", StringComparison.Ordinal), $"{when}: {seen}\n{site.Db1.Log}");
        // Whatever is forwarded, the session itself is there.
        Assert.Contains("agent=", seen.Output);
    }

    [PeopleTheory]
    [InlineData("plain,port", null, true)]
    [InlineData("plain,agent,x11", null, false)]
    [InlineData("plain", "port", true)]
    [InlineData("plain,port", "agent", false)]
    public async Task Port_is_forwarded_only_if_permitted(string roles, string? request, bool permitted)
    {
        (await site.LogIn(roles, request)).Done();
        var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        try
        {
            var answering = Answer(target);
            var reached = await site.Ssh("", "-W", target.LocalEndpoint.ToString()!);
            Assert.True(permitted == (reached.Output == "reached\n"), $"{reached}\n{site.Db1.Log}");
            Assert.Equal("in\n", (await site.Ssh("echo in")).Done());
        }
        finally
        {
            target.Stop();
        }

        static async Task Answer(TcpListener target)
        {
            try
            {
                using var connection = await target.AcceptSocketAsync();
                await connection.SendAsync("reached\n"u8.ToArray());
            }
            catch (Exception nobodyCame) when (nobodyCame is SocketException or ObjectDisposedException or OperationCanceledException)
            {
            }
        }
    }

    [PeopleTheory]
    [InlineData("plain,x11", null, true)]
    [InlineData("plain,agent,port", null, false)]
    [InlineData("plain", "x11", true)]
    [InlineData("plain,x11", "port", false)]
    public async Task Display_is_forwarded_only_if_permitted(string roles, string? request, bool permitted)
    {
        (await site.LogIn(roles, request)).Done();
        var seen = await site.Ssh("echo \"display=$DISPLAY\"", "-Y", "-o", "XAuthLocation=/usr/bin/true");
        Assert.True(permitted == seen.Done().StartsWith("display=localhost:", StringComparison.Ordinal), $"{seen}\n{site.Db1.Log}");
        Assert.Contains("display=", seen.Output);
    }

    [PeopleFact]
    public async Task A_terminal_is_always_granted()
    {
        (await site.LogIn("plain")).Done();
        Assert.StartsWith("/dev/pts/", (await site.Ssh("tty", "-tt")).Done(), StringComparison.Ordinal);
        Assert.Contains("not a tty", (await site.Ssh("tty", "-T")).Output);
    }

    [PeopleTheory]
    [InlineData("plain,forced", null)]
    [InlineData("plain", "forced")]
    public async Task Forced_command_runs_instead_of_the_requested_one(string roles, string? request)
    {
        (await site.LogIn(roles, request)).Done();
        Assert.Equal("forced instead of: id -un\n", (await site.Ssh("id -un")).Done());
        Assert.Equal("forced instead of:\n", (await site.Ssh("")).Done());
        (await site.LogIn("plain")).Done();
        Assert.Equal("postgres\n", (await site.Ssh("id -un")).Done());
    }

    [PeopleFact]
    public async Task Two_different_forced_commands_refuse_the_login()
    {
        var refused = await site.LogIn("plain,forced,forced-too");
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains("role forced and role forced-too force different commands", refused.Error);
        (await site.LogIn("plain,forced-too")).Done();
        Assert.Equal("", (await site.Ssh("echo no")).Done());
    }

    [PeopleTheory]
    [InlineData("plain,v4", "127.0.0.1", true)]
    [InlineData("plain,v4", "127.0.0.2", false)]
    [InlineData("plain,v4", "::1", false)]
    [InlineData("plain,v6", "::1", true)]
    [InlineData("plain,v6", "127.0.0.1", false)]
    [InlineData("plain,v4-or-v6", "127.0.0.1", true)]
    [InlineData("plain,v4-or-v6", "::1", true)]
    [InlineData("plain,v4-or-v6", "127.0.0.2", false)]
    [InlineData("plain,v4,v4-or-v6", "127.0.0.1", true)]
    [InlineData("plain,v4,v4-or-v6", "::1", false)]
    [InlineData("plain,elsewhere", "127.0.0.1", false)]
    public async Task Certificate_works_only_from_its_source_addresses(string roles, string from, bool enters)
    {
        (await site.LogIn(roles)).Done();
        var came = await site.Ssh("echo in", "-b", from);
        Assert.True(enters ? came.Done() == "in\n" : came.ExitCode == 255 && came.Error.Contains("Permission denied", StringComparison.Ordinal), $"{came}\n{site.Db1.Log}");
        if (!enters)
            Assert.Contains("not from a permitted source address", site.Db1.Log);
    }

    [PeopleFact]
    public async Task Source_addresses_with_nothing_in_common_refuse_the_login()
    {
        var refused = await site.LogIn("plain,v4,elsewhere");
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains("role elsewhere and the other roles in use have no source address in common", refused.Error);
    }

    [PeopleFact]
    public async Task Key_on_disk_is_not_certified_if_verification_is_required()
    {
        var refused = await site.LogIn("plain,verified");
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains("role verified certifies only security keys (verify_required)", refused.Error);
    }

    [PeopleFact]
    public async Task Custom_extension_is_certified_and_sshd_accepts_it()
    {
        (await site.LogIn("plain,extended")).Done();
        var seen = (await site.Daemon.Administrator.Types("ssh-keygen", "-L", "-f", Path.Combine(site.Alice.Home, "id-cert.pub"))).Done();
        Assert.Matches(@"login@example\.com", seen);
        Assert.Equal("in\n", (await site.Ssh("echo in")).Done());
    }

    [PeopleFact]
    public async Task New_restriction_revokes_certificates_without_it()
    {
        (await site.LogIn("plain,agent")).Done();
        Assert.Equal("in\n", (await site.Ssh("echo in")).Done());
        var changed = (await site.Daemon.Administrator.Types(
            ["tctl", "create", "-f"],
            "{kind: role, version: v7, metadata: {name: agent}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}, options: {forward_agent: true, source_address: [127.0.0.0/8]}}}"));
        var serial = OpenSsh.Certificate.ParseLine(await File.ReadAllTextAsync(Path.Combine(site.Alice.Home, "id-cert.pub"))).Serial;
        Assert.Matches($"tctl: \\d+ certificates? revoked: .*{serial}", changed.Error);
        Assert.Equal(255, (await site.Ssh("echo in")).ExitCode);
        (await site.Alice.Types("tsh", "login")).Done();
        Assert.Equal("in\n", (await site.Ssh("echo in")).Done());
        await site.Daemon.Administrator.Types(
            ["tctl", "create", "-f"], "{kind: role, version: v7, metadata: {name: agent}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}, options: {forward_agent: true}}}");
    }

    private async Task<RunningAgent> Agent()
    {
        var socket = site.Daemon.Scratch[$"agent-{Guid.NewGuid():n}"];
        var process = Process.Start(new ProcessStartInfo("ssh-agent", ["-D", "-a", socket]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10));
        return new RunningAgent(process, socket);
    }

    private sealed record RunningAgent(Process Process, string Socket) : IDisposable
    {
        public void Dispose()
        {
            Process.Kill();
            Process.Dispose();
        }
    }
}
