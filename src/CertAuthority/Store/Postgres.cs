using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Reflection;
using System.Security.Authentication;
using System.Text.RegularExpressions;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using Npgsql;

namespace CertAuthority.Store;

/// <summary>
/// A database on a PostgreSQL server. One batch of changes at a time is written to it, whichever daemon writes: each takes a lock with its
/// first statement. One daemon leads: its connection that writes holds another lock for as long as it exists, so a daemon that lost its
/// connection leads no more, and another one takes over. Each batch has a number, which is written with it; after a connection broke at
/// COMMIT, that number says whether the batch was kept.
/// </summary>
internal partial class Postgres : Engine
{
    /// <summary>The first half of the key of the advisory lock, "CeAu"; the second half is the name of the schema.</summary>
    protected const int LockKey = 0x43654175;

    private const string Leads = "hashtext(current_schema())";

    private const int OldestServer = 150000;

    // A COMMIT that stopped waiting for a standby succeeds with this notice.
    private const string Warning = "01000";

    private static readonly TimeSpan UntilNoticed = TimeSpan.FromSeconds(1);

    // After a kill, the server notices in this time that the connection of the former daemon is gone.
    private static readonly TimeSpan UntilFree = TimeSpan.FromSeconds(5);

    // As long as it takes to promote a standby.
    private static readonly TimeSpan UntilCertain = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BetweenTurns = TimeSpan.FromMilliseconds(300);

    // A daemon that was paused, or whose machine is gone, leads for this long, and keeps others from writing for half of it. A change never
    // computes for as long without a statement.
    private const string Silence = "SET idle_session_timeout = '6s'; SET idle_in_transaction_session_timeout = '3s'";

    // The start of a large installation takes this long; after it, the daemon writes every two seconds.
    private const string SilenceOfStart = "SET idle_session_timeout = '60s'; SET idle_in_transaction_session_timeout = '3s'";

    private readonly NpgsqlDataSource source;
    private readonly ILogger log;
    private (string System, string Timeline)? server;
    private NpgsqlConnection? reopened;
    private NpgsqlConnection? inTurn;
    private long batch;
    private long kept;
    private bool isUnreplicated;
    private bool hasStarted;

    /// <param name="options">How the server is reached: Host, Database and Username at least.</param>
    /// <param name="password">The password; null for none.</param>
    /// <param name="realm">The name of the machines that have the same accounts as this one; null for none.</param>
    /// <param name="folder">The directory whose disk can fill up.</param>
    /// <param name="log">Gets a line when the server is another one than before.</param>
    /// <exception cref="ArgumentException">An option has a value that it does not take.</exception>
    public Postgres(IReadOnlyDictionary<string, string> options, string? password, string? realm, string folder, ILogger log)
    {
        (Realm, Folder, this.log) = (realm, folder, log);
        var given = new NpgsqlConnectionStringBuilder();
        foreach (var (option, value) in options)
            given[option] = value;
        // Whoever can answer in place of the server decides who gets in anywhere.
        if (!IsNear(given.Host!) && !options.ContainsKey("SSL Mode"))
            given.SslMode = SslMode.VerifyFull;
        Name = $"postgres:{given.Host}{(given.Port == NpgsqlConnection.DefaultPort ? "" : $":{given.Port}")}/{given.Database}";
        given.Password = password;
        given.ApplicationName = $"certauthority {Holder}";
        given.Pooling = false;
        given.Enlist = false;
        given.PersistSecurityInfo = false;
        // A time-out would cancel a COMMIT that waits for a standby, and the server would then report it as done.
        given.CommandTimeout = 0;
        given.CancellationTimeout = -1;
        given.Timeout = 5;
        given.MaxAutoPrepare = 500;
        given.AutoPrepareMinUsages = 2;
        if (!IsSocket(given.Host!))
            (given.TcpKeepAlive, given.TcpKeepAliveTime, given.TcpKeepAliveInterval) = (true, 10, 5);
        given.GssEncryptionMode = GssEncryptionMode.Disable;
        given.Options = "-c synchronous_commit=on -c statement_timeout=0 -c lock_timeout=0 -c idle_session_timeout=0 "
            + "-c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off -c default_transaction_deferrable=off -c jit=off "
            // The server notices soon that the machine of a daemon is gone.
            + "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=10000";
        source = new NpgsqlDataSourceBuilder(given.ToString())
            // The tables have no types but those that every server has.
            .ConfigureTypeLoading(types => types.EnableTypeLoading(false)).Build();
    }

