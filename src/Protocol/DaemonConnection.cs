using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;

namespace CertAuthority.Protocol;

/// <summary>The way to one daemon, and what its silence means for a call.</summary>
internal sealed class DaemonConnection : IDisposable
{
    // A daemon that is replaced closes the connections that it has not heard; the next one is there a moment later.
    private static readonly TimeSpan BeforeAnotherTry = TimeSpan.FromMilliseconds(200);

    private readonly HttpClient http;

    /// <param name="server">The address of the daemon.</param>
    /// <param name="connect">Opens a connection, and throws <see cref="UnreachableException"/> if it cannot.</param>
    public DaemonConnection(ServerAddress server, Func<CancellationToken, ValueTask<Stream>> connect)
    {
        Server = server;
        http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellation) => connect(cancellation),
            // A second connection would need a second login.
            MaxConnectionsPerServer = server is ServerAddress.Ssh ? 1 : int.MaxValue,
            UseProxy = false,
            AllowAutoRedirect = false,
        })
        {
            BaseAddress = new Uri("http://certauthority"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>The address of the daemon.</summary>
    public ServerAddress Server { get; }

    /// <summary>Why this server was left or could not be used, the last time; null if it could be.</summary>
    public Exception? Fault { get; set; }

    /// <summary>Opens a socket of this machine.</summary>
    public static async ValueTask<Stream> Open(ServerAddress.Unix server, Func<uint, bool> trusts, CancellationToken cancellation) =>
        new NetworkStream(await UnixTransport.Connect(server, trusts, cancellation).ConfigureAwait(false), ownsSocket: true);

    /// <summary>Sends a request, and returns the answer.</summary>
    /// <param name="route">The route.</param>
    /// <param name="request">The request.</param>
    /// <param name="patience">The time limit for the answer.</param>
    /// <param name="triesAgain">Whether a call that may be repeated is sent a second time if the daemon closes the connection.</param>
    /// <param name="key">The key by which the daemon recognizes the call if it is sent again; null for none.</param>
    /// <param name="cancellation">Cancels the call.</param>
    public async Task<TReply> Ask<TRequest, TReply>(
        Route<TRequest, TReply> route, TRequest request, TimeSpan patience, bool triesAgain, string? key,
        CancellationToken cancellation)
        where TRequest : notnull
        where TReply : notnull
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(patience);
        try
        {
            try
            {
                return await Try().ConfigureAwait(false);
            }
            catch (UnreachableException broken)
                when (triesAgain && (route.Method == "GET" || key is not null) && broken.Message == UnreachableException.BrokenOff)
            {
                await Task.Delay(BeforeAnotherTry, limit.Token).ConfigureAwait(false);
                return await Try().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Lost("the daemon does not answer", null, route);
        }

        Task<TReply> Try() => Exchange(
            route, request, async answer => Read<TReply>(await answer.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false)),
            key, limit.Token);
    }

    /// <summary>Sends a request, and has the content of the answer read.</summary>
    public async Task<T> Exchange<TRequest, T>(
        Route route, TRequest request, Func<HttpContent, Task<T>> read, string? key, CancellationToken cancellation)
    {
        var (target, body) = RouteBinding.Spread(route, request);
        using var message = new HttpRequestMessage(new HttpMethod(route.Method), target);
        if (body is not null)
            message.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        if (key is not null)
            message.Headers.Add(Route.KeyHeader, key);
        try
        {
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation)
                .ConfigureAwait(false);
            // The server's limits rejected the request before a problem could be written.
            if (response.StatusCode is HttpStatusCode.RequestUriTooLong or HttpStatusCode.RequestHeaderFieldsTooLarge)
                throw new ProblemException(new Problem(ProblemCode.Limited, "a name, an id or a filter is too long"));
            if (!response.IsSuccessStatusCode)
                throw new ProblemException(Read<Problem>(await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false)));
            return await read(response.Content).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (e.InnerException is UnreachableException inner)
        {
            throw Unreached(inner, route);
        }
        catch (UnreachableException e)
        {
            throw Unreached(e, route);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.InvalidResponse)
        {
            throw Stranger();
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException)
        {
            throw Lost(
                UnreachableException.BrokenOff, "try again in a moment; one account can hold only so many connections at a time", route);
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

    private static UnreachableException Unreached(UnreachableException e, Route route) =>
        e.MayHaveArrived ? Lost(e.Message, e.Hint, route) : e;

    private static UnreachableException Stranger() =>
        new("what answers is not certauthority, or a version that this program does not understand") { MayHaveArrived = true };

    /// <summary>The call may have arrived, and its answer did not.</summary>
    private static UnreachableException Lost(string message, string? hint, Route route) =>
        route.Method == "GET"
            ? new(message, hint) { MayHaveArrived = true }
            : new(message, "whether it was done is not known; look before you try again")
            {
                MayHaveArrived = true,
                Look = route.Path.Contains("/requests", StringComparison.Ordinal) ? new NextStep.List(NextStep.List.Request)
                    : route.Path is "/v1/my/certificates" or "/v1/my/certificates/revoke" or "/v1/certificates/revoke"
                        ? new NextStep.List(NextStep.List.Certificate)
                    : null,
            };
}
