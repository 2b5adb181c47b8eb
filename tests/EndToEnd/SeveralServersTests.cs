using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>tsh with the addresses of two daemons on one database, one of which follows.</summary>
public sealed class SeveralServersTests(PostgresServer one) : IClassFixture<PostgresServer>, IAsyncLifetime
{
    private const string Servers = "ssh://alice@auth1,ssh://alice@auth2";

    private TwoDaemons both = null!;

    private TestDaemon Works => both.Leader;

    private TestDaemon Follows => both.Follower;

    private string Both => $"{Works.Server},{Follows.Server}";

    public async Task InitializeAsync() => both = await TwoDaemons.Start(one.Server, Laptop.Fill);

    public async Task DisposeAsync() => await both.DisposeAsync();

    [PeopleTheory]
    [InlineData("tsh request create --roles=dba", "KILL")]
    [InlineData("tsh login --request-roles=dba", "KILL")]
    [InlineData("tsh request create --roles=dba", "TERM")]
    public async Task Wait_goes_on_at_the_daemon_that_takes_over(string command, string signal)
    {
        using var wait = Wait.Start(Works.Person(Person.Alice) with { Server = Both }, command);
        var id = await wait.Filed();
        await Works.Stop(signal);
        await Follows.Leads();
        (await Follows.Administrator.Types("tctl", "requests", "approve", id)).Done();

        var ended = await wait.Ended();

        Assert.Equal(0, ended.ExitCode);
        Assert.Contains(command.Contains("login", StringComparison.Ordinal) ? "roles: access, dba" : $"request {id} is APPROVED", ended.Output, StringComparison.Ordinal);
        Assert.Single(ended.Error.Split('\n'), line => line.EndsWith($"; using {Follows.Server}", StringComparison.Ordinal));
        Assert.Single((await Follows.Administrator.Types("tctl", "requests", "ls", "--format=json")).Done().Split("\"access_request\"")[1..]);
    }

    [PeopleFact]
    public async Task Wait_on_a_paused_daemon_goes_on_elsewhere()
    {
        var alice = Works.Person(Person.Alice) with { Server = Both };
        (await alice.Types("tsh", "login")).Done();
        await Works.Signal("STOP");
        await Follows.Leads();
        var clock = Stopwatch.StartNew();
        var listed = await alice.Types("tsh", "request", "ls");
        Assert.Equal(0, listed.ExitCode);
        Assert.Contains($"tsh: warning: {Works.Server}: the daemon does not answer; using {Follows.Server}\n", listed.Error, StringComparison.Ordinal);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{clock.Elapsed}");
        await Works.Signal("CONT");
        Assert.Equal(1, await Works.Ended());
    }

    [PeopleFact]
    public async Task Server_that_is_gone_is_passed_over()
    {
        var alice = Works.Person(Person.Alice) with { Server = $"{Follows.Server},{Works.Server}" };
        var login = await alice.Types("tsh", "login");
        Assert.Contains("logins: deploy@web1\n", login.Done(), StringComparison.Ordinal);
        Assert.DoesNotContain("warning", login.Error, StringComparison.Ordinal);
        await Follows.Stop();
        login = await alice.Types("tsh", "login");
        Assert.Contains("logins: deploy@web1\n", login.Done(), StringComparison.Ordinal);
        Assert.StartsWith($"tsh: warning: {Follows.Server}: no daemon answers at {Follows.Server}; using {Works.Server}\n", login.Error, StringComparison.Ordinal);
        await Works.Stop();
        var nobody = await alice.Types("tsh", "request", "ls");
        Assert.Equal(
            (3, "", $"tsh: error: no server answers: {Follows.Server}: no daemon answers at {Follows.Server}; {Works.Server}: no daemon answers at {Works.Server}\ntsh: hint: start certauthority on one of them, or name others with --server or CERTAUTHORITY_SERVER\n"),
            (nobody.ExitCode, nobody.Output, nobody.Error));
    }

    /// <summary>The second daemon finds what the first one recorded, and hands out the same certificate.</summary>
    [PeopleFact]
    public async Task Login_whose_answer_was_lost_is_one_login()
    {
        var cut = both.First["cut.sock"];
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(cut));
        File.SetUnixFileMode(cut, (UnixFileMode)0b110_110_110);
        listener.Listen();
        var lost = LoseAnswerOfLogin(listener);
        // The daemon sees who passes the calls on, so this account logs in itself.
        (await Works.Administrator.Types("tctl", "users", "add", "me", "--roles=access", $"--unix-user={World.Account}")).Done();
        var login = await (Works.Myself with { Server = $"unix:{cut},{Follows.Server}" }).Types("tsh", "login");
        Assert.Contains("logins: deploy@web1\n", login.Done(), StringComparison.Ordinal);
        Assert.Contains($"; using {Follows.Server}\n", login.Error, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", await lost, StringComparison.Ordinal);
        Assert.Single((await Works.Administrator.Types("tctl", "certs", "ls", "--format=json")).Done().Split("\"serial\"")[1..]);
    }

