using CertAuthority.OpenSsh;
using FsCheck;
using FsCheck.Fluent;

namespace CertAuthority.Tests.Unit;

public class KrlTests
{
    private static readonly PublicKey Ca = PublicKey.ParseLine(Vector.Text("ca.pub"));
    private static readonly PublicKey OtherCa = PublicKey.ParseLine(Vector.Text("other_ca.pub"));

    [Fact]
    public void List_from_ssh_keygen_is_read()
    {
        var krl = Krl.Parse(Vector.Bytes("serials.krl"));
        Assert.Equal(4ul, krl.Version);
        Assert.InRange(krl.GeneratedDate, 1_700_000_000ul, 4_000_000_000ul);
        Assert.Equal("", krl.Comment);
        Assert.Equal(
            [new(Ca, 7, 7), new(Ca, 1_000_000, 1_000_000), new(Ca, 5_000_000_000, 9_000_000_000), new(OtherCa, 8, 8)], krl.Revoked);
        Assert.True(krl.IsRevoked(Ca, 7));
        Assert.True(krl.IsRevoked(OtherCa, 8));
        Assert.False(krl.IsRevoked(Ca, 8));
        Assert.False(krl.IsRevoked(OtherCa, 7));
        Assert.True(krl.IsRevoked(Ca, 5_000_000_000));
        Assert.True(krl.IsRevoked(Ca, 9_000_000_000));
        Assert.False(krl.IsRevoked(Ca, 4_999_999_999));
        Assert.False(krl.IsRevoked(Ca, 9_000_000_001));
    }

    [Fact]
    public void Empty_list_is_the_44_bytes_that_ssh_keygen_writes()
    {
        var theirs = Vector.Bytes("empty.krl");
        Assert.Equal(44, theirs.Length);
        Assert.Equal(theirs, Krl.Write([], 1, Krl.Parse(theirs).GeneratedDate, ""));
        Assert.Empty(Krl.Parse(theirs).Revoked);
    }

    [Fact]
    public void Single_serials_form_a_list_and_adjacent_ones_form_ranges()
    {
        var krl = Krl.Parse(Krl.Write(Of(Ca, 12, 5, 11, 10, 5, 3, 20, 21, ulong.MaxValue), 1, 2, "evening"));
        Assert.Equal(
            [new(Ca, 3, 3), new(Ca, 5, 5), new(Ca, ulong.MaxValue, ulong.MaxValue), new(Ca, 10, 12), new(Ca, 20, 21)], krl.Revoked);
        Assert.Equal((1ul, 2ul, "evening"), (krl.Version, krl.GeneratedDate, krl.Comment));
    }

    [Fact]
    public void Revoked_key_revokes_everything_it_signed()
    {
        Assert.Equal([PublicKey.ParseLine(Vector.Text("ed25519.pub"))], Krl.Parse(Vector.Bytes("plain_key.krl")).RevokedKeys);
        var krl = Krl.Parse(Krl.Write(Of(Ca, 7), 1, 2, "", OtherCa));
        Assert.Equal([OtherCa], krl.RevokedKeys);
        Assert.Equal([new(Ca, 7, 7)], krl.Revoked);
        Assert.True(krl.IsRevoked(OtherCa, 1));
        Assert.False(krl.IsRevoked(Ca, 1));
    }

    [Fact]
    public void Ten_thousand_adjacent_serials_take_no_more_room_than_two() =>
        Assert.Equal(
            Krl.Write(Of(Ca, 1, 2), 1, 1, "").Length,
            Krl.Write(Of(Ca, Enumerable.Range(1, 10_000).Select(serial => (ulong)serial)), 1, 1, "").Length);

    [Fact]
    public void Bitmap_from_ssh_keygen_is_read()
    {
        var revoked = Krl.Parse(Vector.Bytes("bitmap.krl")).Revoked;
        Assert.NotEmpty(revoked);
        Assert.Equal(Said(Vector.Bytes("bitmap.krl")), revoked.SelectMany(Each).Select(one => one.Serial).ToHashSet());
    }

