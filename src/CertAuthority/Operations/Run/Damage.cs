using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Finds the rows that cannot be read. It reads what the daemon works with when somebody asks, but not so often that it takes more than a
/// tenth of the time; what is over is read once in each run, in the background.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="resources">The tables of all kinds of resources.</param>
/// <param name="clock">Measures how long reading takes.</param>
internal sealed class Damage(Database database, IReadOnlyList<ResourceTable> resources, TimeProvider clock)
{
    private readonly Lock reading = new();
    private readonly SortedSet<string> ofHistory = new(StringComparer.Ordinal);
    private SortedSet<string> present = new(StringComparer.Ordinal);
    private long last;
    private TimeSpan? took;

    /// <summary>How many times the rows were read that the daemon works with.</summary>
    public int Readings { get; private set; }

    /// <summary>Returns one sentence for each row that cannot be read.</summary>
    /// <exception cref="Protocol.ProblemException">Unavailable: the file cannot be opened or read now.</exception>
    public string[] Find(DateTimeOffset now)
    {
        lock (reading)
        {
            if (took is not { } before || clock.GetElapsedTime(last) >= 10 * before)
            {
                var begun = clock.GetTimestamp();
                present = database.Inspect(inspection =>
                {
                    foreach (var table in resources)
                        table.Inspect(inspection);
                    inspection.ReadDecisive(now);
                    _ = (inspection.HostCertificates(), inspection.NodeSyncs(), inspection.Receivers(), inspection.Waiting());
                    return new SortedSet<string>(inspection.Damaged, StringComparer.Ordinal);
                });
                last = clock.GetTimestamp();
                took = clock.GetElapsedTime(begun, last);
                Readings++;
            }
            return [.. present.Union(ofHistory).Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Reads the next rows of what is over.</summary>
    /// <returns>The place where they end, null after the last one; and a sentence for each row that cannot be read.</returns>
    /// <exception cref="Protocol.ProblemException">Unavailable: the file cannot be opened or read now.</exception>
    public (HistoryPlace? Next, string[] Damaged) FindInHistory(HistoryPlace after)
    {
        var (next, damaged) = database.Inspect(inspection => (inspection.InspectHistory(after), inspection.Damaged.ToArray()));
        lock (reading)
            ofHistory.UnionWith(damaged);
        return (next, damaged);
    }
}