    /// <summary>Passes calls on to the daemon that leads, and keeps its answer to a login to itself.</summary>
    private async Task<string> LoseAnswerOfLogin(Socket listener)
    {
        var buffer = new byte[64 * 1024];
        while (true)
        {
            using var from = await listener.AcceptAsync();
            using var to = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await to.ConnectAsync(new UnixDomainSocketEndPoint(Works.Socket));
            while (await from.ReceiveAsync(buffer) is > 0 and var asked)
            {
                var isLogin = Encoding.UTF8.GetString(buffer, 0, asked).StartsWith("POST /v1/my/certificates ", StringComparison.Ordinal);
                await to.SendAsync(buffer.AsMemory(0, asked));
                var answered = await to.ReceiveAsync(buffer);
                if (isLogin)
                    return Encoding.UTF8.GetString(buffer, 0, answered);
                await from.SendAsync(buffer.AsMemory(0, answered));
            }
        }
    }

    /// <summary>Nothing was done where it was refused, so it is done at the next one, also if it could not be repeated.</summary>
    [PeopleFact]
    public async Task Daemon_that_leads_is_asked_for_what_it_does_alone()
    {
        var added = await (Works.Administrator with { Server = $"{Follows.Server},{Works.Server}" }).Types("tctl", "users", "add", "late", "--roles=access");
        added.Done();
        Assert.Matches($"tctl: warning: {Follows.Server}: another daemon leads, on .*, and does this alone; using {Works.Server}\n", added.Error);
        Assert.Contains("late", (await Works.Administrator.Types("tctl", "get", "users")).Done(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Login_and_wait_go_on_over_ssh_to_the_second_host()
    {
        await using var laptop = await Laptop.Create(Works);
        await using var other = await Laptop.Create(Follows);
        laptop.Knows(other);
        var alice = laptop.Alice;
        (await alice.Types("tsh", "login", "--server", Servers)).Done();
        Assert.StartsWith($"server: {Servers}\n", await File.ReadAllTextAsync(Path.Combine(laptop.TshHome, "profile")), StringComparison.Ordinal);
        using var wait = Wait.Start(alice, "tsh login --request-roles=dba");
        var id = await wait.Filed();
        await Works.Stop("KILL");
        await Follows.Leads();
        (await Follows.Administrator.Types("tctl", "requests", "approve", id)).Done();
        var ended = await wait.Ended();
        Assert.Contains("logins: deploy@web1, postgres@db1\n", ended.Done(), StringComparison.Ordinal);
        Assert.Contains("; using ssh://alice@auth2\n", ended.Error, StringComparison.Ordinal);

        // The servers are remembered; the host of the first one is gone now too.
        await laptop.StopSshd();
        var again = await alice.Types("tsh", "login");
        Assert.Contains("logins: deploy@web1\n", again.Done(), StringComparison.Ordinal);
        Assert.StartsWith("tsh: warning: ssh://alice@auth1: auth1 cannot be reached: ", again.Error, StringComparison.Ordinal);
        // The host key of each is checked for itself.
        File.WriteAllText(other.KnownHosts, "");
        var unknown = await alice.Types("tsh", "request", "ls");
        Assert.Equal(3, unknown.ExitCode);
        Assert.Contains("ssh://alice@auth2: the host key of auth2 is not known", unknown.Error, StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Daemon_of_another_installation_is_not_used_instead()
    {
        await using var foreign = await Laptop.Daemon();
        var alice = Works.Person(Person.Alice) with { Server = $"{Works.Server},{foreign.Server}" };
        (await alice.Types("tsh", "login")).Done();
        var before = foreign.StoredAudit().Count;
        await Works.Stop("KILL");
        foreach (var words in (string[][])[["tsh", "login"], ["tsh", "request", "ls"], ["tsh", "request", "create", "--roles=dba", "--nowait"]])
        {
            var refused = await alice.Types(words);
            Assert.Equal(3, refused.ExitCode);
            Assert.Contains($"{foreign.Server}: it belongs to another installation", refused.Error, StringComparison.Ordinal);
        }
        Assert.Equal(before, foreign.StoredAudit().Count);
        // Whoever names only other servers means another installation, as with one server.
        (await (alice with { Server = foreign.Server }).Types("tsh", "login", "--server", foreign.Server)).Done();
    }
}
