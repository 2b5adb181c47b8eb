using System.Text;
using System.Text.Json;
using CertAuthority.Proofs;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Proves that the issuing of a certificate is in an archive of the audit, without the daemon.</summary>
internal static class ArchivedProof
{
    /// <summary>Finds the entry of a certificate and proves it, against the checkpoint of the archive.</summary>
    /// <exception cref="FailureException">The archive does not have it, or is no archive.</exception>
    public static async Task<EntryProven> Of(string serial, string directory, CancellationToken cancellation)
    {
        var log = new ExportedLog(directory);
        var last = await log.Last(cancellation);
        var size = last.Checkpoint.Size;
        var word = Encoding.UTF8.GetBytes($"\"{serial}\"");
        for (long number = 0; new TileId(0, number).WidthIn(size) is > 0 and var width; number++)
        {
            var entries = await log.Entries(number, width, cancellation) ?? [];
            for (var place = 0; place < entries.Count; place++)
                if (entries[place].AsSpan().IndexOf(word) >= 0 && IsIssuingOf(serial, entries[place]))
                    return Prove((number * TileId.Width) + place, entries[place]);
        }
        throw new FailureException($"{directory} has no certificate with the serial {serial}");

        EntryProven Prove(long index, byte[] entry)
        {
            try
            {
                var path = new Tree(size, tile => log.Read(tile, tile.WidthIn(size))).Inclusion(index);
                return new EntryProven(
                    index, Encoding.UTF8.GetString(entry), $"{new InclusionProof(index, path, last.Note)}", last.Signature,
                    last.Key.TrimEnd('\n'));
            }
            catch (MissingTileException missing)
            {
                throw new FailureException($"{directory}: {missing.Message}");
            }
        }
    }

    private static bool IsIssuingOf(string serial, byte[] entry)
    {
        try
        {
            return JsonSerializer.Deserialize(entry, ProtocolJson.Lenient.Of<AuditEntry>()) is { } read
                && read.Event == AuditEvents.CertificateIssued.Name && read.Serial == serial;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
