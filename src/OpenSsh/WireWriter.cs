using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace CertAuthority.OpenSsh;

/// <summary>
/// Writes the data types of RFC 4251 section 5. Calls can be chained, so that an encoder reads line by line like its list of fields.
/// </summary>
public sealed class WireWriter
{
    private readonly ArrayBufferWriter<byte> buffer = new();

    /// <summary>The number of bytes written so far.</summary>
    public int Length => buffer.WrittenCount;

    /// <summary>Writes a <c>byte</c>.</summary>
    public WireWriter Byte(byte value) => Raw([value]);

    /// <summary>Writes a <c>uint32</c>, big-endian.</summary>
    public WireWriter UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(buffer.GetSpan(sizeof(uint)), value);
        buffer.Advance(sizeof(uint));
        return this;
    }

    /// <summary>Writes a <c>uint64</c>, big-endian.</summary>
    public WireWriter UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(buffer.GetSpan(sizeof(ulong)), value);
        buffer.Advance(sizeof(ulong));
        return this;
    }

    /// <summary>Writes a <c>string</c>: a uint32 length and the bytes.</summary>
    public WireWriter String(ReadOnlySpan<byte> value) => UInt32((uint)value.Length).Raw(value);

    /// <summary>Writes a <c>string</c> of UTF-8 text.</summary>
    public WireWriter String(string value) => String(Encoding.UTF8.GetBytes(value));

    /// <summary>Writes a <c>string</c> that contains the fields written to <paramref name="nested"/>.</summary>
    public WireWriter String(WireWriter nested) => String(nested.buffer.WrittenSpan);

    /// <summary>Writes a non-negative <c>mpint</c>.</summary>
    /// <param name="magnitude">
    /// The magnitude, big-endian. Leading zeros are dropped, and one is added if the first bit would mean a sign.
    /// </param>
    public WireWriter MpInt(ReadOnlySpan<byte> magnitude)
    {
        magnitude = magnitude.TrimStart((byte)0);
        return magnitude is [>= 0x80, ..] ? UInt32((uint)magnitude.Length + 1).Byte(0).Raw(magnitude) : String(magnitude);
    }

    /// <summary>Writes bytes unchanged: fields that are encoded already, or a magic number.</summary>
    public WireWriter Raw(ReadOnlySpan<byte> encoded)
    {
        buffer.Write(encoded);
        return this;
    }

    /// <summary>Returns a copy of everything written.</summary>
    public byte[] ToArray() => buffer.WrittenSpan.ToArray();
}
