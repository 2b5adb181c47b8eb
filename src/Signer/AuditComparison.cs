using System.Text.Json;
using CertAuthority.Access.Values;

namespace CertAuthority.Signer;

/// <summary>What cannot be compared. The message says where and why.</summary>
internal sealed class ComparisonException(string message) : Exception(message);

/// <summary>
/// Compares what the signer signed with what the daemon has on record. A signature that the audit does not know was not asked for by the
/// daemon's own code: somebody else had the daemon's account.
/// </summary>
internal static class AuditComparison
{
    // An entry is that much older than the signature at most.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(10);

    /// <summary>Reads the lines of logs whose signatures were made in a period, with their digests.</summary>
    /// <param name="logs">The files with their names; a line that was cut short is passed over, because its signature never left.</param>
    /// <param name="since">The begin of the audit, if it is only a part; null for the begin of the log.</param>
    /// <param name="last">
    /// The time of the last entry of the audit. The daemon records a certificate before it has it signed, so an earlier signature has its
    /// entry before that one. Of a later one, nothing can be said yet.
    /// </param>
    /// <returns>The lines, and how many signatures are later.</returns>
    /// <exception cref="ComparisonException">A complete line is none of the signer's.</exception>
    public static (IReadOnlyList<(string Line, string Digest)> Signed, int Later) Signed(
        IEnumerable<(string Name, IEnumerable<string> Lines)> logs, DateTimeOffset? since, DateTimeOffset last)
    {
        var (signed, later) = (new List<(string, string)>(), 0);
        foreach (var (name, lines) in logs)
            foreach (var (index, line) in lines.Index())
            {
                if (!line.EndsWith('}'))
                    continue;
                if (Members(line, "time", "digest") is not ([{ } time, { } digest]) || !Instants.TryParse(time, out var at))
                    throw new ComparisonException($"{name}:{index + 1}: this is no line of a signer's log");
                if (at - since <= Slack)
                    continue;
                // Both are in whole seconds.
                if (at < last)
                    signed.Add((line, digest));
                else
                    later++;
            }
        return (signed, later);
    }

    /// <summary>Reads the digests of the certificates in an audit, and the time of its last entry.</summary>
    /// <param name="entries">Its entries, one on each line, as <c>tctl audit ls --format=jsonl</c> prints them, in any order.</param>
    /// <exception cref="ComparisonException">A line is no entry, or there is none.</exception>
    public static async Task<(IReadOnlySet<string> Digests, DateTimeOffset Last)> Recorded(IAsyncEnumerable<string> entries)
    {
        var (digests, last) = (new HashSet<string>(StringComparer.Ordinal), default(DateTimeOffset));
        var number = 0;
        await foreach (var line in entries)
        {
            number++;
            if (line.Length == 0)
                continue;
            if (Members(line, "event", "time", "digest") is not ([not null, { } time, var digest]) || !Instants.TryParse(time, out var at))
                throw new ComparisonException($"line {number} of the audit is no entry; pass what tctl audit ls --format=jsonl prints");
            if (digest is not null)
                digests.Add(digest);
            last = at > last ? at : last;
        }
        return last == default
            ? throw new ComparisonException("the audit on standard input is empty, so nothing was compared; see whether tctl audit ls failed")
            : (digests, last);
    }

    /// <summary>Returns the texts of members of an object; null for one that is missing. Null if the line is no object.</summary>
    private static string?[]? Members(string line, params string[] names)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.ValueKind != JsonValueKind.Object
                ? null
                : [
                    .. names.Select(name => json.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
                        ? value.GetString()
                        : null),
                ];
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
