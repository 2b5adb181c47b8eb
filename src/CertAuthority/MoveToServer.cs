using System.Text.Json.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Auditing;
using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority;

/// <summary>What was moved.</summary>
/// <param name="Source">The path of the file.</param>
/// <param name="Destination">The name of the database on the server.</param>
/// <param name="Rows">The number of rows of each table.</param>
internal sealed record MovedRecords(string Source, string Destination, IReadOnlyDictionary<string, long> Rows)
{
    private const string Next = "start the daemon; it goes on where it stopped, and refuses the file from now on";

    // What people look for first.
    private static readonly string[] Named = ["users", "roles", "nodes", "locks", "requests", "certificates", "audit"];

    public IEnumerable<string> Lines() =>
    [
        $"moved {Source} to {Destination}: {Rows.Values.Sum()} rows of {Rows.Count} tables, each compared",
        string.Join(", ", Named.Select(table => $"{table} {Rows[table]}")),
        $"next: {Next}",
    ];

    public string Json() => new JsonObject
    {
        ["source"] = Source,
        ["destination"] = Destination,
        ["rows"] = new JsonObject(Rows.Select(one => KeyValuePair.Create(one.Key, (JsonNode?)JsonValue.Create(one.Value)))),
        ["next"] = Next,
    }.ToJsonString();
}

/// <summary>Moves the database of a daemon that does not run from its file to the server that the configuration names.</summary>
internal static class MoveToServer
{
    /// <summary>The path of the file of a configuration that names no other.</summary>
    private static string DefaultFile(Settings settings) => Path.Combine(settings.DataDirectory, "certauthority.db");

    /// <summary>Moves the database. A daemon with the file refuses to start from then on, and one with the server goes on.</summary>
    /// <param name="settings">The settings of the daemon, which name the server.</param>
    /// <param name="file">The path of the file; null for the one in the data directory.</param>
    /// <param name="clock">The clock of the machine.</param>
    /// <param name="log">Gets warnings about the server.</param>
    /// <param name="say">Gets a line about the progress, every few seconds.</param>
    /// <exception cref="StartException">Nothing was moved, or it does not count; the message says why.</exception>
    public static async Task<MovedRecords> Run(Settings settings, string? file, TimeProvider clock, ILogger log, Action<string> say)
    {
        var path = file is null ? DefaultFile(settings) : Path.GetFullPath(file);
        if (settings.Database is not DatabaseSettings.OnServer)
            throw new StartException(
                $"the configuration names no server to move {path} to; name it there, while the daemon is stopped: database: \"postgres:Host=…;Database=…;Username=…\"");
        if (!File.Exists(path))
            throw new StartException($"there is no database {path}; name the file of the daemon");
        if (!Directory.Exists(settings.DataDirectory))
            throw new StartException($"there is no data directory {settings.DataDirectory}; name the one of the daemon");
        try
        {
            OwnFile.PrivateDirectory(settings.DataDirectory);
            using var data = DataDirectory.Lock(settings.DataDirectory);
            var before = settings with { Database = new DatabaseSettings.InFile(path) };
            using var apart = DatabaseOf.Lock(before);
            using var target = (Postgres)DatabaseOf.Settings(settings, log);
            var source = (Sqlite)DatabaseOf.Settings(before, log);
            await using var database = Database.Open(source, log);
            var now = DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds());
            ExpectInUse(database, path);
            database.ExpectReadable(now);
            database.CheckRest(CancellationToken.None);
            if (database.Read(IsNew))
                throw new StartException($"{path} has no records of a daemon, so there is nothing to move");
            var published = PublishedKrl.At(Path.Combine(settings.DataDirectory, DataDirectory.RevocationListName));
            if (database.Read(snapshot => Restoration.From(snapshot, isNewKey: true, published)) is { } older)
                throw new StartException($"{path} is {older}; start the daemon on it first, which ends what was granted since");
            using var key = AuditKeyOf(settings);
            if (database.Read(snapshot => FaultOfAudit(snapshot, settings, key)) is { } fault)
                throw new StartException($"the audit in {path} does not match its last checkpoint: {fault}; start the daemon on it first, and look");
            var move = new Moved($"{Guid.NewGuid():N}", path, target.Name, now);
            var rows = await new DatabaseMove(source, target, move, say).Run(
                snapshot => FaultOfAudit(snapshot, settings, key) ?? AuditFaults.OfEntries(snapshot),
                () => database.Commit(transaction => transaction.RecordMove(move), takesAway: true));
            return new MovedRecords(path, target.Name, rows);
        }
        catch (Exception e) when (e is InUseException or ExposedException or CaKeyException or StoreException or IOException
            or UnauthorizedAccessException or Protocol.ProblemException or OutcomeUnknownException)
        {
            throw new StartException(e.Message, e);
        }
    }

    /// <summary>
    /// Checks before anything else is done that a database is in use: it was not moved away, it is not a copy that does not count, and it
    /// is no empty one next to a file that was to be moved to it.
    /// </summary>
    /// <exception cref="StartException">It is not in use; the message names the one that is.</exception>
    public static async Task ExpectInUse(Settings settings, Database database, ILogger log)
    {
        if (DatabaseOf.PathIn(settings) is { } path)
            ExpectInUse(database, path);
        else if (database.Read(snapshot => snapshot.Moved()) is { } move)
        {
            if (MoveOf(move.Source, log)?.Id != move.Id)
                throw new StartException(
                    $"{database.Setting} has a copy of {move.Source}, begun on {Instants.Show(move.At)}, whose move was not finished; move it again, or let database name that file");
            await database.Commit(transaction => transaction.RemoveMove(), takesAway: true);
        }
        else if (DefaultFile(settings) is var file && File.Exists(file) && database.Read(IsNew) && MoveOf(file, log) is null)
            throw new StartException(
                $"{database.Setting} is empty, and {file} has the records of a daemon; move them to the server, or take the file away to start anew");
    }

    private static void ExpectInUse(Database database, string path)
    {
        if (database.Read(snapshot => snapshot.Moved()) is { } move)
            throw new StartException(
                $"{path} was moved to {move.Destination} on {Instants.Show(move.At)}, and its records go on there; let database name that server");
    }

    private static bool IsNew(Snapshot snapshot) => snapshot.LastKrlVersion() == 0 && snapshot.CaKeys(CaPurpose.User) is [];

    /// <summary>Returns the move that a file is marked with; null for none, and if it cannot be read.</summary>
    private static Moved? MoveOf(string path, ILogger log)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            using var file = new Sqlite(path, log);
            return Database.Peek(file, snapshot => snapshot.Moved());
        }
        catch (StoreException e)
        {
            log.LogWarning("whether {Path} was moved is not known: {Why}", path, Protocol.Printable.Escape(e.Message));
            return null;
        }
    }

    private static AuditKey? AuditKeyOf(Settings settings) =>
        Path.Combine(settings.DataDirectory, AuditKey.FileName) is var path && File.Exists(path) ? AuditKey.LoadOrCreate(path) : null;

    private static string? FaultOfAudit(Snapshot snapshot, Settings settings, AuditKey? key) => key is null
        ? snapshot.StoredTree() is null ? null : $"{AuditKey.FileName} is missing in {settings.DataDirectory}"
        : AuditFaults.OfTree(snapshot, new CheckpointFile(Path.Combine(settings.DataDirectory, DataDirectory.CheckpointName), key))
            ?? AuditFaults.OfCount(snapshot);
}
