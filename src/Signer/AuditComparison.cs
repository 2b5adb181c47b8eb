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
    /// <summary>
    /// How old a signature must be to be compared: the daemon records a certificate before it has it signed, so the audit that is read
    /// after this time has its entry.
    /// </summary>
    public static readonly TimeSpan Settled = TimeSpan.FromSeconds(10);

    /// <summary>Reads the lines of logs whose signatures were made in a period, with their digests.</summary>
    /// <param name="logs">The files with their names; a line that was cut short is passed over, because its signature never left.</param>
    /// <param name="since">The begin of the period; null for the begin of the log.</param>
    /// <param name="until">The end of the period.</param>
    /// <exception cref="ComparisonException">A complete line is none of the signer's.</exception>
    public static IReadOnlyList<(string Line, string Digest)> Signed(
        IEnumerable<(string Name, IEnumerable<string> Lines)> logs, DateTimeOffset? since, DateTimeOffset until)
    {
        var signed = new List<(string, string)>();
        foreach (var (name, lines) in logs)
            foreach (var (index, line) in lines.Index())
            {
                if (!line.EndsWith('}'))
                    continue;
                if (Members(line, "time", "digest") is not ([{ } time, { } digest]) || !Instants.TryParse(time, out var at))
                    throw new ComparisonException($"{name}:{index + 1}: this is no line of a signer's log");
                if ((since is null || at >= since) && at <= until)
                    signed.Add((line, digest));
            }
        return signed;
    }

    /// <summary>Reads the digests of the certificates in an audit.</summary>
    /// <param name="entries">Its entries, one on each line, as <c>tctl audit ls --format=jsonl</c> prints them.</param>
    /// <exception cref="ComparisonException">A line is no entry.</exception>
    public static async Task<IReadOnlySet<string>> Recorded(IAsyncEnumerable<string> entries)
    {
        var digests = new HashSet<string>(StringComparer.Ordinal);
        var number = 0;
        await foreach (var line in entries)
        {
            number++;
            if (line.Length == 0)
                continue;
            if (Members(line, "event", "digest") is not ([not null, var digest]))
                throw new ComparisonException($"line {number} of the audit is no entry; pass what tctl audit ls --format=jsonl prints");
            if (digest is not null)
                digests.Add(digest);
        }
        return digests;
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
