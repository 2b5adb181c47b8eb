using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;

namespace CertAuthority.Protocol;

/// <summary>Nobody answers where the daemon should be, or whoever answers is not to be trusted.</summary>
public sealed class UnreachableException(string message, string? hint = null) : Exception(message)
{
    /// <summary>What to do about it.</summary>
    public string? Hint { get; } = hint;
}

/// <summary>The calling end of the protocol.</summary>
public sealed class CaClient : IDisposable
{
    private readonly HttpClient http;

    /// <summary>A client of the daemon at an address.</summary>
    /// <param name="server">Where.</param>
    /// <param name="trusts">Whether a uid may be the daemon's. Anybody can bind a socket in a place of his own.</param>
    public CaClient(ServerAddress server, Func<uint, bool> trusts)
    {
        http = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, cancellation) => Connect(server, trusts, cancellation), UseProxy = false })
        {
            BaseAddress = new Uri("http://certauthority"),
            // The longest wait the daemon grants is 25 s.
            Timeout = TimeSpan.FromSeconds(60),
        };
    }

    /// <summary>Asks, and returns the answer.</summary>
    /// <exception cref="ProblemException">The daemon refused.</exception>
    /// <exception cref="UnreachableException">There is no daemon, it is not to be trusted, it hangs, or it does not speak this protocol.</exception>
    public async Task<TReply> Send<TRequest, TReply>(Route<TRequest, TReply> route, TRequest request, CancellationToken cancellation = default)
        where TRequest : notnull
        where TReply : notnull
    {
        var (target, body) = RouteBinding.Spread(route, request);
        using var message = new HttpRequestMessage(new HttpMethod(route.Method), target);
        if (body is not null)
            message.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        try
        {
            using var response = await http.SendAsync(message, cancellation).ConfigureAwait(false);
            var answer = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                throw new ProblemException(Read<Problem>(answer));
            return Read<TReply>(answer);
        }
        catch (HttpRequestException e) when (e.InnerException is UnreachableException inner)
        {
            throw new UnreachableException(inner.Message, inner.Hint);
        }
        catch (HttpRequestException)
        {
            throw new UnreachableException("the daemon broke off the connection");
        }
        catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new UnreachableException("the daemon does not answer");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private static T Read<T>(byte[] answer)
    {
        try
        {
            return JsonSerializer.Deserialize(answer, ProtocolJson.Lenient.Of<T>()) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new UnreachableException("what answers is not certauthority, or a version that this program does not understand");
        }
    }

    private static async ValueTask<Stream> Connect(ServerAddress server, Func<uint, bool> trusts, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(server.SocketPath), cancellation).ConfigureAwait(false);
            var uid = PeerCredentials.Of(socket).Uid;
            if (!trusts(uid))
                throw new UnreachableException(
                    $"the daemon at {server} runs as uid {uid}, which is neither root, nor certauthority, nor you",
                    "name the right one with --server or CERTAUTHORITY_SERVER");
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            throw new UnreachableException($"no daemon answers at {server}", "start certauthority, or name another with --server or CERTAUTHORITY_SERVER");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
