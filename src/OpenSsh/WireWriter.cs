using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace CertAuthority.OpenSsh;

/// <summary>
/// Writes the data types of RFC 4251 section 5. Calls chain, so that an encoder stands line by line beside its field list.
/// </summary>
public sealed class WireWriter
{
    private readonly ArrayBufferWriter<byte> buffer = new(initialCapacity: 512);

    /// <summary>Bytes written so far.</summary>
    public int Length => buffer.WrittenCount;

    /// <summary><c>byte</c>.</summary>
    public WireWriter Byte(byte value) => Raw([value]);

    /// <summary><c>uint32</c>, big-endian.</summary>
    public WireWriter UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(buffer.GetSpan(sizeof(uint)), value);
        buffer.Advance(sizeof(uint));
        return this;
    }

    /// <summary><c>uint64</c>, big-endian.</summary>
    public WireWriter UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(buffer.GetSpan(sizeof(ulong)), value);
        buffer.Advance(sizeof(ulong));
        return this;
    }

    /// <summary><c>string</c>: a uint32 length and the bytes.</summary>
    public WireWriter String(ReadOnlySpan<byte> value) => UInt32((uint)value.Length).Raw(value);

    /// <summary><c>string</c> of UTF-8 text.</summary>
    public WireWriter String(string value) => String(Encoding.UTF8.GetBytes(value));

    /// <summary><c>string</c> that holds the fields written to <paramref name="nested"/>.</summary>
    public WireWriter String(WireWriter nested) => String(nested.buffer.WrittenSpan);

    /// <summary><c>mpint</c>, not negative.</summary>
    /// <param name="magnitude">Big-endian. Leading zeros are dropped, and one is added where the first bit would mean a sign.</param>
    public WireWriter MpInt(ReadOnlySpan<byte> magnitude)
    {
        magnitude = magnitude.TrimStart((byte)0);
        return magnitude is [>= 0x80, ..] ? UInt32((uint)magnitude.Length + 1).Byte(0).Raw(magnitude) : String(magnitude);
    }

    /// <summary>Bytes as they are: fields that are encoded already, or a magic number.</summary>
    public WireWriter Raw(ReadOnlySpan<byte> encoded)
    {
        buffer.Write(encoded);
        return this;
    }

    /// <summary>A copy of everything written.</summary>
    public byte[] ToArray() => buffer.WrittenSpan.ToArray();
}
