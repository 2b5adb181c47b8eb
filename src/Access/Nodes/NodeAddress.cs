using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Nodes;

/// <summary>
/// The address of a node's sshd, in the one form that is stored, shown and certified. ssh compares this form with the principals of a host
/// certificate: names in lower case without a final dot, addresses as <c>inet_ntop</c> prints them.
/// </summary>
public sealed record NodeAddress
{
    private const int LongestName = 253;
    private const int LongestLabel = 63;
    private const string Form = "write HOST or HOST:PORT";

    private NodeAddress(string host, int? port) => (Host, Port) = (host, port);

    /// <summary>A name, an IPv4 address, or an IPv6 address without brackets.</summary>
    public string Host { get; }

    /// <summary>1 to 65535; null for ssh's default, 22.</summary>
    public int? Port { get; }

    /// <summary>Reads <c>host</c> or <c>host:port</c>; an IPv6 address with a port is in brackets.</summary>
    /// <param name="text">The text that an administrator wrote.</param>
    public static Outcome<NodeAddress> Parse(string text)
    {
        var end = text.StartsWith('[') ? text.IndexOf(']') + 1 : text.IndexOf(':') is var colon and >= 0 ? colon : text.Length;
        if (text.StartsWith('[') && end == 0)
            return Fault(text, "the [ has no ]");
        if (V6(text) is { } bare)
            return Fault(text, $"an IPv6 address stands in brackets: [{bare}], or with a port [{bare}]:22");
        var host = text.StartsWith('[') ? V6(text[1..(end - 1)]) : V4(text[..end]) ?? Name(text[..end]);
        if (host is null)
            return Fault(text, text.StartsWith('[') ? "between the brackets stands no IPv6 address"
                : IsNumeric(text[..end]) ? $"\"{text[..end]}\" is neither a name nor an IPv4 address of four numbers from 0 to 255"
                : $"{Form}; a host name consists of letters, digits, -, _ and ., and begins with a letter or a digit");
        if (end == text.Length)
            return new NodeAddress(host, null);
        return text[end] == ':' && int.TryParse(text[(end + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= ushort.MaxValue
            ? new NodeAddress(host, port)
            : Fault(text, text[end] == ':' ? $"the port \"{text[(end + 1)..]}\" is not a number from 1 to 65535" : Form);
    }

    /// <summary>
    /// Converts an address from the database into today's form. Earlier versions stored an address as it was written, and accepted some
    /// that ssh cannot use. Those stay as they are, so that one of them never prevents the others from being read.
    /// </summary>
    /// <param name="text">The stored text.</param>
    public static string Stored(string text) =>
        Parse(V6(text) is null ? text : $"[{text}]").Holds(out var address, out _) ? address.ToString() : text;

    /// <summary><c>db1.example.com:22</c>, <c>[2001:db8::1]</c>.</summary>
    public override string ToString() => $"{(Host.Contains(':') ? $"[{Host}]" : Host)}{(Port is { } port ? $":{port}" : "")}";

    private static Refusal Fault(string text, string why) => new($"\"{text}\" is not an address: {why}", Kind: RefusalKind.Invalid);

    private static string? Name(string text)
    {
        var name = (text.EndsWith('.') ? text[..^1] : text).ToLowerInvariant();
        return name.Length is > 0 and <= LongestName && !IsNumeric(name) && name.Split('.').All(IsLabel) ? name : null;

        static bool IsLabel(string label) =>
            label.Length is > 0 and <= LongestLabel && (char.IsAsciiLetterOrDigit(label[0]) || label[0] == '_')
                && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
    }

    // A resolver reads 127.1 and 0x7f.0.0.1 as addresses. A single number is an address too, but anyone who wrote it meant something else.
    private static string? V4(string text) =>
        (text.EndsWith('.') ? text[..^1] : text) is var numbers && numbers.Contains('.') && IsNumeric(numbers)
        && IPAddress.TryParse(numbers, out var address) && address.AddressFamily == AddressFamily.InterNetwork ? address.ToString() : null;

    private static bool IsNumeric(string text) => text.Split('.').All(part => part.Length > 0
        && (part.All(char.IsAsciiDigit)
            || (part.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && part.Length > 2 && part[2..].All(char.IsAsciiHexDigit))));

    private static string? V6(string text) =>
        text.Contains(':') && text.All(c => char.IsAsciiHexDigit(c) || c is ':' or '.') && IPAddress.TryParse(text, out var address)
            ? V6(address.GetAddressBytes()) : null;

    // IPAddress.ToString writes some addresses differently from inet_ntop: it ends 2001:db8::5efe:c000:207 in 192.0.2.7.
    private static string V6(byte[] bytes)
    {
        var groups = Enumerable.Range(0, 8).Select(i => (bytes[2 * i] << 8) | bytes[(2 * i) + 1]).ToArray();
        var (start, length) = LongestZeros(groups);
        var isV4 = start == 0 && (length == 6 || (length == 5 && groups[5] == 0xffff));
        var text = new StringBuilder();
        for (var i = 0; i < (isV4 ? 6 : 8);)
        {
            text.Append(i == start ? "::" : text.Length == 0 || i == start + length ? "" : ":");
            if (i == start)
                i += length;
            else
                text.Append(groups[i++].ToString("x", CultureInfo.InvariantCulture));
        }
        return isV4 ? $"{text}{(length == 5 ? ":" : "")}{bytes[12]}.{bytes[13]}.{bytes[14]}.{bytes[15]}" : text.ToString();
    }

    /// <summary>Finds the first of the longest runs of at least two zeros; the start is -1 if there is none.</summary>
    private static (int Start, int Length) LongestZeros(int[] groups)
    {
        var best = (Start: -1, Length: 0);
        for (var i = 0; i < groups.Length; i++)
        {
            var length = groups.Skip(i).TakeWhile(group => group == 0).Count();
            if (length >= 2 && length > best.Length)
                best = (i, length);
        }
        return best;
    }
}
