using System.CommandLine;
using System.Net.Sockets;
using System.Text;
using CertAuthority.Protocol;
using CertAuthority.Tctl;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Protocol;

/// <summary>What the command lines make of something else, or of nothing, where the daemon should be: exit 3, in words.</summary>
public sealed class BadServerTests : IDisposable
{
    private const string BrokeOff = "the daemon broke off the connection";
    private const string Again = "try again in a moment; one account can hold only so many connections at a time";
    private const string Stranger = "what answers is not certauthority, or a version that this program does not understand";

    private readonly TemporaryFolder folder = new();

    private string Path => folder.File("ca.sock");

    public static readonly TheoryData<string, string, string> Answers = new()
    {
        { "nothing", "", BrokeOff },
        { "half a head", "HTTP/1.1 200 OK\r\nContent-Len", BrokeOff },
        { "half a body", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"requests\": [", BrokeOff },
        { "half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{\"requests\": [", BrokeOff },
        { "another protocol", "SSH-2.0-OpenSSH_9.7\r\n", Stranger },
        { "bytes", "\u0001\u0002\u0003\r\n\r\n\0\0\0", Stranger },
        { "a web page", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>", Stranger },
        { "no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Stranger },
        { "another message", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"ships\": [] }", Stranger },
        { "null", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", Stranger },
        { "a redirection", "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n", Stranger },
        { "500 without a problem", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", Stranger },
        { "500 with a page", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 13\r\n\r\n<html></html>", Stranger },
        { "a problem of no known code", "HTTP/1.1 418 Teapot\r\nContent-Length: 33\r\n\r\n{\"code\": \"teapot\", \"detail\": \"no\"}", Stranger },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Reply_unlike_the_daemons_exits_with_3_and_one_line(string what, string answer, string told)
    {
        Assert.NotEmpty(what);
        using var server = Serve(async connection =>
        {
            await HeadOf(connection);
            await connection.SendAsync(Encoding.Latin1.GetBytes(answer));
        });
        var (tsh, tctl) = told == BrokeOff ? ($"tsh: hint: {Again}\n", $"tctl: hint: {Again}\n") : ("", "");
        Assert.Equal((3, "", $"tsh: error: {told}\n{tsh}"), await Types(new TshCommand(), "request", "ls"));
        Assert.Equal((3, "", $"tctl: error: {told}\n{tctl}"), await Types(new TctlCommand(), "requests", "ls"));
    }

    [Fact]
    public async Task Missing_daemon_exits_with_3_and_names_the_address() =>
        Assert.Equal(
            (3, "", $"tsh: error: no daemon answers at unix:{Path}\ntsh: hint: start certauthority, or name another with --server or CERTAUTHORITY_SERVER\n"),
            await Types(new TshCommand(), "request", "ls"));

    [Fact]
    public async Task Socket_without_a_listener_counts_as_no_daemon()
    {
        // A server that ends in good order takes the file away; one that was killed leaves it.
        using (Serve(_ => Task.CompletedTask))
            File.Move(Path, Path + ".left");
        File.Move(Path + ".left", Path);
        Assert.Equal(3, (await Types(new TshCommand(), "request", "ls")).ExitCode);
    }

    [Fact]
    public async Task Lost_answer_leaves_the_outcome_of_a_change_unknown()
    {
        using var server = Serve(HeadOf);
        Assert.Equal(
            (3, "", $"tctl: error: {BrokeOff}\ntctl: hint: whether it was done is not known; look before you try again\n"),
            await Types(new TctlCommand(), "users", "update", "--set-roles=a", "alice"));
    }

    [Fact]
    public async Task Only_a_call_that_reads_is_made_a_second_time()
    {
        var calls = 0;
        using var server = Serve(async connection =>
        {
            await HeadOf(connection);
            if (Interlocked.Increment(ref calls) % 2 == 0)
                await connection.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"requests\": []}"u8.ToArray().AsMemory());
        });
        Assert.Equal(0, (await Types(new TctlCommand(), "requests", "ls")).ExitCode);
        Assert.Equal(2, calls);
        Assert.Equal(3, (await Types(new TctlCommand(), "users", "update", "--set-roles=a", "alice")).ExitCode);
        Assert.Equal(3, calls);
    }

    [Theory]
    [InlineData("listens and never accepts")]
    [InlineData("accepts and says nothing")]
    [InlineData("goes on and on with the head")]
    [InlineData("goes on and on with the body")]
    public async Task Client_gives_up_on_a_hung_server(string how)
    {
        using var server = how.StartsWith("listens", StringComparison.Ordinal) ? Listen() : Serve(async connection =>
        {
            await HeadOf(connection);
            var (first, rest) = how switch
            {
                "accepts and says nothing" => ("", ""),
                "goes on and on with the head" => ("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
                _ => ("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", " "),
            };
            // Ends when the client has gone away.
            for (var next = first; ; next = rest)
            {
                await connection.SendAsync(Encoding.ASCII.GetBytes(next));
                await Task.Delay(20);
            }
        });
        using var ca = new CaClient(new ServerAddress.Unix(Path), _ => true, TimeSpan.FromMilliseconds(300));
        Assert.Equal("the daemon does not answer", (await Assert.ThrowsAsync<UnreachableException>(() => ca.Send(Routes.ListMyRequests, new ListMyRequests()))).Message);
    }

    [Fact]
    public async Task Socket_of_another_user_receives_nothing()
    {
        var heard = new TaskCompletionSource<int>();
        using var server = Serve(async connection => heard.SetResult(await connection.ReceiveAsync(new byte[1])));
        using var ca = new CaClient(new ServerAddress.Unix(Path), _ => false);

        var refused = await Assert.ThrowsAsync<UnreachableException>(() => ca.Send(Routes.ListMyRequests, new ListMyRequests()));

        Assert.Matches($@"^the daemon at unix:{Path} runs as uid \d+, which is neither root, nor certauthority, nor you$", refused.Message);
        Assert.Equal(0, await heard.Task.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    public void Dispose() => folder.Dispose();

    private async Task<(int ExitCode, string Output, string Error)> Types(Command program, params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (await Shell.Run(program, [.. words, "--server", $"unix:{Path}"], output, error), output.ToString(), error.ToString());
    }

    private Socket Listen()
    {
        File.Delete(Path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Path));
        listener.Listen();
        return listener;
    }

    /// <summary>Does the same to every caller, until disposed.</summary>
    private Socket Serve(Func<Socket, Task> serve)
    {
        var listener = Listen();
        _ = AcceptAll();
        return listener;

        async Task AcceptAll()
        {
            while (true)
            {
                using var connection = await listener.AcceptAsync();
                try
                {
                    await serve(connection);
                }
                catch (SocketException)
                {
                    // The client has gone away.
                }
            }
        }
    }

    private static async Task HeadOf(Socket connection)
    {
        var read = "";
        var chunk = new byte[4096];
        while (!read.Contains("\r\n\r\n") && await connection.ReceiveAsync(chunk) is var length and > 0)
            read += Encoding.Latin1.GetString(chunk, 0, length);
    }
}
