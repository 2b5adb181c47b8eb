using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.RegularExpressions;
using CertAuthority.Access.Users;
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
    // A COMMIT that stopped waiting for a standby succeeds with this notice.
    private const string Warning = "01000";

    // As long as it takes to promote a standby.
    private static readonly TimeSpan UntilCertain = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(100);

    // Certificates and locks end by the clock of whichever daemon looks at them.
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(2);

    private readonly NpgsqlDataSource source;
    private readonly ILogger log;
    private readonly string? realm;
    private ServerIdentity? server;
    private LastSeen? seen;
    private NpgsqlConnection? reopened;
    private NpgsqlConnection? inTurn;
    private long batch;
    private long kept;
    private bool isUnreplicated;
    private bool hasStarted;
    private Realm accounts = Realm.First;

    /// <param name="options">How the server is reached: Host, Database and Username at least.</param>
    /// <param name="password">The password; null for none.</param>
    /// <param name="realm">The name of the machines that have the same accounts as this one; null for none.</param>
    /// <param name="folder">The directory whose disk can fill up.</param>
    /// <param name="log">Gets a line when the server is another one than before.</param>
    /// <exception cref="ArgumentException">An option has a value that it does not take.</exception>
    public Postgres(IReadOnlyDictionary<string, string> options, string? password, string? realm, string folder, ILogger log)
    {
        (this.realm, Folder, this.log) = (realm, folder, log);
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

    public override Realm Realm => accounts;

    /// <summary>The number of the last batch that this daemon was told is kept.</summary>
    protected long Kept => kept;

    /// <summary>The last batch of any daemon that this one knows of, also from earlier runs; null for none.</summary>
    protected SeenBatch? LastKnown => seen!.Read();

    /// <summary>The lock that the connection of this daemon holds, and nobody else does.</summary>
    protected virtual PostgresLock OwnLock => PostgresLock.Leading;

    /// <summary>The row with the number of this daemon's last batch.</summary>
    protected string OwnRow => $"{OwnTable} WHERE holder = '{Holder}'";

    /// <summary>The table with that row.</summary>
    protected virtual string OwnTable => "writer";

    /// <summary>Takes an earlier run of this daemon off the record: a directory has one daemon at a time.</summary>
    protected const string OwnRowBefore = "DELETE FROM followers WHERE machine = $1 AND directory = $2";

    /// <summary>The version of this daemon.</summary>
    protected static string OwnVersion { get; } = typeof(Postgres).Assembly.GetName().Version!.ToString(3);

    /// <summary>The statement that is sent with COMMIT, with its values.</summary>
    protected virtual (string Sql, object[] Values) Mark(long number) => ("SELECT commit_batch($1, $2)", [Holder, number]);

    public override string Setting => Name;

    public override TimeSpan? Heartbeat => TimeSpan.FromSeconds(2);

    public sealed override string Folder { get; }

    /// <summary>Whether the server may have a standby that it does not wait for, so that a promotion loses the last moments.</summary>
    public bool AllowsAsync { get; init; }

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

    public override DbConnection OpenWriter()
    {
        if (Interlocked.Exchange(ref reopened, null) is { } known)
            return known;
        var connection = Interlocked.Exchange(ref inTurn, null) ?? Open();
        try
        {
            if (server is null)
            {
                TakeLock(connection);
                Begin(connection);
            }
            else
            {
                Resume(connection);
                ExpectLooked(connection, server);
            }
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

    public override bool IsMigrated(DbConnection connection) => PostgresSchema.IsUsable(connection);

    public override void BeginWriting(Session writer, IReadOnlyCollection<Question>? ahead)
    {
        isUnreplicated = false;
        // The first batch is of the start.
        if (batch > 0 && !hasStarted)
        {
            ((NpgsqlConnection)writer.Connection).Run(Silence);
            hasStarted = true;
        }
        // Sent together. The lock comes first, so that every statement after it sees what the batch before it has committed.
        var before = TimeProvider.System.GetUtcNow();
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
        answers.Read();
        Compare(before, DateTimeOffset.UnixEpoch.AddSeconds(answers.GetDouble(0)), TimeProvider.System.GetUtcNow());
        writer.ReadAnswers(answers, ahead ?? []);
    }

    /// <summary>Compares the clock of this machine with the server's, which was read between two moments.</summary>
    private void Compare(DateTimeOffset before, DateTimeOffset there, DateTimeOffset after)
    {
        var off = there < before ? before - there : there > after ? after - there : TimeSpan.Zero;
        var isOff = off.Duration() > ClockTolerance;
        if (isOff && Obstacle is null)
            log.LogCritical(
                "this machine's clock is {Off} {Side} the one of {Database}: nothing is granted until they agree", Seconds(off), Side(off), Name);
        else if (!isOff && Obstacle is not null)
            log.LogWarning("this machine's clock agrees with the one of {Database} again", Name);
        Obstacle = isOff
            ? new Problem(
                ProblemCode.Unavailable,
                $"the clock of the daemon's machine is {Seconds(off)} {Side(off)} the one of its database, so nothing is granted",
                "an administrator makes both follow the same time; another daemon may serve meanwhile")
            : null;

        static string Seconds(TimeSpan off) => string.Create(CultureInfo.InvariantCulture, $"{off.Duration().TotalSeconds:0.#} s");

        static string Side(TimeSpan off) => off > TimeSpan.Zero ? "ahead of" : "behind";
    }

    public override Problem? Obstacle { get; protected set; }

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
            var counted = (string)both.ExecuteScalar()!;
            if (!isUnreplicated)
            {
                kept = number;
                if (SeenBatch.Read($"{server!.System} {server.Timeline} {counted}") is { } known)
                    seen!.Keep(known);
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
        seen?.Dispose();
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
                var connection = Open();
                reopened = connection;
                Resume(connection);
                if (connection.Number($"SELECT batch FROM {OwnRow}") != number)
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

    private static bool IsSocket(string host) => host is ['/' or '@', ..];

    private static bool IsNear(string host) => IsSocket(host) || host is "localhost" or "127.0.0.1" or "::1";

    [GeneratedRegex(@"\$[0-9]+")]
    private static partial Regex Parameter();
}
