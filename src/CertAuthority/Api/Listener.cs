using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Store;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace CertAuthority.Api;

/// <summary>
/// Accepts the connections of one socket on its own thread, and passes those that have a place to the HTTP server. A connection without a
/// place is closed before anything is allocated for it, so that a caller who connects in a loop costs only this thread. The full identity
/// (groups, login, account, user) is looked up only after that.
/// </summary>
/// <remarks>Every few seconds, the thread also checks that the socket is still at its path, and creates it again if it is not.</remarks>
internal sealed class Listener : IConnectionListener
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PauseWhenExhausted = TimeSpan.FromMilliseconds(100);

    private readonly SocketFile file;
    private readonly bool isForAdministrators;
    private readonly Connections connections;
    private readonly Serving serving;
    private readonly ILogger log;
    private readonly Acceptor acceptor = new();
    private readonly TurnedAway turnedAway = new();
    private readonly Channel<ConnectionContext> identified = Channel.CreateUnbounded<ConnectionContext>();
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SocketConnectionContextFactory contexts;
    private bool isLost;
    private volatile bool takesRest;

    // The thread that accepts, and the connections that are being identified.
    private int coming = 1;

    /// <param name="file">The socket.</param>
    /// <param name="isForAdministrators">Whether the kernel lets only administrators connect to it.</param>
    /// <param name="connections">The places, which the other socket shares.</param>
    /// <param name="serving">Identifies callers.</param>
    /// <param name="log">Gets one line a minute while connections are turned away.</param>
    public Listener(SocketFile file, bool isForAdministrators, Connections connections, Serving serving, ILogger log)
    {
        (this.file, this.isForAdministrators, this.connections, this.serving, this.log) = (file, isForAdministrators, connections, serving,
            log);
        contexts = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), log);
        EndPoint = new UnixDomainSocketEndPoint(file.Path);
    }

    /// <inheritdoc/>
    public EndPoint EndPoint { get; }

    /// <summary>
    /// Completes when no connection can be accepted any more: normally after a request to stop, otherwise with the error.
    /// </summary>
    public Task Ended => ended.Task;

    /// <summary>Starts the thread.</summary>
    public void Start()
    {
        file.Bind();
        new Thread(Run) { IsBackground = true, Name = "accept" }.Start();
    }

    /// <summary>
    /// Stops accepting. The path goes first, so that new callers find out at once that nobody serves there; those that have connected
    /// already are accepted. They wait instead where the socket outlives this listener.
    /// </summary>
    /// <param name="isKept">Whether this process will listen there again.</param>
    public void Close(bool isKept)
    {
        if (!isKept)
        {
            takesRest = !file.IsPassed;
            file.Withdraw();
        }
        acceptor.Stop();
    }

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await identified.Reader.WaitToReadAsync(cancellationToken) && identified.Reader.TryRead(out var connection) ? connection : null;

    /// <inheritdoc/>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        acceptor.Stop();
        await ended.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        contexts.Dispose();
        acceptor.Dispose();
    }

    private void Run()
    {
        try
        {
            var clock = serving.Clock;
            var (looked, told) = (clock.GetTimestamp(), clock.GetTimestamp() - clock.TimestampFrequency * (long)TellEvery.TotalSeconds);
            Look();
            while (acceptor.Wait(file.Listening, LookEvery))
            {
                Accept(file.Listening!);
                if (clock.GetElapsedTime(looked) < LookEvery)
                    continue;
                looked = clock.GetTimestamp();
                Look();
                if (clock.GetElapsedTime(told) >= TellEvery && turnedAway.TakeText() is { } text)
                {
                    told = clock.GetTimestamp();
                    log.LogWarning("{Path}: {Text}", file.Path, text);
                }
            }
            while (takesRest && Accept(file.Listening!))
            {
            }
            ended.TrySetResult();
        }
        // Whatever the error was, nobody can connect any more: the service that watches this task stops the daemon.
        catch (Exception e)
        {
            ended.TrySetException(e);
        }
        finally
        {
            Came();
        }
    }

    // The last one closes the way to the HTTP server.
    private void Came()
    {
        if (Interlocked.Decrement(ref coming) == 0)
            identified.Writer.TryComplete();
    }

    private void Look()
    {
        if (!isForAdministrators)
            connections.Subordinates = SubordinateUids.OfThisMachine();
        if (file.IsPassed && file.IsThere() == isLost)
        {
            isLost = !isLost;
            if (isLost)
                log.LogError(
                    "the socket {Path} is gone, and only systemd can make it again: systemctl stop certauthority.service; systemctl restart certauthority.socket", file.Path);
        }
        if (file.MakeAgain() is not { } old)
            return;
        log.LogWarning("the socket {Path} was gone and has been made again", file.Path);
        using (old)
            while (Accept(old))
            {
            }
    }

    /// <summary>Accepts some of the waiting connections; returns whether there may be more.</summary>
    private bool Accept(Socket listening)
    {
        const int some = 100;
        for (var i = 0; i < some; i++)
        {
            if (Acceptor.Next(listening, out var isExhausted) is not { } accepted)
            {
                if (isExhausted)
                {
                    turnedAway.Exhausted();
                    acceptor.Wait(null, PauseWhenExhausted);
                }
                return false;
            }
            if (connections.Take(accepted.Uid, isForAdministrators) is { } place)
                Admit(accepted, place);
            else
            {
                accepted.Close();
                turnedAway.One(accepted.Uid);
            }
        }
        return true;
    }

    private void Admit(Accepted accepted, Connections.Place place)
    {
        Socket socket;
        try
        {
            socket = accepted.ToSocket();
        }
        catch (SocketException)
        {
            accepted.Close();
            place.Dispose();
            return;
        }
        Interlocked.Increment(ref coming);
        _ = Task.Run(() => Identify(socket, place));
    }

    private async Task Identify(Socket socket, Connections.Place place)
    {
        var isThrough = false;
        try
        {
            if (Peer.Read(socket) is { } peer && connections.Settle(place, await StandingOf(peer, place.Standing)))
            {
                var connection = contexts.Create(socket);
                connection.Features.Set(new ConnectionOwner(peer, place));
                place.Connection = connection;
                isThrough = identified.Writer.TryWrite(connection);
                if (!isThrough)
                    await connection.DisposeAsync();
            }
        }
        catch (Exception e)
        {
            // Only this connection has failed: its process has ended, or the daemon is stopping.
            turnedAway.Failed(e);
        }
        finally
        {
            if (!isThrough)
            {
                socket.Dispose();
                place.Dispose();
            }
            Came();
        }
    }

    private async Task<Standing> StandingOf(Peer peer, Standing assumed)
    {
        var (ca, callers) = serving.Now();
        try
        {
            var caller = await callers.Of(peer, assumed);
            if (await callers.May(caller, Who.Administrators, assumed))
                return Standing.Administrator;
            return ca.Database.Read(snapshot => snapshot.OwnsUser(caller.Identity)) || await callers.May(caller, Who.Monitors, assumed)
                ? Standing.User
                : Standing.Stranger;
        }
        catch (Exception e) when (e is ProblemException or StoreException)
        {
            // The database says no more about who this is, and nobody gains by that. Every call on this connection gets the same answer.
            return assumed == Standing.Unknown ? Standing.Stranger : assumed;
        }
    }

    /// <summary>
    /// Counts the connections that were turned away, and finds the uid with the most, for an occasional log line. Its memory is bounded,
    /// whoever connects.
    /// </summary>
    private sealed class TurnedAway
    {
        private const int MostUids = 100;

        private readonly Dictionary<uint, long> uids = [];
        private long count;
        private bool isExhausted;
        private Exception? failure;

        public void One(uint uid)
        {
            lock (uids)
            {
                count++;
                if (uids.TryGetValue(uid, out var mine) || uids.Count < MostUids)
                    uids[uid] = mine + 1;
            }
        }

        public void Exhausted()
        {
            lock (uids)
                isExhausted = true;
        }

        public void Failed(Exception error)
        {
            lock (uids)
                failure = error;
        }

        public string? TakeText()
        {
            lock (uids)
            {
                var parts = new List<string>();
                if (count > 0)
                {
                    var (uid, most) = uids.MaxBy(one => one.Value);
                    parts.Add($"{count} connections were turned away, {most} of them of uid {uid}: too many at once, or too fast");
                }
                if (isExhausted)
                    parts.Add("no descriptor or memory was left for some that waited");
                if (failure is not null)
                    parts.Add($"some could not be identified: {failure.GetType().Name}: {Printable.Escape(failure.Message)}");
                uids.Clear();
                (count, isExhausted, failure) = (0, false, null);
                return parts.Count == 0 ? null : string.Join("; ", parts);
            }
        }
    }
}

/// <summary>Gives the HTTP server a listener for each path that it binds.</summary>
/// <param name="listeners">The listeners, by path.</param>
internal sealed class Listeners(IReadOnlyDictionary<string, Listener> listeners) : IConnectionListenerFactory
{
    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = listeners[endpoint.ToString()!];
        listener.Start();
        return ValueTask.FromResult<IConnectionListener>(listener);
    }
}