    public sealed override string Name { get; }

    /// <summary>The name of this daemon in this run.</summary>
    protected string Holder { get; } = Guid.NewGuid().ToString("N");

    /// <summary>The name of the machines that have the same accounts as this one; null for none.</summary>
    protected string? Realm { get; }

    /// <summary>The number of the last batch that this daemon was told is kept.</summary>
    protected long Kept => kept;

    /// <summary>The lock that the connection of this daemon holds, and nobody else does.</summary>
    protected virtual (int Key, string Of) OwnLock => (LockKey, Leads);

    /// <summary>The row with the number of this daemon's last batch.</summary>
    protected virtual string OwnRow => $"writer WHERE holder = '{Holder}'";

    /// <summary>The statement that is sent with COMMIT, with its values.</summary>
    protected virtual (string Sql, object[] Values) Mark(long number) => ("SELECT commit_batch($1, $2)", [Holder, number]);

    public override string Setting => Name;

    public override TimeSpan? Heartbeat => TimeSpan.FromSeconds(2);

    public sealed override string Folder { get; }

    // A server has 100 connections unless somebody allowed more.
    public override int MostReaders => 20;

    public override string BeginReading => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

    // The server keeps room for itself, or stops.
    public override bool HasRoom => true;

    public override bool KeepRoom() => true;

    public override Problem? NoCopy => new(
        ProblemCode.Invalid, $"the database is on a PostgreSQL server, {Name}, and the server's own tools back it up",
        "use pg_basebackup with an archive of the WAL, or pg_dump, and copy the data directory of the daemon too");

    public override string Mend(UnreadableResourceException row) =>
        $"psql, UPDATE {row.Kind}s SET resource = replace(resource, 'WRONG', 'RIGHT') WHERE name = '{row.Name}'";

    public override bool IsShared => true;

    public override bool TryTakeTurn()
    {
        NpgsqlConnection? connection = Open();
        try
        {
            // The server may not have noticed yet that the last run of this daemon was killed.
            for (var begun = Stopwatch.GetTimestamp(); !HasLock(connection, (LockKey, Leads)); Thread.Sleep(BetweenAttempts))
                if (Stopwatch.GetElapsedTime(begun) > UntilNoticed)
                    return false;
            Run(connection, SilenceOfStart);
            (inTurn, connection) = (connection, null);
            return true;
        }
        finally
        {
            connection?.Dispose();
        }
    }

    public override async Task TakeTurn(Action<string> waiting, CancellationToken stopping)
    {
        var told = "";
        for (; ; await Task.Delay(BetweenTurns, stopping))
        {
            NpgsqlConnection? connection = null;
            try
            {
                connection = Open();
                while (!HasLock(connection, (LockKey, Leads)))
                {
                    ExpectAccounts(connection);
                    Tell($"{Taken(connection)}; this one follows, and leads when that one ends");
                    await Task.Delay(BetweenTurns, stopping);
                }
                Run(connection, SilenceOfStart);
                inTurn = connection;
                return;
            }
            catch (Exception e) when (told.Length > 0 && e is StoreException or DbException)
            {
                // The server restarts, or another one takes its place.
                connection?.Dispose();
                Tell($"{e.Message}; this one follows, and tries again");
            }
            catch (Exception e)
            {
                connection?.Dispose();
                if (e is DbException)
                    throw new StoreException($"{Name} cannot be used: {e.Message}", e);
                throw;
            }
        }

        void Tell(string what)
        {
            if (what != told)
                waiting(told = what);
        }
    }

