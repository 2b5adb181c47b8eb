using CertAuthority.Access.Nodes;
using CertAuthority.Configuration;
using CertAuthority.Keys;
using CertAuthority.Operations;
using CertAuthority.Protocol;
using CertAuthority.Signing;

namespace CertAuthority.Jobs;

/// <summary>
/// Reads what hosts that ask to join leave in <c>reports_dir</c>. Others can write there, so each round has a bound, a request counts only
/// with a signature and a token or a known key, and everything else is a line in the log.
/// </summary>
/// <param name="ca">The authority that operations work on.</param>
/// <param name="settings">The directory.</param>
/// <param name="log">Gets a line about each request that does not count, once, and about the first few only.</param>
internal sealed class JoinRound(CurrentAuthority ca, CurrentSettings settings, ILogger log) : Periodic(TimeSpan.FromSeconds(5), ca.Clock)
{
    private const int MostNames = 10_000;
    private const int MostFiles = 100;
    private const int MostLines = 10;

    // By file: its time when it was read last.
    private Dictionary<string, DateTime> read = new(StringComparer.Ordinal);

    // By the ID of its node, when a host whose certificate could not be signed is tried again.
    private readonly Dictionary<Guid, DateTimeOffset> notBefore = [];

    protected override bool StartsAtOnce => true;

    protected override void Failed(Exception error) =>
        log.LogWarning("hosts cannot join now, and it is tried again: {Why}", Printable.Escape(error.Message));

    protected internal override async Task Once(CancellationToken stopping)
    {
        var now = ca.Now;
        foreach (var (name, why) in await Joins.GoOn(now, notBefore))
            log.LogWarning("{Node} was admitted, and its certificate cannot be signed: {Why}", name, Printable.Escape(why));
        if (settings.Now.Settings.ReportsDirectory is not { } directory || !Directory.Exists(directory))
            return;
        var (files, lines) = (0, 0);
        var present = new Dictionary<string, DateTime>(StringComparer.Ordinal);
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles($"{JoinRequest.Prefix}*").Take(MostNames))
        {
            var changed = LeftFile.Changed(file);
            if (read.TryGetValue(file.Name, out var before) && before == changed)
                present[file.Name] = before;
            else if (files++ < MostFiles)
            {
                present[file.Name] = changed;
                if (await LeftFile.Take(file, left => Judge(now, file, left)) is { } fault && lines++ < MostLines)
                    log.LogWarning(
                        "the request {File} to join does not count: {Why}", Printable.Escape(file.FullName), Printable.Escape(fault));
            }
        }
        if (lines > MostLines)
            log.LogWarning("{Count} more requests to join do not count; who can write to {Directory}?", lines - MostLines, directory);
        read = present;
    }

    /// <returns>Why the request does not count; null if it does.</returns>
    private static async Task<string?> Judge(Authority ca, FileInfo file, LeftFile left)
    {
        if (left.Signature is not { } signature || JoinRequest.Parse(left.Text, Joins.HashOf) is not { } request
            || file.Name != JoinRequest.Prefix + request.Name)
            return "it is malformed, or of another name";
        if (request.Key != signature.Key.ToString().TrimEnd() || ca.Keys.Owns(signature.Key) is not null)
            return "it was not signed by the host key that it names";
        if (MessageSignature.Fault(signature, JoinRequest.Purpose, left.Signed) is not null)
            return "its signature does not fit";
        return await Joins.Take(ca, request, Fingerprint.Compute(signature.Key));
    }
}
