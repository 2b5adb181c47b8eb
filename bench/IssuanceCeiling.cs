using System.Data.Common;
using System.Diagnostics;
using System.Security.Cryptography;
using CertAuthority.Keys;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace CertAuthority.Bench;

/// <summary>
/// The least that a certificate costs here with the daemon's libraries: two rows of the usual size and their indexes in a durable commit, which
/// a group shares, then a signature and its check. There are no callers and no decisions.
/// </summary>
internal sealed class IssuanceCeiling : IDisposable
{
    // The sizes of the two rows that the daemon writes for a login with one role.
    private const int CertificateRow = 850;
    private const int AuditRow = 300;

    private const int Users = 1000;

    private const string InsertCertificate =
        "INSERT INTO certificates (serial, user_id, user_name, valid_before, rest) VALUES ($1, $2, $3, $4, $5)";

    private const string InsertAudit = "INSERT INTO audit (id, time, \"user\", entry) VALUES ($1, $2, $3, $4)";

    private readonly DbConnection database;
    private readonly Ed25519PrivateKey key = Ed25519PrivateKey.New();
    private readonly byte[] toBeSigned = RandomNumberGenerator.GetBytes(400);
    private readonly byte[] certificate = RandomNumberGenerator.GetBytes(CertificateRow);
    private readonly byte[] entry = RandomNumberGenerator.GetBytes(AuditRow);
    private readonly Dictionary<string, DbCommand> prepared = [];
    private int rows;

    /// <param name="directory">Where a file of SQLite is made.</param>
    /// <param name="server">How a PostgreSQL server is reached that is used instead, with a schema that is empty; an empty text for none.</param>
    public IssuanceCeiling(string directory, string server)
    {
        database = server.Length > 0
            ? new NpgsqlConnection($"{server};Pooling=False;Max Auto Prepare=10;Auto Prepare Min Usages=2")
            : new SqliteConnection($"Data Source={Path.Combine(directory, "ceiling.db")};Pooling=False");
        database.Open();
        if (server.Length == 0)
            Run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        Run(
            $"""
            CREATE TABLE certificates (serial INTEGER PRIMARY KEY, user_id TEXT, user_name TEXT, valid_before INTEGER, rest {Bytes});
            CREATE INDEX by_user ON certificates (user_id, valid_before);
            CREATE INDEX by_name ON certificates (user_name, serial);
            CREATE INDEX by_end ON certificates (valid_before);
            CREATE TABLE audit (id INTEGER PRIMARY KEY, time INTEGER, "user" TEXT, entry {Bytes});
            CREATE INDEX by_time ON audit (time);
            CREATE INDEX audit_by_user ON audit ("user");
            """);
    }

    private string Bytes => database is NpgsqlConnection ? "BYTEA" : "BLOB";

    /// <summary>Returns how many certificates a second there are at best, and the processor time for one in µs.</summary>
    /// <param name="group">How many share a commit. The certificates of the group before are signed meanwhile; a single one is not.</param>
    /// <param name="length">How long this runs.</param>
    public (double PerSecond, double Cost) Round(int group, TimeSpan length)
    {
        using var process = Process.GetCurrentProcess();
        var (before, watch, made) = (process.TotalProcessorTime, Stopwatch.StartNew(), 0);
        for (; watch.Elapsed < length; made += group)
            if (group == 1)
            {
                Commit(1);
                Sign();
            }
            else
                Parallel.Invoke(() => Commit(group), () => Parallel.For(0, group, _ => Sign()));
        process.Refresh();
        return (made / watch.Elapsed.TotalSeconds, (process.TotalProcessorTime - before).TotalMicroseconds / made);
    }

    public void Dispose()
    {
        foreach (var command in prepared.Values)
            command.Dispose();
        database.Dispose();
        key.Dispose();
    }

    private void Commit(int group)
    {
        using var transaction = database.BeginTransaction();
        // To a server, all rows go at once.
        using var together = database.CanCreateBatch ? database.CreateBatch() : null;
        for (var last = rows + group; rows < last; rows++)
        {
            var (user, now) = (rows % Users, rows / 1000);
            Insert(transaction, together, InsertCertificate, rows, $"{user:00000000}-0000-0000-0000-000000000000", $"u{user}", now, certificate);
            Insert(transaction, together, InsertAudit, rows, now, $"u{user}", entry);
        }
        together?.ExecuteNonQuery();
        transaction.Commit();
    }

    private void Insert(DbTransaction transaction, DbBatch? together, string sql, params ReadOnlySpan<object> values)
    {
        if (together is null)
        {
            var command = Prepared(sql, values.Length);
            command.Transaction = transaction;
            for (var n = 0; n < values.Length; n++)
                command.Parameters[n].Value = values[n];
            command.ExecuteNonQuery();
            return;
        }
        var one = together.CreateBatchCommand();
        one.CommandText = sql;
        foreach (var value in values)
            one.Parameters.Add(new NpgsqlParameter { Value = value });
        together.BatchCommands.Add(one);
    }

    private void Sign()
    {
        var (algorithm, blob) = key.Sign(toBeSigned);
        if (!key.Made(toBeSigned, algorithm, blob))
            throw new CryptographicException("the signature is wrong");
    }

    private void Run(string sql)
    {
        using var command = database.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private DbCommand Prepared(string sql, int parameters)
    {
        if (prepared.TryGetValue(sql, out var known))
            return known;
        var command = prepared[sql] = database.CreateCommand();
        command.CommandText = sql;
        for (var n = 1; n <= parameters; n++)
            command.Parameters.Add(new SqliteParameter($"${n}", null));
        return command;
    }
}
