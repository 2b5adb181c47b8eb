using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Jobs;

/// <summary>
/// Keeps the administrators' socket open to the accounts and groups that the configuration names, and to nobody else. It looks them up
/// repeatedly, because accounts and groups come and go. If the system does not answer for one of them, its last answer stays in force.
/// </summary>
/// <param name="socket">The administrators' socket, which other accounts cannot connect to.</param>
/// <param name="settings">The settings; they name the administrators.</param>
/// <param name="names">Finds their uids and gids.</param>
/// <param name="log">Gets a line when they cannot be given access.</param>
/// <param name="clock">Measures the time between lookups.</param>
internal sealed class AdministratorAccess(SocketFile socket, CurrentSettings settings, NameService names, ILogger log, TimeProvider clock)
    : Periodic(TimeSpan.FromSeconds(10), clock), IHostedLifecycleService
{
    private readonly Dictionary<string, uint> users = new(StringComparer.Ordinal);
    private readonly Dictionary<string, uint> groups = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim turn = new(1);
    private AccessList now = AccessList.OwnerOnly;

    /// <summary>Looks up the administrators, and gives access to those who exist.</summary>
    public async Task Look()
    {
        await turn.WaitAsync();
        try
        {
            var configured = settings.Now.Settings.Administrators;
            await LookUp(configured.Users, users, name => names.UidOf(name, Asker.Administrator));
            await LookUp(configured.Groups, groups, name => names.GidOf(name, Asker.Administrator));
            var list = new AccessList([.. users.Values], [.. groups.Values]);
            if (list == now)
                return;
            now = list;
            try
            {
                socket.Open(list);
            }
            catch (IOException e)
            {
                log.LogWarning(
                    "only root and the daemon's account can connect to {Path}, other administrators share {Public}: {Why}", socket.Path,
                    settings.Now.Settings.SocketPath, Printable.Escape(e.Message));
            }
        }
        finally
        {
            turn.Release();
        }
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Gives them access for the first time, now that the HTTP server answers.</summary>
    public Task StartedAsync(CancellationToken cancellationToken) => Look();

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Dispose()
    {
        turn.Dispose();
        base.Dispose();
    }

    protected internal override Task Once(CancellationToken stopping) => Look();

    protected override void Failed(Exception error) =>
        log.LogWarning("who administers could not be looked up: {Why}", Printable.Escape(error.Message));

    private static async Task LookUp(IReadOnlyCollection<string> configured, Dictionary<string, uint> found, Func<string, Task<uint?>> ask)
    {
        foreach (var gone in found.Keys.Except(configured).ToList())
            found.Remove(gone);
        // Queries all at once: if the system does not answer, each query waits for its timeout.
        foreach (var (name, answer) in configured.Select(name => (name, Answer: ask(name))).ToList())
            try
            {
                if (await answer is { } id)
                    found[name] = id;
                else
                    found.Remove(name);
            }
            catch (NameServiceException)
            {
                // The access stays as it was.
            }
    }
}
