using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Keys;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority;

/// <summary>
/// Handles what may have happened to the database since the last run, before anything is served: a restored backup, another user CA key, a
/// wrong clock, an unreadable row.
/// </summary>
/// <param name="Keys">The CA keys, with the IDs by which records name them.</param>
/// <param name="Origin">Marks the revocation lists of this run.</param>
internal sealed record StartOfRun(KeyRing Keys, ListOrigin Origin)
{
    /// <summary>Begins a run.</summary>
    /// <param name="data">The CA keys, and the list of the last run.</param>
    /// <param name="database">The database, open.</param>
    /// <param name="clock">The clock to use.</param>
    /// <param name="takesNewCa">Whether the user CA keys may replace every other key that signed here.</param>
    /// <param name="log">Gets a line about what was revoked.</param>
    /// <exception cref="StartException">The clock is impossible.</exception>
    /// <exception cref="StoreException">A row that must be readable is not.</exception>
    public static async Task<StartOfRun> Begin(DataDirectory data, Database database, SteadyClock clock, bool takesNewCa, ILogger log)
    {
        if (!clock.IsPossible)
            throw new StartException(
                $"the clock of this host shows {Instants.Show(clock.GetUtcNow())}, which cannot be right; set it, and start again");
        var (time, published) = (clock.GetUtcNow(), PublishedKrl.At(data.RevocationList));
        database.ExpectReadable(time);
        var keys = database.Read(snapshot => RotatingKeys.AtStart(snapshot, data.Files, takesNewCa));
        var userCa = keys.User;
        // Before the commit: if this start ends in between, the next one is a restore again, and begins yet another log.
        var before = data.Checkpoint.Read() is { Size: 0 } ? null : data.Checkpoint.Words();
        var begun = data.Checkpoint.Begun();
        if (database.Read(snapshot => Restoration.From(snapshot, data.IsNewAuthority, published)) is not null)
            data.Checkpoint.Keep(begun);
        var (restored, replaced, run) = await database.Commit(transaction =>
        {
            var from = Restoration.From(transaction, data.IsNewAuthority, published);
            var change = takesNewCa ? KeyChange.Run(transaction, userCa, time) : default;
            KeyChange.Expect(transaction, userCa, published, from is not null, time);
            KeyChange.ExpectUncompromised(transaction, keys.Host);
            if (takesNewCa)
                foreach (var purpose in data.Files.Keys)
                    transaction.RemoveRotation(purpose);
            RotatingKeys.RecordUnused(transaction, data.Files, time);
            // Reads the last serial before the new epoch moves it.
            var lost = from is null ? null : Restoration.Run(transaction, from, published, time);
            transaction.RenewGroups(all: false);
            if (lost is not null)
                BeginLog(transaction, before, begun.Checkpoint.Origin, time);
            transaction.BeginSerialEpoch(time);
            Clocks.KeepExpired(transaction, clock);
            return (lost, change, new StartOfRun(RotatingKeys.Recorded(transaction, keys, time), transaction.BeginRun(lost is not null)));
        }, takesAway: true);
        if (restored is not null)
            log.LogWarning(
                "restored from {From}: {Ended} requests ended, {Revoked} certificates and everything signed since revoked", restored.From,
                restored.Ended, restored.Revoked);
        if (replaced.Replaced is [_, ..] others)
            log.LogWarning(
                "user_ca is now {Key}; revoked with all that it signed, {Count} live certificates among it: {Others}; hosts let nobody in before they have the new user_ca.pub",
                Fingerprint.Compute(userCa.Signing.PublicKey), replaced.Revoked,
                string.Join(", ", others.Select(other => Fingerprint.Compute(other.Key))));
        return run;
    }

    /// <summary>Begins a run of a daemon that follows. It changes nothing: the daemon that leads has seen to the database.</summary>
    /// <param name="data">The CA keys.</param>
    /// <param name="database">The database, open.</param>
    /// <param name="clock">The clock to use.</param>
    /// <exception cref="StartException">The clock is impossible.</exception>
    /// <exception cref="StoreException">A row that must be readable is not.</exception>
    /// <exception cref="CaKeyException">The keys are not those of the daemon that leads.</exception>
    public static StartOfRun Follow(DataDirectory data, Database database, SteadyClock clock)
    {
        if (!clock.IsPossible)
            throw new StartException(
                $"the clock of this host shows {Instants.Show(clock.GetUtcNow())}, which cannot be right; set it, and start again");
        database.ExpectReadable(clock.GetUtcNow());
        return database.Read(snapshot => new StartOfRun(
            RotatingKeys.Known(snapshot, RotatingKeys.AtStart(snapshot, data.Files, takesNewCa: false)),
            new ListOrigin(snapshot.Installation(), "", [])));
    }

    /// <summary>Checks that a daemon could follow and take over: that it has the keys of the one that leads.</summary>
    /// <exception cref="CaKeyException">It has other ones.</exception>
    public static void ExpectSameKeys(Settings settings, DataDirectory data, ILogger log)
    {
        using var engine = DatabaseOf.Settings(settings, log);
        List<RecordedCaKey> known;
        try
        {
            known = Database.Peek(engine, snapshot => snapshot.CaKeys(CaPurpose.User));
        }
        catch (StoreException e)
        {
            // Another version works there; the start of this one compares the keys again when its turn comes.
            log.LogWarning("the keys were not compared with those of the daemon that works: {Why}", Printable.Escape(e.Message));
            return;
        }
        var files = data.Files[CaPurpose.User];
        if (!known.Exists(one => one.Revoked is null && (one.Key == files.Current.PublicKey || one.Key == files.Next?.PublicKey)))
            throw new CaKeyException(
                $"{engine.Name} belongs to daemons with the user CA key {string.Join(" or ", known.Where(one => one.Revoked is null).Select(one => Fingerprint.Compute(one.Key)))}, and this one has {Fingerprint.Compute(files.Current.PublicKey)}; copy the data directory of the daemon that works there, or name another database");
    }

    /// <summary>Begins another log over the audit, because entries of the former one are lost.</summary>
    private static void BeginLog(Transaction transaction, string? before, string origin, DateTimeOffset time)
    {
        transaction.BeginTree(origin);
        if (before is not null)
            transaction.Audit(AuditEvents.AuditLogReplaced.At(DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds())) with
            {
                Changes = [new AuditChange("checkpoint", before, origin)],
            });
    }
}
