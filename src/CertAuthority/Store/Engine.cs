using System.Data.Common;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>How an attempt to commit ended.</summary>
internal enum CommitOutcome
{
    /// <summary>The changes are on the disk.</summary>
    Kept,

    /// <summary>Certainly nothing was changed.</summary>
    Undone,

    /// <summary>Nobody knows whether the changes are kept.</summary>
    Unknown,
}

/// <summary>
/// Everything about a database that depends on the engine: opening, the schema, transactions, errors, copies. The rest of the store uses
/// System.Data.Common, and SQL that every engine understands in the same way.
/// </summary>
internal abstract class Engine : IDisposable
{
    /// <summary>The database, for messages: a path, or a server and a name. It never contains a secret.</summary>
    public abstract string Name { get; }

    /// <summary>What the setting <c>database</c> says of it, without a secret and without every option.</summary>
    public abstract string Setting { get; }

    /// <summary>The directory whose disk can fill up.</summary>
    public abstract string Folder { get; }

    /// <summary>The largest number of connections that read at the same time.</summary>
    public abstract int MostReaders { get; }

    /// <summary>The statement that begins reading as of one moment.</summary>
    public abstract string BeginReading { get; }

    /// <summary>How an administrator mends a resource whose row cannot be read, after "mend the text: ".</summary>
    public abstract string Mend(UnreadableResourceException row);

    /// <summary>
    /// The longest time between two commits, because the connection that writes is lost after a longer silence; null for no such time.
    /// </summary>
    public abstract TimeSpan? Heartbeat { get; }

    /// <summary>Whether other daemons may write to the database, too.</summary>
    public abstract bool IsShared { get; }

    /// <summary>The realm of the accounts of this machine; the first one until the daemon begins to write.</summary>
    public abstract Realm Realm { get; }

    /// <summary>Returns whether there is a realm of a name.</summary>
    public abstract bool HasRealm(Session reader, string name);

    /// <summary>Makes this daemon the one that leads, unless another one does. It always does where there can be no other.</summary>
    /// <exception cref="StoreException">The database cannot be used.</exception>
    public abstract bool TryTakeTurn();

    /// <summary>Waits until no other daemon leads, and does. It returns at once if there can be none.</summary>
    /// <param name="obstacle">Why this daemon must not lead now; null if it may.</param>
    /// <param name="waiting">
    /// Called with a sentence about the other daemon when the wait begins, and again when there is something else to say.
    /// </param>
    /// <param name="stopping">Cancels the wait when the daemon stops.</param>
    /// <exception cref="StoreException">The database cannot be used.</exception>
    public abstract Task TakeTurn(Func<string?> obstacle, Action<string> waiting, CancellationToken stopping);

    /// <summary>Opens the only connection that writes, and updates the schema.</summary>
    /// <exception cref="StoreException">
    /// The database is damaged, belongs to another program or a newer version, or another daemon uses it.
    /// </exception>
    /// <exception cref="TakenOverException">Another daemon used the database since this engine wrote last.</exception>
    /// <exception cref="DbException">The database cannot be reached now; only after it was open before.</exception>
    public abstract DbConnection OpenWriter();

    /// <summary>Opens a connection that only reads.</summary>
    /// <exception cref="DbException">It cannot be opened now.</exception>
    public abstract DbConnection OpenReader();

    /// <summary>Whether a connection is lost and must be opened again.</summary>
    public abstract bool IsLost(DbConnection connection);

    /// <summary>Creates a statement with the parameters <c>$1</c>, <c>$2</c>, …</summary>
    /// <param name="connection">The connection on which it runs.</param>
    /// <param name="sql">The text. It need not contain every parameter.</param>
    /// <param name="count">The number of values that it is given.</param>
    public abstract Statement Prepare(DbConnection connection, string sql, int count);

    /// <summary>
    /// Returns whether the schema is the one of this version. The daemon updates a database of an earlier version when it opens it.
    /// </summary>
    public abstract bool IsMigrated(DbConnection connection);

    /// <summary>Begins a transaction that writes.</summary>
    /// <param name="writer">The connection that writes.</param>
    /// <param name="ahead">
    /// What its changes will ask; null if each statement must be run at once, so that an error is the one of its own change.
    /// </param>
    public abstract void BeginWriting(Session writer, IReadOnlyCollection<Question>? ahead);

    /// <summary>
    /// Why the transaction that began last may only take access away; null if it may do everything.
    /// </summary>
    public abstract Problem? Obstacle { get; protected set; }

    /// <summary>Commits a transaction that writes.</summary>
    /// <param name="writer">The connection that writes. It may be lost afterwards.</param>
    /// <param name="error">The error; null if the changes are kept.</param>
    public abstract CommitOutcome Commit(Session writer, out Exception? error);

    /// <summary>Undoes a transaction that writes, if it is not undone yet.</summary>
    /// <exception cref="DbException">It cannot be undone.</exception>
    public abstract void RollBack(Session writer);

    /// <summary>Returns whether no transaction is open any more because an error rolled everything back.</summary>
    public abstract bool IsRolledBack(DbConnection connection);

    /// <summary>Returns whether an error only broke a rule of the schema, so that the transaction around it is still usable.</summary>
    public abstract bool IsConstraint(DbException error);

    /// <summary>Returns whether an error means that the database is damaged or cannot be read.</summary>
    public abstract bool IsDamage(DbException error);

    /// <summary>Whether there is enough room for every change, not only for those that take access away.</summary>
    public abstract bool HasRoom { get; }

    /// <summary>Reserves the room that changes need which take access away, if there is room on the disk.</summary>
    /// <returns>Whether every change may be made.</returns>
    public abstract bool KeepRoom();

    /// <summary>Returns the name of the host on which the daemon runs that leads; null if that is not on record.</summary>
    public abstract string? Leader(Session reader);

    /// <summary>Returns the daemons on record, and the standbys of their server; null if there can be only one daemon.</summary>
    public abstract (DaemonOnRecord[] Daemons, ReplicationStatus Replication)? Daemons(Session reader);

    /// <summary>Returns whether another daemon works on the database and follows this one.</summary>
    public abstract bool IsFollowed(Session reader);

    /// <summary>
    /// The statement that puts on record which list this daemon has in place, why it has no newer one, and since when; null if there can be
    /// only one daemon.
    /// </summary>
    public abstract string? RecordsList { get; }

    /// <summary>Returns the size of the database, in bytes.</summary>
    public abstract long Length(Session reader);

    /// <summary>
    /// Reads the part of the database that was not read before it was used. A damaged one is marked, so that it is read before the next
    /// start.
    /// </summary>
    /// <exception cref="StoreException">The database is damaged.</exception>
    /// <exception cref="IOException">Something else keeps it from being read now.</exception>
    /// <exception cref="OperationCanceledException">The daemon stops.</exception>
    public abstract void CheckRest(CancellationToken stopping);

    /// <summary>Why there can be no copy of the database, and what makes one instead; null if there can be one.</summary>
    public abstract Problem? NoCopy { get; }

    /// <summary>Writes a copy as of one moment to a new file, without waiting for the writer or blocking it.</summary>
    /// <param name="copy">The new file.</param>
    /// <param name="finish">Changes the copy before anybody else sees it.</param>
    /// <returns>The copy as a database.</returns>
    /// <exception cref="DbException">It cannot be read, or the copy cannot be written.</exception>
    public abstract Engine Copy(string copy, Action<DbConnection> finish);

    /// <summary>Releases what the engine holds. It must be called after the last connection is closed.</summary>
    public abstract void Dispose();
}
