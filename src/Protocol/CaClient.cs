using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;

namespace CertAuthority.Protocol;

/// <summary>The client side of the protocol.</summary>
public sealed class CaClient : IDisposable
{
    // The daemon holds an answer back for at most 25 s.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // The user may have to find their security key first.
    private static readonly TimeSpan PatienceWithPeople = TimeSpan.FromMinutes(3);

    // A daemon that is replaced closes the connections that it has not heard; the next one is there a moment later.
    private static readonly TimeSpan BeforeAnotherTry = TimeSpan.FromMilliseconds(200);

    private readonly HttpClient http;
    private readonly bool isNear;
    private readonly TimeSpan patience;

    /// <summary>Creates a client of the daemon at an address.</summary>
    /// <param name="server">The address of the daemon.</param>
    /// <param name="trusts">Whether a uid may be the daemon's. Needed because anybody can bind a socket in a place of their own.</param>
    /// <param name="patience">
    /// The time limit for an answer. Default: 1 minute; 3 minutes through ssh, which may ask for a passphrase.
    /// </param>
    /// <param name="tell">Reports what a slow connection waits for; null if nobody reads it.</param>
    /// <param name="mayAsk">Whether ssh may ask the user for a passphrase, or about a host key.</param>
    public CaClient(
        ServerAddress server, Func<uint, bool> trusts, TimeSpan? patience = null, Action<string>? tell = null, bool mayAsk = true)
    {
        isNear = server is ServerAddress.Unix;
        this.patience = patience ?? (server is ServerAddress.Ssh ? PatienceWithPeople : Patience);
        Func<CancellationToken, ValueTask<Stream>> connect;
        switch (server)
        {
            case ServerAddress.Unix unix:
                connect = async cancellation => new NetworkStream(
                    await UnixTransport.Connect(unix, trusts, cancellation).ConfigureAwait(false), ownsSocket: true);
                break;
            case ServerAddress.Ssh ssh:
                var transport = new SshTransport(ssh, mayAsk, tell);
                connect = _ => ValueTask.FromResult(transport.Connect());
                break;
            default:
                throw new ArgumentException("no transport goes there", nameof(server));
        }
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

    /// <summary>
    /// Sends a request, and returns the answer. One that only reads is sent a second time if the daemon closes the connection.
    /// </summary>
    /// <exception cref="ProblemException">The daemon refused.</exception>
    /// <exception cref="UnreachableException">
    /// There is no daemon, it is not trusted, it hangs, or it does not speak this protocol.
    /// </exception>
    public async Task<TReply> Send<TRequest, TReply>(
        Route<TRequest, TReply> route, TRequest request, CancellationToken cancellation = default)
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
            catch (UnreachableException broken) when (isNear && route.Method == "GET" && broken.Message == UnreachableException.BrokenOff)
            {
                await Task.Delay(BeforeAnotherTry, limit.Token).ConfigureAwait(false);
                return await Try().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new UnreachableException("the daemon does not answer", Unknown(route));
        }

        Task<TReply> Try() => Exchange(
            route, request, async answer => Read<TReply>(await answer.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false)),
            limit.Token);
    }

    /// <summary>Sends a request, and passes on the bytes of the answer as they arrive, however long that takes.</summary>
    /// <param name="route">A route that answers with bytes.</param>
    /// <param name="request">The request.</param>
    /// <param name="take">Receives the bytes, and their total number.</param>
    /// <param name="cancellation">Cancels the download.</param>
    /// <exception cref="ProblemException">The daemon refused.</exception>
    /// <exception cref="UnreachableException">There is no daemon, it is not trusted, or it closed the connection.</exception>
    public Task Download<TRequest>(
        Route<TRequest, Stream> route, TRequest request, Func<Stream, long, Task> take, CancellationToken cancellation = default)
        where TRequest : notnull =>
        Exchange(
            route,
            request,
            async answer =>
            {
                await take(await answer.ReadAsStreamAsync(cancellation).ConfigureAwait(false), answer.Headers.ContentLength ?? 0)
                    .ConfigureAwait(false);
                return true;
            },
            cancellation);

    private async Task<T> Exchange<TRequest, T>(
        Route route, TRequest request, Func<HttpContent, Task<T>> read, CancellationToken cancellation)
    {
        var (target, body) = RouteBinding.Spread(route, request);
        using var message = new HttpRequestMessage(new HttpMethod(route.Method), target);
        if (body is not null)
            message.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
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
            throw new UnreachableException(
                UnreachableException.BrokenOff,
                Unknown(route) ?? "try again in a moment; one account can hold only so many connections at a time");
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
        new(e.Message, (e.MayHaveArrived ? Unknown(route) : null) ?? e.Hint) { IsLasting = e.IsLasting };

    private static UnreachableException Stranger() =>
        new("what answers is not certauthority, or a version that this program does not understand");

    private static string? Unknown(Route route) =>
        route.Method == "GET" ? null : "whether it was done is not known; look before you try again";
}
