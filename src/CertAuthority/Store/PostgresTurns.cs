using System.Data.Common;
using System.Diagnostics;
using Npgsql;

namespace CertAuthority.Store;

/// <summary>Which daemon leads, and how long others wait for it.</summary>
internal partial class Postgres
{
    private static readonly TimeSpan UntilNoticed = TimeSpan.FromSeconds(1);

    // After a kill, the server notices in this time that the connection of the former daemon is gone.
    private static readonly TimeSpan UntilFree = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan BetweenTurns = TimeSpan.FromMilliseconds(300);

    // A daemon that was paused, or whose machine is gone, leads for this long, and keeps others from writing for half of it. A change never
    // computes for as long without a statement.
    private const string Silence = "SET idle_session_timeout = '6s'; SET idle_in_transaction_session_timeout = '3s'";

    // The start of a large installation takes this long; after it, the daemon writes every two seconds.
    private const string SilenceOfStart = "SET idle_session_timeout = '60s'; SET idle_in_transaction_session_timeout = '3s'";

    public override bool TryTakeTurn()
    {
        NpgsqlConnection? connection = Open();
        try
        {
            // The server may not have noticed yet that the last run of this daemon was killed.
            for (var begun = Stopwatch.GetTimestamp(); !PostgresLock.Leading.TryTake(connection); Thread.Sleep(BetweenAttempts))
                if (Stopwatch.GetElapsedTime(begun) > UntilNoticed)
                    return false;
            connection.Run(SilenceOfStart);
            (inTurn, connection) = (connection, null);
            return true;
        }
        finally
        {
            connection?.Dispose();
        }
    }

    public override async Task TakeTurn(Func<string?> obstacle, Action<string> waiting, CancellationToken stopping)
    {
        var told = "";
        for (; ; await Task.Delay(BetweenTurns, stopping))
        {
            NpgsqlConnection? connection = null;
            try
            {
                connection = Open();
                while (!HasTurn(connection))
                {
                    PostgresRealms.Expect(connection, Name, realm);
                    if (obstacle() is null)
                        Tell($"{Taken(connection)}; this one follows, and leads when that one ends");
                    await Task.Delay(BetweenTurns, stopping);
                }
                connection.Run(SilenceOfStart);
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

        bool HasTurn(NpgsqlConnection connection)
        {
            if (obstacle() is not null || !PostgresLock.Leading.TryTake(connection))
                return false;
            // What was so before may have changed with the last act of the daemon that led.
            if (obstacle() is null)
                return true;
            PostgresLock.Leading.Release(connection);
            return false;
        }

        void Tell(string what)
        {
            if (what != told)
                waiting(told = what);
        }
    }

    /// <summary>Makes this connection the only one of this daemon that writes, for as long as it exists.</summary>
    private void TakeLock(NpgsqlConnection connection)
    {
        var begun = Stopwatch.GetTimestamp();
        while (!OwnLock.TryTake(connection))
        {
            // The server may not have noticed yet that this daemon's former connection is lost.
            connection.Scalar(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = current_setting('application_name') AND pid IN "
                    + $"({OwnLock.Holder})");
            if (Stopwatch.GetElapsedTime(begun) > UntilFree)
            {
                var other = $"{Taken(connection)}; stop it, or name another database";
                throw server is null ? new StoreException(other) : new TakenOverException(other);
            }
            Thread.Sleep(BetweenAttempts);
        }
        connection.Run(hasStarted ? Silence : SilenceOfStart);
    }

    private string Taken(NpgsqlConnection connection) => $"another certauthority works on {Name}: " + connection.Scalar(
        "SELECT coalesce(string_agg('server process ' || pid || coalesce(', connected from ' || host(client_addr), '') "
            + "|| coalesce(' since ' || to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC', ''), '; '), 'it has just ended') "
            + "FROM pg_stat_activity WHERE pid IN "
            + $"({PostgresLock.Leading.Holder})");
}
