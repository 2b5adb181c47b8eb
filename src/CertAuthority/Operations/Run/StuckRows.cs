using System.Collections.Concurrent;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Does the same work for each of several rows, so that one that cannot be handled stops none of the others, and never a loop. Such a row
/// is named in the status for as long as it fails, and in the log when it begins to.
/// </summary>
/// <param name="log">Gets a line about each row that begins to fail.</param>
internal sealed class StuckRows(ILogger log)
{
    // By what is not done: the rows, each with the reason.
    private readonly ConcurrentDictionary<string, Dictionary<string, string>> stuck = new(StringComparer.Ordinal);

    /// <summary>One sentence for each row that could not be handled when it was tried last.</summary>
    public string[] All =>
    [
        .. stuck.OrderBy(one => one.Key, StringComparer.Ordinal)
            .SelectMany(one => one.Value.Select(row => $"{one.Key}: {row.Key}: {row.Value}")),
    ];

    /// <summary>Does the work for each row.</summary>
    /// <param name="undone">What is not done for a row that fails, in words for the status and the log.</param>
    /// <param name="rows">The rows. Those that are not among them any more do not fail any more.</param>
    /// <param name="name">The name of a row.</param>
    /// <param name="work">The work.</param>
    public async Task Each<T>(string undone, IReadOnlyCollection<T> rows, Func<T, string> name, Func<T, Task> work)
    {
        var (before, now) = (stuck.GetValueOrDefault(undone), new Dictionary<string, string>(StringComparer.Ordinal));
        foreach (var row in rows)
            try
            {
                await work(row);
            }
            // Whatever it is, it comes from this row, unless the rest would fail in the same way: a refusal, which the caller explains, the
            // disk, or the end of the daemon.
            catch (Exception e) when (e is not (OperationCanceledException or OutcomeUnknownException or ProblemException or IOException
                or UnauthorizedAccessException or Linux.ExposedException))
            {
                now[name(row)] = Printable.Escape(e.Message);
                if (before?.ContainsKey(name(row)) != true)
                    log.LogError(
                        e, "{Undone}: {Row}: {Why}; the others are not affected, and it is tried again", undone,
                        Printable.Escape(name(row)), now[name(row)]);
            }
        if (now.Count > 0)
            stuck[undone] = now;
        else
            stuck.TryRemove(undone, out _);
    }
}
