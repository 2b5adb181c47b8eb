using Npgsql;

namespace CertAuthority.Store;

/// <summary>Which server it is: a promotion or a restore begins another timeline, a copy elsewhere has another identifier.</summary>
internal sealed record ServerIdentity(string System, string Timeline);

/// <summary>What became of the server since a daemon wrote on it last.</summary>
internal enum ServerHistory
{
    /// <summary>It is the same one.</summary>
    Same,

    /// <summary>It is a standby that was promoted, and has everything that was acknowledged.</summary>
    Promoted,

    /// <summary>It is a standby that was promoted, and the last moments may be missing, which the operator accepts.</summary>
    Shortened,

    /// <summary>It was restored or replaced, or has lost something, or nobody can tell.</summary>
    Lost,
}

/// <summary>What the database says of the server on which it was last written.</summary>
/// <param name="Server">The server.</param>
/// <param name="Leader">The run of the daemon that led.</param>
/// <param name="Total">How many batches there were.</param>
/// <param name="Kept">
/// How many of those that the daemon knows of are certainly here: as many as there were when the server left the timeline of which it
/// knows.
/// </param>
/// <param name="Last">When the last one was, in Unix seconds.</param>
/// <param name="HasWaited">Whether the server waited for a standby then.</param>
/// <param name="Now">What time it is, by the same clock.</param>
internal sealed record RecordedServer(
    ServerIdentity Server, string Leader, long Total, long Kept, long Last, bool HasWaited, long Now)
{
    /// <summary>Reads it; null if no daemon has worked on the database.</summary>
    /// <param name="connection">A connection, in a transaction in which no other batch is written.</param>
    /// <param name="known">The last batch that the daemon knows of.</param>
    public static RecordedServer? Read(NpgsqlConnection connection, SeenBatch? known)
    {
        using var command = connection.CreateCommand();
        command.CommandText =
            """
            SELECT system, timeline, holder, total,
                coalesce((SELECT min(t.total) FROM timelines t WHERE t.system = writer.system AND t.timeline > $1), total),
                last, waits, extract(epoch FROM clock_timestamp())::bigint
            FROM writer
            """;
        command.Parameters.Add(new NpgsqlParameter { Value = known?.Timeline ?? "" });
        using var row = command.ExecuteReader();
        return row.Read()
            ? new RecordedServer(
                new ServerIdentity(row.GetString(0), row.GetString(1)), row.GetString(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5),
                row.GetBoolean(6), row.GetInt64(7))
            : null;
    }

    /// <summary>Returns whether the server has certainly lost a batch that the daemon knows of.</summary>
    public bool HasLost(ServerIdentity now, SeenBatch? known) => known is not null && known.System == now.System && known.Total > Kept;

    /// <summary>Decides what became of the server. Only what is certain counts: otherwise, something is lost.</summary>
    /// <param name="now">The server as it is.</param>
    /// <param name="known">The last batch that the daemon knows of; null for none.</param>
    /// <param name="allowsAsync">Whether the operator accepts that a promotion loses the last moments.</param>
    public ServerHistory Judge(ServerIdentity now, SeenBatch? known, bool allowsAsync)
    {
        if (Server.System != now.System)
            return ServerHistory.Lost;
        var hasLost = HasLost(now, known);
        if (!hasLost && Server.Timeline == now.Timeline)
            return ServerHistory.Same;
        if (known is null || known.System != now.System || Now - Last > Recent)
            return ServerHistory.Lost;
        // The daemon saw the last batch that is here, so no other one led or wrote for long without it.
        var sawLast = Last - known.Last <= Blind && known.Leader == Leader;
        if (!hasLost && HasWaited && sawLast)
            return ServerHistory.Promoted;
        return allowsAsync && Math.Abs(Last - known.Last) <= Shortening ? ServerHistory.Shortened : ServerHistory.Lost;
    }

    // Seconds. Whoever promotes a server does so soon; a restore to a moment is mostly of an older one.
    private const long Recent = 3600;

    // Each daemon writes every two seconds, and so sees what the others have written.
    private const long Blind = 5;

    // A standby that is further behind than this is no failover, but a restore.
    private const long Shortening = 60;
}
