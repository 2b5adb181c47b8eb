using System.Globalization;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>What the server knows about the daemons that work on it, and about its standbys.</summary>
internal partial class Postgres
{
    // The lock that a daemon holds for as long as its connection exists says more than the time at which it wrote last.
    private static readonly string OnRecord =
        $"SELECT host, directory, version, since, seen, holder, leads, CASE WHEN leads THEN EXISTS ({PostgresLock.Leading.Holder}) "
            + $"ELSE EXISTS ({PostgresLock.Following("holder").Holder}) END AS connected, list, list_failure, list_failing_since, "
            + "realm FROM ("
            + "SELECT host, directory, version, since, seen, holder, TRUE AS leads, list, list_failure, list_failing_since, realm "
            + "FROM writer "
            + "UNION ALL SELECT host, directory, version, since, seen, holder, FALSE, list, list_failure, list_failing_since, realm "
            + "FROM followers) AS daemons ORDER BY leads DESC, since, host, directory";

    // What is not on the disk of a standby yet. One that confirms nothing keeps the delay of its last confirmation, so its silence counts.
    private const string OfStandbys =
        "SELECT application_name, sync_state, state, behind, CASE WHEN behind = 0 THEN 0 "
            + "ELSE greatest(extract(epoch FROM flush_lag), extract(epoch FROM clock_timestamp() - reply_time), 0) END::float8 FROM ("
            + "SELECT application_name, sync_state, state, reply_time, flush_lag, CASE WHEN pg_is_in_recovery() THEN NULL "
            + "ELSE greatest(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn), 0) END::bigint AS behind FROM pg_stat_replication "
            + "WHERE coalesce(application_name, '') NOT IN ('pg_basebackup', 'pg_receivewal')) AS standbys ORDER BY application_name";

    public override (DaemonOnRecord[] Daemons, ReplicationStatus Replication)? Daemons(Session reader)
    {
        var daemons = new List<DaemonOnRecord>();
        using (var row = reader.Bind(OnRecord).ExecuteReader())
            while (row.Read())
                daemons.Add(new DaemonOnRecord(
                    row.GetString(0),
                    row.GetString(1),
                    !row.GetBoolean(7) ? DaemonOnRecord.Gone : row.GetBoolean(6) ? DaemonOnRecord.Leads : DaemonOnRecord.Follows,
                    Instant(row.GetInt64(3)),
                    Instant(row.GetInt64(4)),
                    row.GetString(2) is { Length: > 0 } version ? version : null,
                    row.GetString(5) == Holder)
                {
                    List = row.GetInt64(8) is > 0 and var list ? list.ToString(CultureInfo.InvariantCulture) : null,
                    ListFailure = row.IsDBNull(9) ? null : row.GetString(9),
                    ListFailingSince = row.IsDBNull(10) ? null : Instant(row.GetInt64(10)),
                    Realm = row.IsDBNull(11) ? null : row.GetString(11),
                });
        return ([.. daemons], Replication(reader));
    }

    public override bool HasRealm(Session reader, string name) =>
        reader.Bind("SELECT 1 FROM realms WHERE name = $1", name).ExecuteScalar() is not null;

    public override bool IsFollowed(Session reader) => (bool)reader.Bind(
        $"SELECT EXISTS (SELECT 1 FROM followers WHERE EXISTS ({PostgresLock.Following("holder").Holder}))").ExecuteScalar()!;

    public override string RecordsList =>
        $"UPDATE {OwnTable} SET list = $1, list_failure = $2, list_failing_since = $3 WHERE holder = '{Holder}'";

    private static ReplicationStatus Replication(Session reader)
    {
        var waits = (string)reader.Bind("SELECT current_setting('synchronous_standby_names')").ExecuteScalar()! is not "";
        var mayRead = (bool)reader.Bind("SELECT pg_has_role('pg_read_all_stats', 'USAGE')").ExecuteScalar()!;
        var standbys = new List<StandbyStatus>();
        var connected = 0;
        using (var row = reader.Bind(OfStandbys).ExecuteReader())
            for (; row.Read(); connected++)
                if (mayRead && !row.IsDBNull(2) && !row.IsDBNull(3))
                    standbys.Add(new StandbyStatus(
                        row.GetString(0), row.GetString(1), row.GetString(2), row.GetInt64(3), Math.Round(row.GetDouble(4), 3)));
        var account = mayRead ? null : (string)reader.Bind("SELECT quote_ident(current_user)").ExecuteScalar()!;
        return new ReplicationStatus(
            waits, connected, mayRead ? [.. standbys] : null, account is null ? null : $"GRANT pg_read_all_stats TO {account}");
    }

    // Zero is from a daemon of an earlier version.
    private static DateTimeOffset? Instant(long seconds) => seconds > 0 ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
}
