using System.Collections.Immutable;

namespace CertAuthority.Protocol;

/// <summary>
/// The client side of the protocol. It speaks to the first of its servers that answers, and goes on at the next one if that one falls
/// silent. A server of several is asked for its installation first, so that a call goes only to the installation that is meant, and
/// goes nowhere if nobody answers.
/// </summary>
public sealed class CaClient : IDisposable
{
    // The daemon holds an answer back for at most 25 s.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // The user may have to find their security key first.
    private static readonly TimeSpan PatienceWithPeople = TimeSpan.FromMinutes(3);

    // For the first answer of a server, if there is another one to ask.
    private static readonly TimeSpan ToAnswerAtAll = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ToAnswerThroughSsh = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ToConnect = TimeSpan.FromSeconds(20);

    private readonly ImmutableArray<DaemonConnection> connections;
    private readonly TimeSpan patience;
    private readonly SemaphoreSlim choosing = new(1);

    // ssh asks for no passphrase in the middle of a wait.
    private bool mayAsk;
    private DaemonConnection? inUse;
    private ServerAddress announced;
    private int first;
    private bool hasMet;
    private string? met;

    /// <summary>Creates a client of the daemon at the first address that answers.</summary>
    /// <param name="servers">The addresses of the daemon.</param>
    /// <param name="trusts">Whether a uid may be the daemon's. Needed because anybody can bind a socket in a place of their own.</param>
    /// <param name="patience">
    /// The time limit for an answer. Default: 1 minute; 3 minutes through ssh to the only server, because ssh may ask for a passphrase.
    /// </param>
    /// <param name="tell">Reports what a slow connection waits for; null if nobody reads it.</param>
    /// <param name="mayAsk">Whether ssh may ask the user for a passphrase, or about a host key.</param>
    public CaClient(
        ServerList servers, Func<uint, bool> trusts, TimeSpan? patience = null, Action<string>? tell = null, bool mayAsk = true)
    {
        this.mayAsk = mayAsk;
        this.patience = patience ?? (servers.All is [ServerAddress.Ssh] ? PatienceWithPeople : Patience);
        announced = servers.All[0];
        var toConnect = servers.All.Length == 1 ? ToConnect : ToAnswerAtAll;
        connections = [.. servers.All.Select(server => new DaemonConnection(server, Way(server)))];

        Func<CancellationToken, ValueTask<Stream>> Way(ServerAddress server)
        {
            switch (server)
            {
                case ServerAddress.Unix unix:
                    return cancellation => DaemonConnection.Open(unix, trusts, cancellation);
                case ServerAddress.Ssh ssh:
                    var transport = new SshTransport(ssh, toConnect, onFirstByte: () => this.mayAsk = false, tell);
                    return _ => ValueTask.FromResult(transport.Connect(this.mayAsk));
                default:
                    throw new ArgumentException("no transport goes there", nameof(server));
            }
        }
    }

    /// <summary>Reports that another server than before is used, and why; null if nobody reads it.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>The installation that the servers must belong to; null for that of the first one that answers.</summary>
    public string? Installation { get; init; }

