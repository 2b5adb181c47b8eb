using System.Buffers;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>An entry of the audit, byte for byte as it is stored.</summary>
/// <param name="Seq">Its number.</param>
/// <param name="Json">Its JSON, without the number.</param>
internal sealed record StoredEntry(long Seq, byte[] Json)
{
    /// <summary>Reads the entry; null if somebody spoilt it.</summary>
    public AuditEntry? Read()
    {
        try
        {
            return JsonSerializer.Deserialize(Json, ProtocolJson.Lenient.Of<AuditEntry>());
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Returns one line of JSON, without its end: the stored bytes, with the number as the first member. Bytes that are no entry are in it
    /// in base64, so that they cannot break the line.
    /// </summary>
    public byte[] Line() => IsOneLine()
        ? [.. System.Text.Encoding.ASCII.GetBytes($"{{\"seq\":{Seq},"), .. Json.AsSpan(1)]
        : System.Text.Encoding.ASCII.GetBytes($"{{\"seq\":{Seq},\"unreadable\":\"{Convert.ToBase64String(Json)}\"}}");

    // What the daemon writes has no line feed, and members.
    private bool IsOneLine()
    {
        if (Json is not [(byte)'{', (byte)'"', ..] || Json.AsSpan().ContainsAny(LineEnds))
            return false;
        try
        {
            var reader = new Utf8JsonReader(Json);
            reader.Read();
            return reader.TrySkip() && reader.TokenType == JsonTokenType.EndObject && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);
}
