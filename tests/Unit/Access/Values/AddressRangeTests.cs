using CertAuthority.Access.Values;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>From where a certificate may be used.</summary>
public class AddressRangeTests
{
    [Theory]
    [InlineData("10.0.0.0/8", "10.0.0.0/8")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("192.0.2.7/32", "192.0.2.7")]
    [InlineData("::1", "::1")]
    [InlineData("::/0", "::/0")]
    [InlineData("2001:DB8:0::/32", "2001:db8::/32")]
    [InlineData("2001:db8::1/128", "2001:db8::1")]
    public void An_address_or_a_prefix_is_read_and_written_in_one_form(string text, string written)
    {
        Assert.True(AddressRange.TryParse(text, out var range));
        Assert.Equal(written, range.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.0.0.1/8")]
    [InlineData("2001:db8::1/32")]
    [InlineData("10.0.0.0/33")]
    [InlineData("::/129")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/+8")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("!10.0.0.0/8")]
    [InlineData("10.0.0.0/255.0.0.0")]
    [InlineData("10.1")]
    [InlineData("010.0.0.1")]
    [InlineData("0x0a.0.0.1")]
    [InlineData("167772161")]
    [InlineData("10.0.0.*")]
    [InlineData(" 10.0.0.1")]
    [InlineData("10.0.0.1,10.0.0.2")]
    [InlineData("localhost")]
    [InlineData("fe80::1%eth0")]
    [InlineData("fe80::1%1")]
    [InlineData("[::1]")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::ffff:10.0.0.0/104")]
    public void Range_that_sshd_rejects_or_never_matches_is_rejected(string text) => Assert.False(AddressRange.TryParse(text, out _));

    [Theory]
    [InlineData("10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/16")]
    [InlineData("10.1.0.0/16", "10.0.0.0/8", "10.1.0.0/16")]
    [InlineData("10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8")]
    [InlineData("10.0.0.0/8", "192.0.2.0/24", "")]
    [InlineData("10.0.0.0/8", "::/0", "")]
    [InlineData("0.0.0.0/0 ::/0", "192.0.2.7 ::1", "192.0.2.7 ::1")]
    [InlineData("10.0.0.0/8 192.0.2.0/24", "10.1.0.0/16 10.2.0.0/16 203.0.113.1", "10.1.0.0/16 10.2.0.0/16")]
    [InlineData("2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::/48")]
    public void Intersection_keeps_the_narrower_ranges(string some, string others, string common) =>
        Assert.Equal(common, string.Join(' ', AddressRange.Common(Read(some), Read(others))));

    private static AddressRange[] Read(string texts) =>
        [.. texts.Split(' ').Select(text => AddressRange.TryParse(text, out var range) ? range : throw new FormatException(text))];
}