    public override DbConnection OpenWriter()
    {
        if (Interlocked.Exchange(ref reopened, null) is { } known)
            return known;
        var connection = Interlocked.Exchange(ref inTurn, null) ?? Open();
        try
        {
            TakeLock(connection);
            if (server is null)
                Begin(connection);
            else
                Resume(connection);
            return connection;
        }
        catch (PostgresException e) when (server is null)
        {
            connection.Dispose();
            throw new StoreException($"{Name} cannot be used: {e.MessageText}", e);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public override DbConnection OpenReader()
    {
        try
        {
            return source.OpenConnection();
        }
        catch (Exception e) when (e is TimeoutException or SocketException or IOException or AuthenticationException)
        {
            throw new NpgsqlException(e.Message, e);
        }
    }

    public override bool IsLost(DbConnection connection) => connection.State != System.Data.ConnectionState.Open;

    public override Statement Prepare(DbConnection connection, string sql, int count)
    {
        // The server wants the parameters that the text contains, without a gap.
        var used = Parameter().Matches(sql).Select(match => int.Parse(match.ValueSpan[1..], CultureInfo.InvariantCulture)).Distinct()
            .Order().ToList();
        var command = connection.CreateCommand();
        command.CommandText = Parameter().Replace(
            sql, match => $"${used.IndexOf(int.Parse(match.ValueSpan[1..], CultureInfo.InvariantCulture)) + 1}");
        foreach (var _ in used)
            command.Parameters.Add(new NpgsqlParameter());
        return new Statement(command, [.. used.Select(number => number - 1)]);
    }

    public override bool IsMigrated(DbConnection connection) => Version(connection) == SchemaVersion;

    public override void BeginWriting(Session writer, IReadOnlyCollection<Question>? ahead)
    {
        isUnreplicated = false;
        // The first batch is of the start.
        if (batch > 0 && !hasStarted)
        {
            Run((NpgsqlConnection)writer.Connection, Silence);
            hasStarted = true;
        }
        // Sent together. The lock comes first, so that every statement after it sees what the batch before it has committed.
        using var both = writer.Connection.CreateBatch();
        foreach (var sql in (string[])["BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", "SELECT begin_batch()"])
        {
            var one = both.CreateBatchCommand();
            one.CommandText = sql;
            both.BatchCommands.Add(one);
        }
        writer.Begin(keepsBack: ahead is not null);
        writer.Ask(both, ahead ?? []);
        using var answers = both.ExecuteReader();
        writer.ReadAnswers(answers, ahead ?? []);
    }

    public override CommitOutcome Commit(Session writer, out Exception? error)
    {
        error = null;
        var number = ++batch;
        try
        {
            // Sent together. A transaction that an error poisoned refuses the first statement, and so does one whose daemon is no longer
            // the holder; COMMIT alone would answer ROLLBACK, and no error.
            using var both = writer.TakeWaiting();
            var mark = both.CreateBatchCommand();
            (mark.CommandText, var values) = Mark(number);
            foreach (var value in values)
                mark.Parameters.Add(new NpgsqlParameter { Value = value });
            both.BatchCommands.Add(mark);
            var commit = both.CreateBatchCommand();
            commit.CommandText = "COMMIT";
            both.BatchCommands.Add(commit);
            both.ExecuteNonQuery();
            if (!isUnreplicated)
            {
                kept = number;
                return CommitOutcome.Kept;
            }
            error = new StoreException("the server stopped waiting for its standby");
        }
        catch (PostgresException e) when (e.InvariantSeverity == "ERROR" && writer.Connection.State == System.Data.ConnectionState.Open)
        {
            error = e;
            // The checks of commit_batch: connecting again finds out which of them it is.
            if (e.SqlState == PostgresErrorCodes.ObjectNotInPrerequisiteState)
                writer.Connection.Close();
            // The server answers COMMIT with an error only if it has rolled back.
            return CommitOutcome.Undone;
        }
        catch (Exception e) when (e is DbException or IOException or InvalidOperationException)
        {
            error = e;
        }
        return Find(writer, number, ref error);
    }

    public override void RollBack(Session writer)
    {
        try
        {
            if (!IsLost(writer.Connection))
                writer.Bind("ROLLBACK").ExecuteNonQuery();
        }
        catch (DbException)
        {
            // COMMIT was not sent, so the end of the connection undoes the transaction.
            writer.Connection.Close();
        }
    }

    public override bool IsRolledBack(DbConnection connection) => IsLost(connection);

    // 22: a value that the column cannot contain, such as a text with a NUL.
    public override bool IsConstraint(DbException error) =>
        error is PostgresException { InvariantSeverity: "ERROR", SqlState: ['2', '2' or '3', ..] };

    public override bool IsDamage(DbException error) =>
        error is PostgresException
        {
            SqlState: PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted or PostgresErrorCodes.IoError,
        };

    public override string? Leader(Session reader) =>
        reader.Bind("SELECT host FROM writer").ExecuteScalar() is string { Length: > 0 } host ? host : null;

    public override long Length(Session reader) => (long)reader.Bind(
        "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'")
        .ExecuteScalar()!;

    // The server checks its own files.
    public override void CheckRest(CancellationToken stopping)
    {
    }

    public override Engine Copy(string copy, Action<DbConnection> finish) => throw new NotSupportedException(NoCopy!.Detail);

    public override void Dispose()
    {
        reopened?.Dispose();
        inTurn?.Dispose();
        source.Dispose();
    }

    private NpgsqlConnection Open()
    {
        var connection = source.CreateConnection();
        try
        {
            connection.Notice += (_, notice) => isUnreplicated |= notice.Notice.SqlState == Warning;
            connection.Open();
            return connection;
        }
        catch (Exception e) when (e is DbException or TimeoutException or SocketException or ArgumentException or IOException
            or AuthenticationException)
        {
            connection.Dispose();
            // Earlier versions do not know every setting that a connection asks for.
            if (e is PostgresException { SqlState: PostgresErrorCodes.UndefinedObject })
                throw new StoreException($"{Name} is older than PostgreSQL 15, which certauthority needs", e);
            if (server is null)
                throw new StoreException($"{Name} cannot be reached: {e.GetBaseException().Message}", e);
            throw e as DbException ?? new NpgsqlException(e.Message, e);
        }
    }

    /// <summary>
    /// Reconnects after a connection broke at COMMIT, and looks for the number of the batch. The lock is free only after the former
    /// connection has ended at the server, so the answer is final.
    /// </summary>
    private CommitOutcome Find(Session writer, long number, ref Exception? error)
    {
        writer.Connection.Close();
        var begun = Stopwatch.GetTimestamp();
        while (true)
            try
            {
                var connection = (NpgsqlConnection)OpenWriter();
                reopened = connection;
                if (Number(connection, $"SELECT batch FROM {OwnRow}") != number)
                    return CommitOutcome.Undone;
                kept = number;
                return CommitOutcome.Kept;
            }
            catch (DbException e)
            {
                error = e;
                Interlocked.Exchange(ref reopened, null)?.Dispose();
                if (Stopwatch.GetElapsedTime(begun) > UntilCertain)
                    return CommitOutcome.Unknown;
                Thread.Sleep(BetweenAttempts);
            }
            catch (TakenOverException e)
            {
                // Another daemon may have changed the table since, so the number says nothing.
                error = e;
                return CommitOutcome.Unknown;
            }
    }

    /// <summary>Makes this connection the only one of this daemon that writes, for as long as it exists.</summary>
    private void TakeLock(NpgsqlConnection connection)
    {
        var begun = Stopwatch.GetTimestamp();
        while (!HasLock(connection, OwnLock))
        {
            // The server may not have noticed yet that this daemon's former connection is lost.
            Scalar(
                connection,
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = current_setting('application_name') AND pid IN "
                    + $"({HolderOf(OwnLock)})");
            if (Stopwatch.GetElapsedTime(begun) > UntilFree)
            {
                var other = $"{Taken(connection)}; stop it, or name another database";
                throw server is null ? new StoreException(other) : new TakenOverException(other);
            }
            Thread.Sleep(BetweenAttempts);
        }
        Run(connection, hasStarted ? Silence : SilenceOfStart);
    }

    /// <summary>Returns whether this connection has the lock now. It then has it for as long as it exists.</summary>
    private static bool HasLock(NpgsqlConnection connection, (int Key, string Of) one) =>
        (bool)Scalar(connection, $"SELECT pg_try_advisory_lock({one.Key}, {one.Of})");

    private static string HolderOf((int Key, string Of) one) =>
        $"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = {one.Key} AND objid = {one.Of}::oid AND granted "
        + "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

    private string Taken(NpgsqlConnection connection) => $"another certauthority works on {Name}: " + Scalar(
        connection,
        "SELECT coalesce(string_agg('server process ' || pid || coalesce(', connected from ' || host(client_addr), '') "
            + "|| coalesce(' since ' || to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC', ''), '; '), 'it has just ended') "
            + "FROM pg_stat_activity WHERE pid IN "
            + $"({HolderOf((LockKey, Leads))})");

    /// <summary>Begins to write, for the first time in this process.</summary>
    private void Begin(NpgsqlConnection connection)
    {
        ExpectServer(connection);
        ExpectDurable(connection);
        ExpectAccounts(connection);
        server = Begin(connection, Identity(connection));
    }

    /// <summary>Puts this daemon on record.</summary>
    /// <param name="connection">The connection that writes from now on.</param>
    /// <param name="now">Which server it is.</param>
    protected virtual (string System, string Timeline) Begin(NpgsqlConnection connection, (string System, string Timeline) now)
    {
        Migrate(connection);
        var before = Text(connection, "SELECT coalesce((SELECT system || ' ' || timeline FROM writer), '')");
        // Whoever promoted or restored a server may have lost what was acknowledged, as after the restore of a backup.
        var isOther = before.Length > 0 && before != $"{now.System} {now.Timeline}";
        if (isOther)
            log.LogWarning(
                "{Database} is another server than in the last run, or one that was promoted or restored: it counts as a backup from now", Name);
        Run(connection, "BEGIN");
        if (isOther)
            Run(connection, "INSERT INTO backup (one, taken) VALUES (1, extract(epoch FROM now())::bigint) ON CONFLICT DO NOTHING");
        using (var command = connection.CreateCommand())
        {
            command.CommandText =
                "INSERT INTO writer (one, holder, batch, system, timeline, machine, realm, host) VALUES (1, $1, 0, $2, $3, $4, $5, $6) "
                + "ON CONFLICT (one) DO UPDATE SET holder = excluded.holder, batch = 0, system = excluded.system, "
                + "timeline = excluded.timeline, machine = excluded.machine, realm = excluded.realm, host = excluded.host";
            foreach (var value in (string?[])[Holder, now.System, now.Timeline, Machine.Id, Realm, Environment.MachineName])
                command.Parameters.Add(new NpgsqlParameter { Value = (object?)value ?? DBNull.Value });
            command.ExecuteNonQuery();
        }
        Run(connection, "COMMIT");
        ExpectWaited();
        return now;
    }

    /// <summary>
    /// Goes on to write, after the connection was lost. A standby that was promoted meanwhile is as good as the former server if it has the
    /// last batch that this daemon was told is kept: batches are kept in their order. What a daemon that follows was told, that one looks
    /// for.
    /// </summary>
    private void Resume(NpgsqlConnection connection)
    {
        ExpectDurable(connection);
        var now = Identity(connection);
        if (now.System != server!.Value.System)
            throw new TakenOverException($"{Name} is another server than before; this daemon stops, and the next start reads what it has");
        isUnreplicated = false;
        // This commit waits for the standby, and so for everything that was committed before it.
        if (!Resume(connection, now.Timeline))
            throw new TakenOverException(
                Number(connection, $"SELECT count(*) FROM {OwnRow}") == 0
                    ? $"another certauthority has worked on {Name} since; this one stops"
                    : $"{Name} was promoted or restored and has lost what it acknowledged; this daemon stops, and the next start reads what it has");
        ExpectWaited();
        if (now != server)
            log.LogWarning("{Database} was promoted, and has everything that it acknowledged", Name);
        server = now;
    }

    /// <summary>Writes again to the row of this daemon, if that has its last batch.</summary>
    /// <returns>Whether it has.</returns>
    protected virtual bool Resume(NpgsqlConnection connection, string timeline) =>
        Run(connection, "UPDATE writer SET timeline = $1 WHERE holder = $2 AND batch >= $3", timeline, Holder, Kept) == 1;

    private void ExpectWaited()
    {
        if (isUnreplicated)
            throw new NpgsqlException("the server stopped waiting for its standby");
    }

    private void ExpectServer(NpgsqlConnection connection)
    {
        if (Number(connection, "SELECT current_setting('server_version_num')::bigint") < OldestServer)
            throw new StoreException($"{Name} is PostgreSQL {connection.ServerVersion}; certauthority needs 15 or later");
        if (Text(connection, "SHOW server_encoding") != "UTF8"
            || !(bool)Scalar(connection, "SELECT 'B' < 'a' AND 'Z' < '_' AND '~' > 'z' AND U&'\\00E9' > 'z' AND '-' < '0'"))
            throw new StoreException(
                $"{Name} does not sort text by its bytes; create the database with: CREATE DATABASE certauthority TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
        if (Scalar(connection, "SELECT current_schema()") is DBNull)
            throw new StoreException($"{Name} has no schema in which the daemon's account may work");
    }

    /// <summary>
    /// Checks that a uid means the same person as where the last daemon ran: the tables know who asked for what by uid.
    /// </summary>
    private void ExpectAccounts(NpgsqlConnection connection)
    {
        if (Version(connection) == 0)
            return;
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT machine, realm FROM writer";
        using var row = command.ExecuteReader();
        if (row.Read() && row.GetString(0) is var machine && machine != Machine.Id
            && (Realm is null || row.IsDBNull(1) || row.GetString(1) != Realm))
            throw new StoreException(
                $"{Name} was last used by a daemon on another machine ({machine}), whose uids may be other people here; if both have the same accounts, set database_realm to the same name on both; if that machine is gone: UPDATE writer SET realm = 'NAME'");
    }

    /// <summary>Checks that what the server acknowledges is on a disk, and stays if the server is replaced.</summary>
    private void ExpectDurable(NpgsqlConnection connection)
    {
        if ((bool)Scalar(connection, "SELECT pg_is_in_recovery()"))
            throw Fault($"{Name} is a standby, which cannot be written to; name the primary");
        foreach (var setting in (string[])["fsync", "full_page_writes"])
            if (Text(connection, $"SHOW {setting}") != "on")
                throw Fault($"{Name} has {setting} off, so that it loses what it acknowledged when the power fails; set it to on");
        if (!IsSynchronous(connection, "synchronous_commit"))
            throw Fault($"{Name} acknowledges commits before they are on the disk; synchronous_commit must be on");
        var isWaiting = Text(connection, "SHOW synchronous_standby_names").Length > 0;
        var standbys = Number(
            connection, "SELECT count(*) FROM pg_stat_replication WHERE coalesce(application_name, '') NOT IN ('pg_basebackup', 'pg_receivewal')");
        if (!isWaiting && standbys > 0)
            throw Fault(
                $"{Name} has a standby that it does not wait for: after a failover, certificates would be missing that were handed out; set synchronous_standby_names");
        if (server is null && !isWaiting)
            log.LogWarning("{Database} has no standby: what it acknowledged is lost with its disk; set synchronous_standby_names", Name);
        if (server is null && isWaiting && standbys == 0)
            log.LogWarning("{Database} waits for a standby, and none is connected: nothing can be changed until one is", Name);

        // A server that changes while the daemon runs is tried again, and meanwhile nothing is written.
        Exception Fault(string what) => server is null ? new StoreException(what) : new NpgsqlException(what);
    }

    private static bool IsSynchronous(NpgsqlConnection connection, string setting) =>
        Text(connection, $"SHOW {setting}") is "on" or "remote_apply";

    // A promotion begins another timeline, and so does a restore to a moment. A copy on another server has another identifier.
    private static (string System, string Timeline) Identity(NpgsqlConnection connection) => (
        Text(connection, "SELECT system_identifier::text FROM pg_control_system()"),
        Text(connection, "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"));

    // The version of the schema is the number of the last migration; the first file is the schema of the day on which it was written.
    private static readonly Lazy<SortedDictionary<int, string>> Migrations = new(() =>
    {
        const string prefix = "postgres.";
        var assembly = Assembly.GetExecutingAssembly();
        return new(assembly.GetManifestResourceNames().Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(
            name => int.Parse(name.AsSpan(prefix.Length, 4), CultureInfo.InvariantCulture), name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                return reader.ReadToEnd();
            }));
    });

    protected static int SchemaVersion => Migrations.Value.Keys.Last();

    protected static long Version(DbConnection connection) =>
        Scalar((NpgsqlConnection)connection, "SELECT to_regclass('schema_version')::text") is DBNull
            ? 0 : Number((NpgsqlConnection)connection, "SELECT version FROM schema_version");

    /// <summary>Updates the schema, under the lock.</summary>
    private void Migrate(NpgsqlConnection connection)
    {
        var version = Version(connection);
        if (version > SchemaVersion)
            throw new StoreException(
                $"{Name} was written by a newer certauthority (schema {version}, this one knows {SchemaVersion}); install that version or a later one");
        if (version == 0 && Number(connection, "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'") > 0)
            throw new StoreException($"{Name} has tables that are not those of certauthority; name another database");
        foreach (var (number, text) in Migrations.Value)
            if (number > version)
                Run(connection, $"BEGIN; {text.TrimEnd().TrimEnd(';')}; UPDATE schema_version SET version = {number}; COMMIT");
    }

    private static bool IsSocket(string host) => host is ['/' or '@', ..];

    private static bool IsNear(string host) => IsSocket(host) || host is "localhost" or "127.0.0.1" or "::1";

    protected static int Run(NpgsqlConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command.ExecuteNonQuery();
    }

    protected static long Number(NpgsqlConnection connection, string sql) => (long)Scalar(connection, sql);

    protected static string Text(NpgsqlConnection connection, string sql) => (string)Scalar(connection, sql);

    private static object Scalar(NpgsqlConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar()!;
    }

    [GeneratedRegex(@"\$[0-9]+")]
    private static partial Regex Parameter();
}
