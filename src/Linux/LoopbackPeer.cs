using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>Whose socket is at the other end of a TCP connection on this host, as the kernel lists it.</summary>
public static class LoopbackPeer
{
    // A program may connect to an address of IPv4 by a socket of IPv6.
    private static readonly string[] Lists = ["/proc/net/tcp", "/proc/net/tcp6"];

    // What comes before an address of IPv4 that is written as one of IPv6.
    private static readonly string MappedPrefix = Mapped();

    private const int Local = 1;
    private const int Remote = 2;
    private const int Owner = 7;

    /// <summary>
    /// Whether the socket at the other end belongs to an account. A socket that is not on the list belongs to nobody, and so does every one
    /// if the list cannot be read. Another system than Linux has no such list, and the answer is yes.
    /// </summary>
    /// <param name="peer">The address of the other end.</param>
    /// <param name="own">The address of this end.</param>
    /// <param name="uid">The account.</param>
    public static bool BelongsTo(IPEndPoint peer, IPEndPoint own, uint uid)
    {
        if (!OperatingSystem.IsLinux())
            return true;
        try
        {
            return UidIn(Lists.Where(File.Exists).SelectMany(File.ReadAllLines), peer, own) == uid;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An error admits nobody.
            return false;
        }
    }

    /// <summary>Returns the uid of the socket that connects two addresses; null if it is not on the list.</summary>
    internal static uint? UidIn(IEnumerable<string> lines, IPEndPoint peer, IPEndPoint own)
    {
        var (from, to) = (Hex(peer), Hex(own));
        foreach (var line in lines)
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is { Length: > Owner } fields && Is(fields[Local], from)
                && Is(fields[Remote], to) && uint.TryParse(fields[Owner], CultureInfo.InvariantCulture, out var uid))
                return uid;
        return null;

        static bool Is(string listed, string end) => listed == end || listed == MappedPrefix + end;
    }

    // The kernel prints each four bytes of an address as one number of its own byte order.
    private static string Hex(IPEndPoint end) => $"{Number(end.Address.MapToIPv4())}:{end.Port:X4}";

    private static string Number(IPAddress address) => $"{MemoryMarshal.Read<uint>(address.GetAddressBytes()):X8}";

    private static string Mapped()
    {
        var bytes = IPAddress.Any.MapToIPv6().GetAddressBytes();
        return string.Concat(Enumerable.Range(0, 3).Select(i => $"{MemoryMarshal.Read<uint>(bytes.AsSpan(4 * i)):X8}"));
    }
}
