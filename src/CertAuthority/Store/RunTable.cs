using System.Security.Cryptography;
using CertAuthority.Access.Nodes;

namespace CertAuthority.Store;

/// <summary>The table of the installation and of the daemon's runs.</summary>
internal static class RunTable
{
    // Each takes about 20 bytes in every list. Older runs can be told apart only by the version.
    private const int MostPast = 500;

    /// <summary>Begins a run: the origin that this process's revocation lists name.</summary>
    /// <param name="transaction">The first transaction of a start, after a restore has moved the versions.</param>
    /// <param name="isRestored">
    /// Whether everything that earlier runs issued was just revoked, so that any of their lists may be replaced.
    /// </param>
    public static ListOrigin BeginRun(this Transaction transaction, bool isRestored)
    {
        var last = transaction.LastKrlVersion();
        if (isRestored)
        {
            transaction.Execute("DELETE FROM runs");
            transaction.Execute("INSERT INTO runs (id, last_version) VALUES ($1, $2)", ListOrigin.AnyRun, last);
        }
        transaction.Execute("UPDATE runs SET last_version = $1 WHERE last_version IS NULL", last);
        var run = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        var number = transaction.QueryFirst("INSERT INTO runs (id) VALUES ($1) RETURNING number", row => row.Long("number"), run);
        transaction.Execute("DELETE FROM runs WHERE number < $1", number - MostPast);
        transaction.Execute("UPDATE runs SET id = $1 WHERE number = $2", ListOrigin.AnyRun, number - MostPast);
        return new ListOrigin(
            transaction.Installation(),
            run,
            [
                .. transaction.Query(
                    "SELECT id, last_version FROM runs WHERE last_version IS NOT NULL ORDER BY number",
                    row => new PastRun(row.String("id"), (ulong)row.Long("last_version")))]);
    }

    /// <summary>Returns the ID of the installation, in sixteen hexadecimal digits. A copy of the database has the same.</summary>
    public static string Installation(this Snapshot snapshot) =>
        snapshot.QueryFirst("SELECT id FROM installation", row => row.GetString(0))!;

    /// <summary>Returns the last run that served, this one or an earlier one; null if that was not recorded.</summary>
    public static ServedRun? LastServed(this Snapshot snapshot) => snapshot.QueryFirst(
        "SELECT started, stopped, settings FROM runs WHERE started IS NOT NULL ORDER BY number DESC LIMIT 1",
        row => new ServedRun(row.Time("started"), row.IsNull("stopped") ? null : row.Time("stopped"), row.Text("settings")));

    /// <summary>Records that the current run begins to serve.</summary>
    public static void RecordServing(this Transaction transaction, DateTimeOffset now, string settings) =>
        transaction.Execute("UPDATE runs SET started = $1, settings = $2 WHERE number = (SELECT max(number) FROM runs)", now, settings);

    /// <summary>Records the settings under which the current run serves from now on.</summary>
    public static void RecordSettings(this Transaction transaction, string settings) =>
        transaction.Execute("UPDATE runs SET settings = $1 WHERE number = (SELECT max(number) FROM runs)", settings);

    /// <summary>Records that the current run stops in order.</summary>
    public static void RecordStop(this Transaction transaction, DateTimeOffset now) =>
        transaction.Execute("UPDATE runs SET stopped = $1 WHERE number = (SELECT max(number) FROM runs)", now);
}

/// <summary>A run of the daemon that served.</summary>
/// <param name="Started">When the run began.</param>
/// <param name="Stopped">When it stopped in order; null if it did not.</param>
/// <param name="Settings">Its settings, as JSON.</param>
internal sealed record ServedRun(DateTimeOffset Started, DateTimeOffset? Stopped, string? Settings);
