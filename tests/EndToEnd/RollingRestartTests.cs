using System.Collections.Concurrent;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Two daemons on one database that are restarted in turn while people work.</summary>
public sealed class RollingRestartTests(PostgresServer one) : IClassFixture<PostgresServer>, IAsyncLifetime, IDisposable
{
    private readonly CancellationTokenSource over = new();
    private readonly ConcurrentQueue<string> refused = new();
    private readonly ConcurrentDictionary<string, int> done = new();
    private TwoDaemons both = null!;

    private TestDaemon Works => both.Leader;

    private TestDaemon Follows => both.Follower;

    public async Task InitializeAsync() => both = await TwoDaemons.Start(one.Server, DaemonTests.Setup);

    public async Task DisposeAsync() => await both.DisposeAsync();

    public void Dispose() => over.Dispose();

    /// <summary>As an upgrade does it. Every call is answered, wherever it was when a daemon ended.</summary>
    [Fact]
    public async Task Rolling_restart_of_both_daemons_refuses_no_call()
    {
        var load = Load();
        for (var round = 0; round < 3; round++)
            foreach (var (restarted, other) in ((TestDaemon, TestDaemon)[])[(Works, Follows), (Follows, Works)])
            {
                await Progress();
                Assert.Equal(0, await restarted.Stop());
                await other.Leads();
                await Progress();
                await restarted.Restart();
            }
        await Progress();
        await over.CancelAsync();
        await load;
        Assert.True(refused.IsEmpty, $"{refused.Count} refused, {Done}:\n{string.Join('\n', refused.GroupBy(why => why).Select(why => $"{why.Count()}x {why.Key}"))}\n{Works.Log}");
        Assert.All((string[])["login", "request", "wait", "approval"], what => Assert.InRange(done[what], 100, int.MaxValue));
    }

    /// <summary>The callers of a daemon that takes over know no other one, and no systemd keeps its socket.</summary>
    [Fact]
    public async Task Daemon_that_takes_over_keeps_its_socket()
    {
        var load = Load(Follows.Server);
        await Progress();
        var socket = Inode();
        Assert.Equal(0, await Works.Stop());
        await Follows.Leads();
        await Progress();
        Assert.Equal(socket, Inode());
        await over.CancelAsync();
        await load;
        Assert.True(refused.IsEmpty, $"{refused.Count} refused, {Done}:\n{string.Join('\n', refused.Distinct())}");
        // It is the administrators' socket that tctl uses.
        (await Follows.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).Done();
        Assert.Equal(0, await Follows.Stop());
        Assert.False(File.Exists(Follows.Socket));
        Assert.Equal(["ca.sock.lock"], Directory.GetFiles(Path.GetDirectoryName(Follows.Socket)!).Select(path => Path.GetFileName(path)!));

        string Inode()
        {
            using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%d:%i", Follows.Socket]) { RedirectStandardOutput = true, UseShellExecute = false })!;
            return stat.StandardOutput.ReadToEnd();
        }
    }

    private string Done => string.Join(", ", done.Select(one => $"{one.Value} {one.Key}s"));

    /// <summary>Returns after more of everything was done.</summary>
    private async Task Progress()
    {
        var before = done.ToDictionary();
        await Eventually.Holds(
            () => !refused.IsEmpty || ((string[])["login", "request", "wait", "approval"]).All(what => done.GetValueOrDefault(what) >= before.GetValueOrDefault(what) + 10));
    }

    private Task Load(string? servers = null)
    {
        servers ??= $"{Works.Server},{Follows.Server}";
        // One keeps its connection, the other has a new one for each call, as commands do.
        return Task.WhenAll(
            LogIn(), LogIn(afresh: true), Work(), Work(afresh: true), Approve());

        async Task LogIn(bool afresh = false) => await Repeat(afresh, ca => Counts("login", ca.Send(Routes.Login, new Login(TestDaemon.AnyKey, "me"))));

        async Task Work(bool afresh = false) => await Repeat(afresh, async ca =>
        {
            var filed = await Counts("request", ca.Send(Routes.CreateRequest, new CreateRequest(["dba"], "me", Force: true)));
            var id = filed.Metadata.Name;
            for (var seen = filed; seen.Spec.State == RequestStates.Pending && !over.IsCancellationRequested;)
                seen = await Counts("wait", ca.Send(Routes.GetMyRequest, new GetMyRequest(id, "me", filed.Metadata.Revision, "25s")));
        });

        async Task Approve() => await Repeat(afresh: true, async ca =>
        {
            foreach (var request in (await Counts("list", ca.Send(Routes.ListRequests, new ListRequests(State: "pending")))).Requests)
                await Counts("approval", ca.Send(Routes.ApproveRequest, new ApproveRequest(request.Metadata.Name, Force: true)));
        });

        async Task<T> Counts<T>(string what, Task<T> call)
        {
            var answer = await call;
            done.AddOrUpdate(what, 1, (_, count) => count + 1);
            return answer;
        }

        async Task Repeat(bool afresh, Func<CaClient, Task> act)
        {
            CaClient? kept = null;
            while (!over.IsCancellationRequested)
            {
                var ca = kept ?? new CaClient(ServerList.TryParse(servers)!, _ => true);
                kept = afresh ? null : ca;
                try
                {
                    await act(ca);
                }
                catch (ProblemException limited) when (limited.Problem.Code == ProblemCode.Limited)
                {
                    // An answer like any other, to somebody who works without a pause.
                }
                catch (Exception e) when (e is ProblemException or UnreachableException)
                {
                    refused.Enqueue($"{e.GetType().Name}: {e.Message}");
                }
                if (afresh)
                    ca.Dispose();
            }
            kept?.Dispose();
        }
    }
}
