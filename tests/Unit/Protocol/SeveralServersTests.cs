using System.CommandLine;
using System.Net.Sockets;
using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Tctl;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Protocol;

/// <summary>
/// Several servers that fall silent, or are not the right ones: where a call goes, and where it does not. Real daemons are in the end-to-end
/// suite, SeveralServersTests.
/// </summary>
public sealed class SeveralServersTests : IDisposable
{
    private const string Away = """{"code": "unavailable", "detail": "the database is away"}""";
    private const string None = """{"requests": []}""";
    private const string Filed = """
        {"kind": "access_request", "version": "v3", "metadata": {"name": "7", "revision": 1},
         "spec": {"user": "alice", "roles": ["dba"], "granted_roles": [], "state": "PENDING", "created": "2026-11-22T11:41:23Z",
          "expires": "2026-11-22T12:41:23Z", "access_expires": "2026-11-22T12:41:23Z",
          "access_lasts": "1h", "access_limited_by": "role contractor", "clock": "creation", "shortened": [], "request_reason": "", "resolve_reason": "",
          "suggested_reviewers": [], "reviews": []}}
        """;

    private readonly TemporaryFolder folder = new();
    private readonly List<FakeServer> servers = [];
    private readonly List<string> warned = [];

    [Fact]
    public async Task First_server_that_answers_gets_every_call()
    {
        var (first, second) = (Serve("1"), Serve("2"));
        using var ca = Client("1", "2");
        await ca.Send(Routes.ListMyRequests, new ListMyRequests());
        await ca.Send(Routes.ListMyRequests, new ListMyRequests());
        Assert.Equal(["GET /v1/keys/host", "GET /v1/my/requests", "GET /v1/my/requests"], first.Calls);
        Assert.Empty(second.Calls);
        Assert.Empty(warned);
    }

    [Fact]
    public async Task Missing_server_is_named_once_with_the_one_in_use()
    {
        var second = Serve("2");
        second.Answer = call => call.StartsWith("POST", StringComparison.Ordinal) ? Filed : None;
        using var ca = Client("1", "2");
        await ca.Send(Routes.CreateRequest, new CreateRequest(["dba"]));
        await ca.Send(Routes.ListMyRequests, new ListMyRequests());
        Assert.Equal(["GET /v1/keys/host", "POST /v1/my/requests", "GET /v1/my/requests"], second.Calls);
        Assert.Equal([$"{Of("1")}: no daemon answers at {Of("1")}; using {Of("2")}"], warned);
    }

    [Fact]
    public async Task Silence_of_all_servers_is_one_error_and_exit_3()
    {
        Serve("2").Installation = "";
        var (exitCode, output, error) = await Types(new TshCommand(), "request", "ls", "--server", $"{Of("1")},{Of("2")}");
        Assert.Equal((3, ""), (exitCode, output));
        Assert.Equal(
            $"""
            tsh: error: no server answers: {Of("1")}: no daemon answers at {Of("1")}; {Of("2")}: what answers is not certauthority, or a version that this program does not understand
            tsh: hint: start certauthority on one of them, or name others with --server or CERTAUTHORITY_SERVER

            """, error);
    }

    [Fact]
    public async Task Server_that_hangs_is_passed_over_in_time()
    {
        using var hung = Listen("1");
        var second = Serve("2");
        using var ca = new CaClient(ServerList.TryParse($"{Of("1")},{Of("2")}")!, _ => true, TimeSpan.FromSeconds(3)) { Warn = warned.Add };
        await ca.Send(Routes.ListMyRequests, new ListMyRequests());
        Assert.Equal([$"{Of("1")}: the daemon does not answer; using {Of("2")}"], warned);
        Assert.Equal(2, second.Calls.Count);
    }

    [Fact]
    public async Task Call_whose_answer_is_lost_is_not_done_twice()
    {
        var (first, second) = (Serve("1"), Serve("2"));
        first.Answer = call => call.StartsWith("POST", StringComparison.Ordinal) ? null : None;
        using var ca = Client("1", "2");
        var lost = await Assert.ThrowsAsync<UnreachableException>(() => ca.Send(Routes.ReviewRequest, new ReviewRequest("7", "approve")));
        Assert.True(lost.MayHaveArrived);
        Assert.Equal("whether it was done is not known; look before you try again", lost.Hint);
        Assert.Empty(second.Calls);
        // The next call goes elsewhere.
        await ca.Send(Routes.ListMyRequests, new ListMyRequests());
        Assert.Equal(["GET /v1/keys/host", "GET /v1/my/requests"], second.Calls);
    }

