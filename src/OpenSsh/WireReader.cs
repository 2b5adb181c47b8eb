using System.Buffers.Binary;
using System.Text;

namespace CertAuthority.OpenSsh;

/// <summary>Reads the data types of RFC 4251 section 5 from untrusted bytes.</summary>
/// <remarks>
/// Each read names its field, for the error message. It returns a whole value, or throws <see cref="SshFormatException"/> and leaves
/// <see cref="Position"/> unchanged. A length is accepted only if that many bytes are left, so no read allocates more.
/// </remarks>
public ref struct WireReader
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> bytes;
    private readonly int origin;

    /// <summary>Starts at the first of <paramref name="bytes"/>.</summary>
    public WireReader(ReadOnlySpan<byte> bytes)
        : this(bytes, origin: 0)
    {
    }

    private WireReader(ReadOnlySpan<byte> bytes, int origin)
    {
        this.bytes = bytes;
        this.origin = origin;
    }

    /// <summary>The number of bytes read so far.</summary>
    public int Position { get; private set; }

    /// <summary>Whether every byte has been read.</summary>
    public readonly bool AtEnd => Position == bytes.Length;

    /// <summary>Reads a <c>byte</c>.</summary>
    /// <exception cref="SshFormatException">There is no byte left.</exception>
    public byte Byte(string field) => Take(1, field)[0];

    /// <summary>Reads a <c>uint32</c>, big-endian.</summary>
    /// <exception cref="SshFormatException">Fewer than 4 bytes are left.</exception>
    public uint UInt32(string field) => BinaryPrimitives.ReadUInt32BigEndian(Take(4, field));

    /// <summary>Reads a <c>uint64</c>, big-endian.</summary>
    /// <exception cref="SshFormatException">Fewer than 8 bytes are left.</exception>
    public ulong UInt64(string field) => BinaryPrimitives.ReadUInt64BigEndian(Take(8, field));

    /// <summary>Reads bytes that have no length in front, such as a magic number.</summary>
    /// <exception cref="SshFormatException">Fewer than <paramref name="count"/> bytes are left.</exception>
    public ReadOnlySpan<byte> Raw(int count, string field) => Take(count, field);

    /// <summary>
    /// Reads a <c>string</c>: a uint32 length and that many bytes of any value. The span is valid as long as the bytes being read.
    /// </summary>
    /// <exception cref="SshFormatException">Fewer bytes are left than the length says.</exception>
    public ReadOnlySpan<byte> String(string field) => Pass(PeekString(field));

    /// <summary>Reads a <c>string</c> of exactly <paramref name="length"/> bytes.</summary>
    /// <exception cref="SshFormatException">It is cut short, or has another length.</exception>
    public ReadOnlySpan<byte> String(int length, string field)
    {
        var content = PeekString(field);
        return content.Length == length ? Pass(content) : throw Fault($"{field} is {content.Length} bytes long, not {length}");
    }

    /// <summary>Returns a reader for the fields inside a <c>string</c>. Its messages count bytes from the outermost start.</summary>
    /// <exception cref="SshFormatException">Fewer bytes are left than the length says.</exception>
    public WireReader Nested(string field)
    {
        var content = PeekString(field);
        var nested = new WireReader(content, origin + Position + sizeof(uint));
        Pass(content);
        return nested;
    }

    /// <summary>
    /// Reads a <c>string</c> that contains a name of RFC 4250 section 4.6.1: 1 to 64 printable ASCII characters, no blank, no comma.
    /// </summary>
    /// <exception cref="SshFormatException">It is cut short, or not such a name.</exception>
    public string Name(string field)
    {
        var content = PeekString(field);
        if (content.Length is 0 or > 64 || content.ContainsAnyExceptInRange((byte)'!', (byte)'~') || content.Contains((byte)','))
            throw Fault($"{field} is not a name of 1 to 64 printable characters");
        return Encoding.ASCII.GetString(Pass(content));
    }

    /// <summary>Reads a <c>string</c> of UTF-8 without NUL, which C programs can read completely.</summary>
    /// <exception cref="SshFormatException">It is cut short, is not UTF-8, or contains a NUL.</exception>
    public string Utf8(string field)
    {
        var content = PeekString(field);
        if (content.Contains((byte)0))
            throw Fault($"{field} has a NUL in it");
        try
        {
            var text = StrictUtf8.GetString(content);
            Pass(content);
            return text;
        }
        catch (DecoderFallbackException)
        {
            throw Fault($"{field} is not utf-8");
        }
    }

    /// <summary>Reads a non-negative <c>mpint</c> and returns its magnitude, big-endian, without a leading zero; empty for 0.</summary>
    /// <exception cref="SshFormatException">It is cut short, negative, or longer than it must be.</exception>
    public ReadOnlySpan<byte> MpInt(string field)
    {
        var content = PeekString(field);
        // "Unnecessary leading bytes with the value 0 or 255 MUST NOT be included": a zero leads only where the next bit would mean a sign.
        if (content is [>= 0x80, ..])
            throw Fault($"{field} is negative");
        if (content is [0] or [0, < 0x80, ..])
            throw Fault($"{field} has a leading zero it does not need");
        Pass(content);
        return content is [0, ..] ? content[1..] : content;
    }

    /// <summary>Throws if bytes follow the last field.</summary>
    /// <param name="what">The item that should have ended here, as it appears in the message.</param>
    /// <exception cref="SshFormatException">Bytes are left.</exception>
    public readonly void ExpectEnd(string what)
    {
        if (!AtEnd)
            throw Fault($"{what} is followed by {bytes.Length - Position} bytes that do not belong to it");
    }

    private ReadOnlySpan<byte> Take(int count, string field)
    {
        var left = bytes[Position..];
        if (left.Length < count)
            throw Fault($"{field} needs {count} bytes, {left.Length} are left");
        Position += count;
        return left[..count];
    }

    private readonly ReadOnlySpan<byte> PeekString(string field)
    {
        var left = bytes[Position..];
        if (!BinaryPrimitives.TryReadUInt32BigEndian(left, out var length))
            throw Fault($"the length of {field} needs 4 bytes, {left.Length} are left");
        left = left[sizeof(uint)..];
        return length <= left.Length ? left[..(int)length] : throw Fault($"{field} needs {length} bytes, {left.Length} are left");
    }

    private ReadOnlySpan<byte> Pass(ReadOnlySpan<byte> content)
    {
        Position += sizeof(uint) + content.Length;
        return content;
    }

    private readonly SshFormatException Fault(string what) => new($"{what} (at byte {origin + Position})");
}
