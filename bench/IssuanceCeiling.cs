using System.Diagnostics;
using System.Security.Cryptography;
using CertAuthority.Keys;
using Microsoft.Data.Sqlite;

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

    private readonly SqliteConnection database;
    private readonly SqliteCommand insertCertificate;
    private readonly SqliteCommand insertAudit;
    private readonly Ed25519PrivateKey key = Ed25519PrivateKey.New();
    private readonly byte[] toBeSigned = RandomNumberGenerator.GetBytes(400);
    private int rows;

    public IssuanceCeiling(string directory)
    {
        database = new SqliteConnection($"Data Source={Path.Combine(directory, "ceiling.db")};Pooling=False");
        database.Open();
        Run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        Run(
            """
            CREATE TABLE certificates (serial INTEGER PRIMARY KEY, user_id TEXT, user_name TEXT, valid_before INTEGER, rest BLOB);
            CREATE INDEX by_user ON certificates (user_id, valid_before);
            CREATE INDEX by_name ON certificates (user_name, serial);
            CREATE INDEX by_end ON certificates (valid_before);
            CREATE TABLE audit (id INTEGER PRIMARY KEY, time INTEGER, user TEXT, entry BLOB);
            CREATE INDEX by_time ON audit (time);
            CREATE INDEX audit_by_user ON audit (user);
            """);
        insertCertificate = Prepare("INSERT INTO certificates (user_id, user_name, valid_before, rest) VALUES ($1, $2, $3, $4)", 4);
        insertAudit = Prepare("INSERT INTO audit (time, user, entry) VALUES ($1, $2, $3)", 3);
        insertCertificate.Parameters[3].Value = RandomNumberGenerator.GetBytes(CertificateRow);
        insertAudit.Parameters[2].Value = RandomNumberGenerator.GetBytes(AuditRow);
    }

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
        insertCertificate.Dispose();
        insertAudit.Dispose();
        database.Dispose();
        key.Dispose();
    }

    private void Commit(int group)
    {
        using var transaction = database.BeginTransaction();
        (insertCertificate.Transaction, insertAudit.Transaction) = (transaction, transaction);
        for (var last = rows + group; rows < last; rows++)
        {
            var (user, now) = (rows % Users, rows / 1000);
            insertCertificate.Parameters[0].Value = $"{user:00000000}-0000-0000-0000-000000000000";
            insertCertificate.Parameters[1].Value = $"u{user}";
            insertCertificate.Parameters[2].Value = now;
            insertCertificate.ExecuteNonQuery();
            insertAudit.Parameters[0].Value = now;
            insertAudit.Parameters[1].Value = $"u{user}";
            insertAudit.ExecuteNonQuery();
        }
        transaction.Commit();
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

    private SqliteCommand Prepare(string sql, int parameters)
    {
        var command = database.CreateCommand();
        command.CommandText = sql;
        for (var n = 1; n <= parameters; n++)
            command.Parameters.Add(new SqliteParameter($"${n}", null));
        return command;
    }
}
