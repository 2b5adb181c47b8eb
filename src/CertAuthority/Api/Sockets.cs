using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Api;

/// <summary>
/// The daemon's sockets: the one for everybody, and the administrators' socket next to it. They are taken early, so that a second daemon is
/// refused before it does anything, and opened to other people once the daemon serves. When one of them is lost for good, nobody can call
/// any more, so this service then fails and the host stops the daemon.
/// </summary>
internal sealed class Sockets : BackgroundService, IHostedLifecycleService
{
    private readonly SocketFile everybody;
    private Listener[] listeners = [];
    private Drain? drain;
    private volatile bool isKept;

    private Sockets(SocketFile everybody, SocketFile? administrators) => (this.everybody, Administrators) = (everybody, administrators);

    /// <summary>The administrators' socket; null if its path would be too long.</summary>
    public SocketFile? Administrators { get; }

    /// <summary>Takes both paths.</summary>
    /// <exception cref="InUseException">Another daemon serves there, or another file is in the way.</exception>
    public static Sockets Take(string path, ILogger log)
    {
        var everybody = SocketFile.Take(path);
        try
        {
            if (new ServerAddress.Unix(path).AdministratorsPath is { } beside)
                return new Sockets(everybody, SocketFile.TakeBeside(beside));
            log.LogWarning(
                "administrators have no socket of their own, because the path {Path} is too long: its limit for that is {Limit} bytes",
                path, ServerAddress.Unix.LongestPath - ServerAddress.Unix.AdministratorsSuffix.Length);
            return new Sockets(everybody, administrators: null);
        }
        catch
        {
            everybody.Dispose();
            throw;
        }
    }

    /// <summary>Creates the listener of each socket. It starts when the HTTP server binds it.</summary>
    /// <param name="connections">The places that both sockets share.</param>
    /// <param name="serving">Identifies callers.</param>
    /// <param name="draining">Lets the calls end when the daemon stops.</param>
    /// <param name="log">Gets one line a minute while connections are turned away.</param>
    public IReadOnlyCollection<Listener> Listen(Connections connections, Serving serving, Drain draining, ILogger log)
    {
        drain = draining;
        return listeners =
        [
            new Listener(everybody, isForAdministrators: false, connections, serving, log),
            .. Administrators is null
                ? (Listener[])[]
                : [new Listener(Administrators, isForAdministrators: true, connections, serving, log)],
        ];
    }

    /// <summary>
    /// Returns the same sockets for the next daemon in this process. They listen on while this one stops, so that callers wait meanwhile.
    /// </summary>
    public Sockets Keep()
    {
        isKept = true;
        return new Sockets(everybody, Administrators);
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Lets everybody connect, now that the HTTP server answers.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        everybody.Open();
        return Task.CompletedTask;
    }

    /// <summary>Takes no more connections, and lets the calls end on those that there are, before the HTTP server closes them.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        foreach (var listener in listeners)
            listener.Close(isKept);
        await drain!.Run(cancellationToken);
    }

    /// <summary>Removes both sockets, unless they are kept.</summary>
    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        Release();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        Release();
    }

    /// <summary>
    /// Fails with the first listener that fails. A listener that ends without an error was asked to: the web server is stopping.
    /// </summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken) =>
        await await Task.WhenAny(listeners.Select(listener => listener.Ended)).WaitAsync(stoppingToken);

    private void Release()
    {
        if (isKept)
            return;
        Administrators?.Dispose();
        everybody.Dispose();
    }
}
