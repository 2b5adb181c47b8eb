using System.Net;
using System.Net.Sockets;

namespace CertAuthority.Access.Values;

/// <summary>Addresses from which a certificate may be used: a single one, or a prefix in CIDR form, IPv4 or IPv6.</summary>
public readonly record struct AddressRange
{
    private readonly IPNetwork network;

    private AddressRange(IPNetwork network) => this.network = network;

    /// <summary>
    /// Reads an address or <c>address/prefix</c>. Returns false for anything that sshd would refuse at the login or never match: bits
    /// beyond the prefix, a negation, a name, a zone, an IPv4 address mapped into IPv6, or one not written as four numbers.
    /// </summary>
    public static bool TryParse(string text, out AddressRange range)
    {
        range = default;
        var (address, prefix) = text.Split('/') switch
        {
            [var alone] => (alone, null),
            [var first, { Length: > 0 and <= 3 } length] when length.All(char.IsAsciiDigit) => (first, length),
            _ => ("", null),
        };
        if (address.AsSpan().ContainsAny("%[]") || !IPAddress.TryParse(address, out var parsed) || parsed.IsIPv4MappedToIPv6)
            return false;
        if (parsed.AddressFamily == AddressFamily.InterNetwork && parsed.ToString() != address)
            return false;
        // TryParse does not reject bits beyond the prefix, it masks them.
        if (!IPNetwork.TryParse($"{address}/{prefix ?? LongestPrefix(parsed)}", out var network) || !network.BaseAddress.Equals(parsed))
            return false;
        range = new AddressRange(network);
        return true;
    }

    /// <summary>Reads ranges separated by commas, as a certificate contains them.</summary>
    /// <exception cref="FormatException">One of them is not a range.</exception>
    public static AddressRange[] List(string texts) =>
        [
            .. texts.Split(',')
                .Select(
                    text => TryParse(text, out var range) ? range : throw new FormatException($"\"{text}\" is not a range of addresses"))];

    /// <summary>Whether this range contains every address of the other one.</summary>
    public bool Contains(AddressRange other) =>
        network.PrefixLength <= other.network.PrefixLength && network.Contains(other.network.BaseAddress);

    /// <summary>Returns the ranges that two lists have in common. If two ranges overlap, one always contains the other.</summary>
    public static IEnumerable<AddressRange> Common(IReadOnlyCollection<AddressRange> some, IReadOnlyCollection<AddressRange> others) =>
        some.SelectMany(one => others.SelectMany(other => one.Contains(other) ? [other] : other.Contains(one) ? (AddressRange[])[one] : []))
            .Distinct();

    /// <summary>Returns the range as a certificate contains it: a single address without its prefix.</summary>
    public override string ToString() =>
        $"{network.PrefixLength}" == LongestPrefix(network.BaseAddress) ? network.BaseAddress.ToString() : network.ToString();

    private static string LongestPrefix(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? "32" : "128";
}
