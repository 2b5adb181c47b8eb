using System.Collections.Concurrent;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>How far each sink of the audit is in this run, which is later than what is recorded, and what keeps it from going on.</summary>
internal sealed class AuditProgress
{
    private readonly ConcurrentDictionary<string, Progress> sinks = new(StringComparer.Ordinal);

    /// <summary>Notes that a sink has the entries up to a position.</summary>
    public void Reached(string sink, long position) => sinks[sink] = new Progress(position);

    /// <summary>Notes that a sink does not take entries.</summary>
    /// <param name="sink">Its name.</param>
    /// <param name="position">The number of the last entry that it has.</param>
    /// <param name="why">What went wrong.</param>
    /// <param name="now">The time; of several failures in a row, the first one counts.</param>
    /// <returns>Whether it took entries before.</returns>
    public bool Failed(string sink, long position, string why, DateTimeOffset now)
    {
        var since = sinks.TryGetValue(sink, out var before) ? before.FailingSince : null;
        sinks[sink] = new Progress(position, why, since ?? now);
        return since is null;
    }

    /// <summary>Returns the state of each sink that the configuration names; null if it names none.</summary>
    public AuditSinkStatus[]? Show(Snapshot snapshot)
    {
        var last = snapshot.LastAudit();
        AuditSinkStatus[] all =
        [
            .. snapshot.AuditSinks().Select(one =>
            {
                var (position, why, since) = sinks.GetValueOrDefault(one.Key) ?? new Progress(one.Value.Position);
                return new AuditSinkStatus(one.Key, Math.Max(0, last - position), why, since);
            }),
        ];
        return all is [] ? null : all;
    }

    private sealed record Progress(long Position, string? Failure = null, DateTimeOffset? FailingSince = null);
}
