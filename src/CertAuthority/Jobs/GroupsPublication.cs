using CertAuthority.Access.Nodes;
using CertAuthority.Hosting;
using CertAuthority.Protocol;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Jobs;

/// <summary>
/// Publishes the groups of hosts that fetch, after each list. No revocation waits for it: a group can have many members.
/// </summary>
internal sealed class GroupsPublication : Loop
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(30);

    private readonly Database database;
    private readonly KrlPublisher krl;
    private readonly AuditKey key;
    private readonly ListOrigin origin;
    private readonly ILogger log;
    private readonly SemaphoreSlim wanted = new(0);

    private PublishDirectory? known;
    private GroupsDirectory? files;
    private bool hasFailed;

    /// <param name="database">The nodes.</param>
    /// <param name="krl">The lists, each with the groups of the same moment.</param>
    /// <param name="key">The audit key, which signs the files.</param>
    /// <param name="origin">Marks the lists of this run.</param>
    /// <param name="log">Gets a line about each failure.</param>
    public GroupsPublication(Database database, KrlPublisher krl, AuditKey key, ListOrigin origin, ILogger log)
    {
        (this.database, this.krl, this.key, this.origin, this.log) = (database, krl, key, origin, log);
        krl.Published = () => wanted.Release();
    }

    /// <inheritdoc/>
    public override TimeSpan? Interval => Look;

    public override void Dispose()
    {
        base.Dispose();
        wanted.Dispose();
    }

    protected override async Task Run(CancellationToken stopping)
    {
        // To read what is there may take seconds, and nothing waits for it.
        await Task.Yield();
        while (true)
        {
            Try(stopping);
            Turned();
            if (await wanted.WaitAsync(Look, stopping))
                while (wanted.Wait(0, CancellationToken.None))
                {
                }
        }
    }

    /// <summary>Writes the files that differ from what belongs to the list in the directory for hosts.</summary>
    /// <returns>How many files it changed.</returns>
    internal int Once(CancellationToken stopping)
    {
        // The list is there before the groups, so a host that fetches them in reverse order finds one that is at least as new.
        if (krl.ForHosts is not { } directory || directory.Latest is not { Groups: { } tokens } list)
            return 0;
        if (files is null || known != directory)
            (files, known) = (new GroupsDirectory(Path.Combine(directory.Path, GroupsFile.Directory), key, origin), directory);
        var changes = files.Changes(database.Read(snapshot => snapshot.Policy().Nodes), tokens);
        if (changes.Count > 0)
            directory.Make();
        var count = 0;
        foreach (var (node, wants) in changes)
        {
            // A newer list has newer groups, and the loop runs again for it. Another daemon may write to the same directory.
            if (stopping.IsCancellationRequested || directory.Latest != list || !database.IsSureToLead)
                break;
            files.Put(node, wants, list.Version);
            count++;
            Turned();
        }
        return count;
    }

    private void Try(CancellationToken stopping)
    {
        try
        {
            Once(stopping);
            hasFailed = false;
        }
        catch (Exception e) when (Periodic.IsPassing(e) || e is System.Security.Cryptography.CryptographicException)
        {
            // A full or failing disk, or another daemon's directory: hosts keep the groups that they have, and what is there is read anew.
            files = null;
            if (!hasFailed)
                log.LogError(
                    "the groups of hosts that fetch cannot be published, and it is tried again: {Why}", Printable.Escape(e.Message));
            hasFailed = true;
        }
    }
}