    /// <summary>
    /// Sends a request, and returns the answer. If the server falls silent, the call goes to the next one, unless it could then be done
    /// twice (<see cref="Route.MayRepeat"/>).
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
        var key = route.TakesKey ? Guid.NewGuid().ToString() : null;
        if (connections is [var only])
            return await only.Ask(route, request, patience, triesAgain: only.Server is ServerAddress.Unix, key, cancellation)
                .ConfigureAwait(false);
        UnreachableException? unknown = null;
        for (var left = connections.Length; ; left--)
        {
            DaemonConnection connection;
            try
            {
                connection = await Choose(cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (unknown is not null && e is UnreachableException or ProblemException)
            {
                throw unknown;
            }
            try
            {
                return await connection.Ask(route, request, patience, triesAgain: false, key, cancellation).ConfigureAwait(false);
            }
            catch (UnreachableException silent)
            {
                Leave(connection, silent);
                // Silence of the others says nothing about it.
                if (silent.MayHaveArrived && route.Method != "GET")
                    unknown ??= silent;
                if (left == 1 || (silent.MayHaveArrived && !route.MayRepeat))
                    throw;
            }
            // Another daemon may have the database by now, or does this alone.
            catch (ProblemException refused) when (refused.Problem.Code is ProblemCode.Unavailable or ProblemCode.Elsewhere)
            {
                Leave(connection, refused);
                // A decision may stand.
                if (left == 1 || (refused.Problem.Code == ProblemCode.Unavailable && !route.MayRepeat))
                    throw;
            }
        }
    }

    /// <summary>Sends a request, and passes on the bytes of the answer as they arrive, however long that takes.</summary>
    /// <param name="route">A route that answers with bytes.</param>
    /// <param name="request">The request.</param>
    /// <param name="take">Receives the bytes, and their total number.</param>
    /// <param name="cancellation">Cancels the download.</param>
    /// <exception cref="ProblemException">The daemon refused.</exception>
    /// <exception cref="UnreachableException">There is no daemon, it is not trusted, or it closed the connection.</exception>
    public async Task Download<TRequest>(
        Route<TRequest, Stream> route, TRequest request, Func<Stream, long, Task> take, CancellationToken cancellation = default)
        where TRequest : notnull
    {
        var connection = connections is [var only] ? only : await Choose(cancellation).ConfigureAwait(false);
        await connection.Exchange(
            route,
            request,
            async answer =>
            {
                await take(await answer.ReadAsStreamAsync(cancellation).ConfigureAwait(false), answer.Headers.ContentLength ?? 0)
                    .ConfigureAwait(false);
                return true;
            },
            key: null,
            cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var connection in connections)
            connection.Dispose();
        choosing.Dispose();
    }

    /// <summary>Returns the server in use, or the next one of several that answers.</summary>
    private async Task<DaemonConnection> Choose(CancellationToken cancellation)
    {
        await choosing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (inUse is { } already)
                return already;
            // A host can count attempts that it refuses, so a server that stays as it is gets one only if no other is left.
            var areAllLasting = connections.All(IsLasting);
            for (var step = 0; step < connections.Length; step++)
                if (connections[(first + step) % connections.Length] is var connection && (areAllLasting || !IsLasting(connection))
                    && await Answers(connection, cancellation).ConfigureAwait(false))
                    return Use(connection);
            throw Nobody();
        }
        finally
        {
            choosing.Release();
        }
    }

    /// <summary>Asks a server for its installation; returns whether it can be used.</summary>
    private async Task<bool> Answers(DaemonConnection connection, CancellationToken cancellation)
    {
        var limit = connection.Server is ServerAddress.Ssh ? ToAnswerThroughSsh : ToAnswerAtAll;
        try
        {
            var theirs = (await connection.Ask(
                Routes.GetHostCas, new GetHostCas(), limit < patience ? limit : patience, triesAgain: false, key: null, cancellation)
                .ConfigureAwait(false)).Installation;
            if ((Installation is not null || hasMet) && theirs != (Installation ?? met))
                throw new UnreachableException("it belongs to another installation") { IsLasting = true };
            (hasMet, met, connection.Fault) = (true, theirs, null);
            return true;
        }
        catch (Exception silent)
            when (silent is UnreachableException or ProblemException { Problem.Code: ProblemCode.Unavailable })
        {
            connection.Fault = silent;
            return false;
        }
    }

    private DaemonConnection Use(DaemonConnection connection)
    {
        if (connection.Server != announced)
            Warn?.Invoke($"{Faults()}; using {connection.Server}");
        (inUse, announced) = (connection, connection.Server);
        return connection;
    }

    private void Leave(DaemonConnection connection, Exception fault)
    {
        connection.Fault = fault;
        first = (connections.IndexOf(connection) + 1) % connections.Length;
        Interlocked.CompareExchange(ref inUse, null, connection);
    }

    private Exception Nobody()
    {
        var message = $"no server answers: {Faults()}";
        return connections.Any(one => one.Fault is ProblemException)
            ? new ProblemException(new Problem(ProblemCode.Unavailable, message))
            : new UnreachableException(message, "start certauthority on one of them, or name others with --server or CERTAUTHORITY_SERVER")
            {
                IsLasting = connections.All(IsLasting),
            };
    }

    private string Faults() =>
        string.Join("; ", connections.Where(one => one.Fault is not null).Select(one => $"{one.Server}: {one.Fault!.Message}"));

    private static bool IsLasting(DaemonConnection connection) => connection.Fault is UnreachableException { IsLasting: true };
}
