using CertAuthority.OpenSsh;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit;

public class WireTests
{
    // The examples of RFC 4251 section 5.
    [Theory]
    [InlineData("", "00000000")]
    [InlineData("09a378f9b2e332a7", "0000000809a378f9b2e332a7")]
    [InlineData("80", "000000020080")]
    public void An_mpint_is_written_and_read_as_the_RFC_shows(string magnitude, string wire)
    {
        Assert.Equal(wire, Hex(new WireWriter().MpInt(Convert.FromHexString(magnitude)).ToArray()));
        Assert.Equal(magnitude, Hex(new WireReader(Convert.FromHexString(wire)).MpInt("n")));
    }

    [Fact]
    public void An_mpint_loses_its_leading_zeros() => Assert.Equal("0000000101", Hex(new WireWriter().MpInt([0, 0, 1]).ToArray()));

    [Fact]
    public void A_name_has_up_to_64_characters() =>
        Assert.Equal(new string('a', 64), new WireReader(new WireWriter().String(new string('a', 64)).ToArray()).Name("f"));

    [Fact]
    public void Numbers_are_big_endian() =>
        Assert.Equal("01" + "00000002" + "0000000000000003", Hex(new WireWriter().Byte(1).UInt32(2).UInt64(3).ToArray()));

    public static readonly TheoryData<string, string, string, string> Refused = new()
    {
        // read, bytes, what is wrong, message
        { "byte", "", "nothing", "f needs 1 bytes, 0 are left (at byte 0)" },
        { "uint32", "000000", "cut short", "f needs 4 bytes, 3 are left (at byte 0)" },
        { "uint64", "00000000000000", "cut short", "f needs 8 bytes, 7 are left (at byte 0)" },
        { "raw", "0102", "cut short", "f needs 3 bytes, 2 are left (at byte 0)" },
        { "string", "000000", "length cut short", "the length of f needs 4 bytes, 3 are left (at byte 0)" },
        { "string", "0000000261", "content cut short", "f needs 2 bytes, 1 are left (at byte 0)" },
        { "string", "ffffffff61", "length beyond any array", "f needs 4294967295 bytes, 1 are left (at byte 0)" },
        { "string of 3", "000000026161", "another length", "f is 2 bytes long, not 3 (at byte 0)" },
        { "nested", "0000000261", "content cut short", "f needs 2 bytes, 1 are left (at byte 0)" },
        { "name", "00000000", "empty", "f is not a name of 1 to 64 printable characters (at byte 0)" },
        { "name", "00000003612c62", "comma", "f is not a name of 1 to 64 printable characters (at byte 0)" },
        { "name", "00000003612062", "blank", "f is not a name of 1 to 64 printable characters (at byte 0)" },
        { "name", "0000000261c3", "not ascii", "f is not a name of 1 to 64 printable characters (at byte 0)" },
        { "name", "00000041" + string.Concat(Enumerable.Repeat("61", 65)), "too long", "f is not a name of 1 to 64 printable characters (at byte 0)" },
        { "utf8", "00000001c3", "half a character", "f is not utf-8 (at byte 0)" },
        { "utf8", "00000003610062", "NUL", "f has a NUL in it (at byte 0)" },
        { "mpint", "0000000180", "negative", "f is negative (at byte 0)" },
        { "mpint", "0000000100", "zero with a byte", "f has a leading zero it does not need (at byte 0)" },
        { "mpint", "00000002007f", "leading zero", "f has a leading zero it does not need (at byte 0)" },
        { "end", "00", "a byte left", "f is followed by 1 bytes that do not belong to it (at byte 0)" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Failed_read_says_what_and_where_and_keeps_the_position(string read, string bytes, string wrong, string message)
    {
        Assert.NotEmpty(wrong);
        var reader = new WireReader(Convert.FromHexString(bytes));
        string? refusal = null;
        try
        {
            Read(read, ref reader);
        }
        catch (SshFormatException e)
        {
            refusal = e.Message;
        }
        Assert.Equal(message, refusal);
        Assert.Equal(0, reader.Position);
    }

    [Fact]
    public void Nested_failure_counts_from_the_outermost_start()
    {
        var refusal = Assert.Throws<SshFormatException>(() =>
        {
            var reader = new WireReader(new WireWriter().UInt64(1).String([1, 2]).ToArray());
            reader.UInt64("serial");
            reader.Nested("packed").UInt32("count");
        });
        Assert.Equal("count needs 4 bytes, 2 are left (at byte 12)", refusal.Message);
    }

    [Fact]
    public void Written_values_read_back() =>
        Prop.ForAll(
            Gen.Choose(0, int.MaxValue).Select(half => (ulong)half << 32 | (uint)half << 1).ToArbitrary(),
            Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf().ToArbitrary(),
            Gen.Choose(1, 0xd7ff).Select(c => (char)c).ArrayOf().Select(text => new string(text)).ToArbitrary(),
            (number, bytes, text) =>
            {
                var reader = new WireReader(
                    new WireWriter().Byte((byte)number).UInt32((uint)number).UInt64(number).String(bytes).MpInt(bytes).String(text).ToArray());
                return reader.Byte("") == (byte)number && reader.UInt32("") == (uint)number && reader.UInt64("") == number
                    && reader.String("").SequenceEqual(bytes) && reader.MpInt("").SequenceEqual(bytes.AsSpan().TrimStart((byte)0))
                    && reader.Utf8("") == text && reader.AtEnd;
            }).QuickCheckThrowOnFailure();

    private static void Read(string what, ref WireReader reader)
    {
        switch (what)
        {
            case "byte": reader.Byte("f"); break;
            case "uint32": reader.UInt32("f"); break;
            case "uint64": reader.UInt64("f"); break;
            case "raw": reader.Raw(3, "f"); break;
            case "string": reader.String("f"); break;
            case "string of 3": reader.String(3, "f"); break;
            case "nested": reader.Nested("f"); break;
            case "name": reader.Name("f"); break;
            case "utf8": reader.Utf8("f"); break;
            case "mpint": reader.MpInt("f"); break;
            case "end": reader.ExpectEnd("f"); break;
            default: throw new ArgumentOutOfRangeException(nameof(what));
        }
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