    [Fact]
    public async Task Unknown_outcome_names_the_command_that_shows_it()
    {
        Serve("1").Answer = _ => null;
        var (exitCode, _, error) = await Types(new TctlCommand(), "requests", "deny", "7", "--server", $"{Of("1")},{Of("2")}");
        Assert.Equal(3, exitCode);
        Assert.Contains("hint: whether it was done is not known; look before you try again: tctl requests ls lists them\n", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_that_may_repeat_goes_to_the_next_server()
    {
        var (first, second) = (Serve("1"), Serve("2"));
        first.Answer = _ => null;
        second.Answer = _ => """{"certificates": [], "host_cas": []}""";
        using var ca = Client("1", "2");
        await ca.Send(Routes.Login, new Login("ssh-ed25519 AAAA"));
        Assert.Equal(["GET /v1/keys/host", "POST /v1/my/certificates"], second.Calls);
        Assert.Equal([$"{Of("1")}: the daemon broke off the connection; using {Of("2")}"], warned);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Unavailable_daemon_is_left_and_a_change_is_not_repeated(bool reads)
    {
        var (first, second) = (Serve("1"), Serve("2"));
        (first.Status, first.Answer) = ("503 Service Unavailable", _ => Away);
        using var ca = Client("1", "2");
        if (reads)
            await ca.Send(Routes.ListMyRequests, new ListMyRequests());
        else
            Assert.Equal("the database is away", (await Assert.ThrowsAsync<ProblemException>(() => ca.Send(Routes.ReviewRequest, new ReviewRequest("7", "approve")))).Message);
        Assert.Equal(reads ? 2 : 0, second.Calls.Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("here")]
    public async Task Server_of_another_installation_gets_no_call(string? known)
    {
        var (first, second) = (Serve("1"), Serve("2"));
        (first.Installation, second.Installation) = ("here", "there");
        using var ca = new CaClient(ServerList.TryParse($"{Of("1")},{Of("2")}")!, _ => true) { Installation = known, Warn = warned.Add };
        if (known is null)
            await ca.Send(Routes.ListMyRequests, new ListMyRequests());
        first.Dispose();
        var refused = await Assert.ThrowsAsync<UnreachableException>(() => ca.Send(Routes.ListMyRequests, new ListMyRequests()));
        Assert.Contains($"{Of("2")}: it belongs to another installation", refused.Message, StringComparison.Ordinal);
        Assert.All(second.Calls, call => Assert.Equal("GET /v1/keys/host", call));
        Assert.Empty(warned);
    }

    [Fact]
    public async Task Server_that_names_no_installation_is_not_the_known_one()
    {
        Serve("2").Installation = null;
        using var ca = new CaClient(ServerList.TryParse($"{Of("1")},{Of("2")}")!, _ => true) { Installation = "here" };
        var refused = await Assert.ThrowsAsync<UnreachableException>(() => ca.Send(Routes.ListMyRequests, new ListMyRequests()));
        Assert.EndsWith("it belongs to another installation", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A host can count attempts that it refuses.</summary>
    [Fact]
    public async Task Server_that_stays_refused_is_asked_once()
    {
        var (first, second) = (Serve("1"), Serve("2"));
        (first.Installation, second.Installation) = ("there", "here");
        using var ca = new CaClient(ServerList.TryParse($"{Of("1")},{Of("2")}")!, _ => true) { Installation = "here", Warn = warned.Add };
        await ca.Send(Routes.ListMyRequests, new ListMyRequests());
        second.Dispose();
        for (var time = 0; time < 3; time++)
            Assert.False((await Assert.ThrowsAsync<UnreachableException>(() => ca.Send(Routes.ListMyRequests, new ListMyRequests()))).IsLasting);
        Assert.Single(first.Calls);
    }

    /// <summary>The next server recognizes the call by its key.</summary>
    [Fact]
    public async Task Request_whose_answer_is_lost_is_asked_for_with_the_same_key()
    {
        var (first, second) = (Serve("1"), Serve("2"));
        first.Answer = _ => null;
        second.Answer = _ => Filed;
        var (_, output, _) = await Types(new TshCommand(), "request", "create", "--roles=dba", "--reason=tonight", "--nowait", "--server", $"{Of("1")},{Of("2")}");
        Assert.Equal(["GET /v1/keys/host", "POST /v1/my/requests"], first.Calls);
        Assert.Equal(first.Calls, second.Calls);
        Assert.Equal("request 7 is PENDING\n", output);
        Assert.Equal(first.Keys, second.Keys);
        Assert.Equal(36, Assert.Single(first.Keys).Length);
    }

    [Fact]
    public async Task Request_is_unknown_if_nobody_else_answers()
    {
        Serve("1").Answer = call => null;
        var (exitCode, output, error) = await Types(new TshCommand(), "request", "create", "--roles=dba", "--reason=tonight", "--server", $"{Of("1")},{Of("2")}");
        Assert.Equal((3, ""), (exitCode, output));
        Assert.EndsWith("tsh: error: the daemon broke off the connection\ntsh: hint: whether it was done is not known; look before you try again: tsh request ls lists them\n", error, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        foreach (var server in servers)
            server.Dispose();
        folder.Dispose();
    }

    private string Of(string name) => $"unix:{folder.File(name)}";

    private CaClient Client(params string[] names) =>
        new(ServerList.TryParse(string.Join(',', names.Select(Of)))!, _ => true) { Warn = warned.Add };

    private static async Task<(int ExitCode, string Output, string Error)> Types(Command program, params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (await Shell.Run(program, words, output, error), output.ToString(), error.ToString());
    }

    private Socket Listen(string name)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(folder.File(name)));
        listener.Listen();
        return listener;
    }

    private FakeServer Serve(string name)
    {
        var server = new FakeServer(Listen(name), folder.File(name));
        servers.Add(server);
        return server;
    }

    /// <summary>Something that speaks the protocol, until it falls silent.</summary>
    private sealed class FakeServer : IDisposable
    {
        private readonly Socket listener;
        private readonly string path;

        public FakeServer(Socket listener, string path)
        {
            (this.listener, this.path) = (listener, path);
            _ = AcceptAll();
        }

        public List<string> Calls { get; } = [];

        /// <summary>The keys of calls that have one.</summary>
        public List<string> Keys { get; } = [];

        /// <summary>The installation that it names; empty for what is no daemon, null for a daemon that names none.</summary>
        public string? Installation { get; set; } = "here";

        /// <summary>The body of an answer; null to break off.</summary>
        public Func<string, string?> Answer { get; set; } = _ => None;

        public string Status { get; set; } = "200 OK";

        public Func<string, string>? StatusOf { get; set; }

        public void Dispose()
        {
            listener.Dispose();
            File.Delete(path);
        }

        private async Task AcceptAll()
        {
            try
            {
                while (true)
                    using (var connection = await listener.AcceptAsync())
                        await Serve(connection);
            }
            catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        private async Task Serve(Socket connection)
        {
            var read = "";
            var chunk = new byte[4096];
            while (!read.Contains("\r\n\r\n", StringComparison.Ordinal) && await connection.ReceiveAsync(chunk) is var length and > 0)
                read += Encoding.Latin1.GetString(chunk, 0, length);
            var call = string.Join(' ', read.Split(' ').Take(2)).Split('?')[0];
            Calls.Add(call);
            Keys.AddRange(read.Split("\r\n").Where(line => line.StartsWith("Idempotency-Key: ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1]));
            var (status, body) = call == "GET /v1/keys/host"
                ? ("200 OK", Installation switch { "" => "<html>", null => """{"keys": []}""", var name => $$"""{"keys": [], "installation": "{{name}}"}""" })
                : (StatusOf?.Invoke(call) ?? Status, Answer(call));
            if (body is not null)
                await connection.SendAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}"));
        }
    }
}