    [Theory]
    [InlineData(1ul, 2, 40_000)]
    [InlineData(1_795_347_674_000_000ul, 3, 20_000)]
    [InlineData(5ul, 15, 20_000)]
    [InlineData(ulong.MaxValue - 70_000, 2, 30_000)]
    public void Dense_serials_share_bitmaps_that_ssh_keygen_reads(ulong first, int step, int count)
    {
        RevokedRange[] given = [
            .. Of(Ca, Enumerable.Range(0, count).Select(n => first + (ulong)(n * step))), new(Ca, first + 100, first + 140), new(OtherCa, 7, 7)];
        var written = Krl.Write(given, 1, 1, "");
        Assert.InRange(written.Length, count * step / 8, (count * step / 8) + (count * step / 16_000 * 32) + 400);
        var revoked = given.SelectMany(Each).ToHashSet();
        Assert.Equal(revoked, Krl.Parse(written).Revoked.SelectMany(Each).ToHashSet());
        Assert.Equal(revoked.Select(one => one.Serial).ToHashSet(), Said(written));
    }

    /// <summary>Returns the serials that ssh-keygen finds in a list.</summary>
    private static HashSet<ulong> Said(byte[] list)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, list);
            var (exit, said) = SshKeygen.Run("-Q", "-l", "-f", file);
            Assert.True(exit == 0, said);
            return said.Split('\n').Where(line => line.StartsWith("serial: ", StringComparison.Ordinal)).Select(line => line[8..].Split('-').Select(ulong.Parse).ToArray())
                .SelectMany(serials => Each(new RevokedRange(Ca, serials[0], serials[^1]))).Select(one => one.Serial).ToHashSet();
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static IEnumerable<(PublicKey Ca, ulong Serial)> Each(RevokedRange range)
    {
        for (var serial = range.First; ; serial++)
        {
            yield return (range.CaKey, serial);
            if (serial == range.Last)
                yield break;
        }
    }

    [Fact]
    public void Few_serials_are_a_list() =>
        Assert.Equal(44 + 5 + 4 + Ca.ToBlob().Length + 4 + 5 + (100 * 8), Krl.Write(Of(Ca, Enumerable.Range(1, 100).Select(n => 2ul * (ulong)n)), 1, 1, "").Length);

    [Fact]
    public void Adjacent_or_overlapping_ranges_become_one()
    {
        RevokedRange[] given = [new(Ca, 40, ulong.MaxValue), new(Ca, 5, 9), new(Ca, 20, 30), new(Ca, 22, 25), new(Ca, 10, 12), new(Ca, 39, 41), new(OtherCa, 1, 2)];
        Assert.Equal(
            [new(Ca, 5, 12), new(Ca, 20, 30), new(Ca, 39, ulong.MaxValue), new(OtherCa, 1, 2)], Krl.Parse(Krl.Write(given, 1, 1, "")).Revoked);
    }

    [Fact]
    public void Ssh_keygen_reads_a_range_of_a_million_years_as_one_entry()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, Krl.Write([new(Ca, 1_795_347_674, 1_795_347_674_000_000), new(Ca, 7, 7)], 1, 1, ""));
            var (exit, said) = SshKeygen.Run("-Q", "-l", "-f", file);
            Assert.True(exit == 0, said);
            Assert.Contains("serial: 1795347674-1795347674000000\n", said);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Serial_0_and_a_reversed_range_are_rejected()
    {
        Assert.Throws<ArgumentException>(() => Krl.Write(Of(Ca, 1, 0), 1, 1, ""));
        Assert.Throws<ArgumentException>(() => Krl.Write([new(Ca, 9, 8)], 1, 1, ""));
    }

    private static IEnumerable<RevokedRange> Of(PublicKey caKey, params IEnumerable<ulong> serials) => serials.Select(serial => new RevokedRange(caKey, serial, serial));

    private static WireWriter Header(ulong flags = 0, uint format = 1) =>
        new WireWriter().Raw("SSHKRL\n\0"u8).UInt32(format).UInt64(1).UInt64(2).UInt64(flags).String([]).String("");

    private static byte[] Section(byte type, byte[] data) =>
        Header().Byte(1).String(new WireWriter().String(Ca.ToBlob()).String([]).Byte(type).String(data)).ToArray();

    private static byte[] Serials(params ulong[] serials) => serials.Aggregate(new WireWriter(), (packed, serial) => packed.UInt64(serial)).ToArray();

    public static readonly TheoryData<string, byte[], string> Refused = new()
    {
        { "nothing", [], "magic needs 8 bytes, 0 are left (at byte 0)" },
        { "a text file", "ssh-ed25519 AAAA"u8.ToArray(), "a KRL begins with SSHKRL, and these bytes do not" },
        { "newer format", Header(format: 2).ToArray(), "KRL format 2 is not 1" },
        { "flags", Header(flags: 1).ToArray(), "flags are set, and none is defined" },
        { "signature section", Header().Byte(4).String([]).ToArray(), "KRL section 4 is not supported" },
        { "hashes of keys", Header().Byte(5).String([]).ToArray(), "KRL section 5 is not supported" },
        { "a bitmap too long", Section(0x22, new WireWriter().UInt64(1).MpInt([.. Enumerable.Repeat((byte)1, 2049)]).ToArray()), "a bitmap of 2049 bytes is longer than 2048" },
        { "a bitmap beyond all serials", Section(0x22, new WireWriter().UInt64(ulong.MaxValue).MpInt([3]).ToArray()), "a bitmap from serial 18446744073709551615 on reaches beyond the last serial" },
        { "a bitmap with serial 0", Section(0x22, new WireWriter().UInt64(0).MpInt([3]).ToArray()), "serials 0 to 1 are not a range that a KRL can revoke" },
        { "a bitmap with more behind it", Section(0x22, new WireWriter().UInt64(1).MpInt([3]).Byte(0).ToArray()), "serial bitmap is followed by 1 bytes that do not belong to it (at byte 126)" },
        { "half a key", Header().Byte(2).String(new WireWriter().String(Ca.ToBlob()).Raw([0, 0])).ToArray(), "the length of public key needs 4 bytes, 2 are left (at byte 104)" },
        { "key ids", Vector.Bytes("key_ids.krl"), "KRL certificate section 0x23 is not supported" },
        { "any CA", Header().Byte(1).String(new WireWriter().String([]).String([])).ToArray(), "the length of key type needs 4 bytes, 0 are left (at byte 53)" },
        { "serial 0", Section(0x20, Serials(0)), "serials 0 to 0 are not a range that a KRL can revoke" },
        { "half a serial", Section(0x20, [.. Serials(1), 0, 0]), "serial needs 8 bytes, 2 are left (at byte 121)" },
        { "range from 0", Section(0x21, Serials(0, 9)), "serials 0 to 9 are not a range that a KRL can revoke" },
        { "range backwards", Section(0x21, Serials(9, 8)), "serials 9 to 8 are not a range that a KRL can revoke" },
        { "range of three", Section(0x21, Serials(1, 2, 3)), "serial range is followed by 8 bytes that do not belong to it (at byte 129)" },
        { "trailing byte", Header().Byte(1).ToArray(), "the length of certificates section needs 4 bytes, 0 are left (at byte 45)" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Malformed_list_is_rejected_with_the_reason(string fault, byte[] bytes, string reason)
    {
        Assert.NotEmpty(fault);
        Assert.Equal(reason, Assert.Throws<SshFormatException>(() => Krl.Parse(bytes)).Message);
    }

    [Fact]
    public void Damaged_bytes_are_rejected_as_malformed()
    {
        var whole = Vector.Bytes("serials.krl");
        Spoiled.NoChangedByteDoesHarm(whole, bytes => Krl.Parse(bytes));
        // A list cut between two sections is whole.
        var section = 44 + 1 + 4 + 0x65;
        Assert.Equal(3, Krl.Parse(whole.AsSpan(0, section)).Revoked.Count);
        foreach (var length in Enumerable.Range(0, whole.Length).Except([44, section]))
            Assert.Throws<SshFormatException>(() => Krl.Parse(whole.AsSpan(0, length)));
    }

    [Fact]
    public void Exactly_the_given_serials_are_revoked()
    {
        var serials = Gen.Choose(1, 40).Select(serial => (ulong)serial).ListOf();
        Prop.ForAll(Arb.From(serials), Arb.From(serials), (first, second) =>
        {
            var krl = Krl.Parse(Krl.Write([.. Of(Ca, first), .. Of(OtherCa, second)], 1, 1, ""));
            for (ulong serial = 0; serial <= 41; serial++)
            {
                Assert.Equal(first.Contains(serial), krl.IsRevoked(Ca, serial));
                Assert.Equal(second.Contains(serial), krl.IsRevoked(OtherCa, serial));
            }
        }).QuickCheckThrowOnFailure();
    }
}
