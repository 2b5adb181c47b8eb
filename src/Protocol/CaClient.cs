using System.Net;
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
    // The longest wait the daemon grants is 25 s.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HttpClient http;
    private readonly TimeSpan patience;

    /// <summary>A client of the daemon at an address.</summary>
    /// <param name="server">Where.</param>
    /// <param name="trusts">Whether a uid may be the daemon's. Anybody can bind a socket in a place of his own.</param>
    /// <param name="patience">How long an answer may take. Default: a minute.</param>
    public CaClient(ServerAddress server, Func<uint, bool> trusts, TimeSpan? patience = null)
    {
        this.patience = patience ?? Patience;
        http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellation) => Connect(server, trusts, cancellation), UseProxy = false, AllowAutoRedirect = false,
        })
        {
            BaseAddress = new Uri("http://certauthority"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Asks, and returns the answer.</summary>
    /// <exception cref="ProblemException">The daemon refused.</exception>
    /// <exception cref="UnreachableException">There is no daemon, it is not to be trusted, it hangs, or it does not speak this protocol.</exception>
    public async Task<TReply> Send<TRequest, TReply>(Route<TRequest, TReply> route, TRequest request, CancellationToken cancellation = default)
        where TRequest : notnull
        where TReply : notnull
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(patience);
        try
        {
            return await Exchange(route, request, async answer => Read<TReply>(await answer.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false)), limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new UnreachableException("the daemon does not answer", Unknown(route));
        }
    }

    /// <summary>Asks, and passes the bytes of the answer on as they arrive, however long that takes.</summary>
    /// <param name="route">A route that answers with bytes.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="take">Takes the bytes, and is told how many there will be.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="ProblemException">The daemon refused.</exception>
    /// <exception cref="UnreachableException">There is no daemon, it is not to be trusted, or it broke off.</exception>
    public Task Download<TRequest>(Route<TRequest, Stream> route, TRequest request, Func<Stream, long, Task> take, CancellationToken cancellation = default)
        where TRequest : notnull =>
        Exchange(
            route,
            request,
            async answer =>
            {
                await take(await answer.ReadAsStreamAsync(cancellation).ConfigureAwait(false), answer.Headers.ContentLength ?? 0).ConfigureAwait(false);
                return true;
            },
            cancellation);

    private async Task<T> Exchange<TRequest, T>(Route route, TRequest request, Func<HttpContent, Task<T>> read, CancellationToken cancellation)
    {
        var (target, body) = RouteBinding.Spread(route, request);
        using var message = new HttpRequestMessage(new HttpMethod(route.Method), target);
        if (body is not null)
            message.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        try
        {
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
            // Refused by the server's limits, before anybody could write a problem.
            if (response.StatusCode is HttpStatusCode.RequestUriTooLong or HttpStatusCode.RequestHeaderFieldsTooLarge)
                throw new ProblemException(new Problem(ProblemCode.Limited, "a name, an id or a filter is too long"));
            if (!response.IsSuccessStatusCode)
                throw new ProblemException(Read<Problem>(await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false)));
            return await read(response.Content).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (e.InnerException is UnreachableException inner)
        {
            throw new UnreachableException(inner.Message, inner.Hint);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.InvalidResponse)
        {
            throw Stranger();
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException)
        {
            throw new UnreachableException(
                "the daemon broke off the connection", Unknown(route) ?? "try again in a moment; one account can hold only so many connections at a time");
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
            throw Stranger();
        }
    }

    private static UnreachableException Stranger() => new("what answers is not certauthority, or a version that this program does not understand");

    private static string? Unknown(Route route) => route.Method == "GET" ? null : "whether it was done is not known; look before you try again";

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
