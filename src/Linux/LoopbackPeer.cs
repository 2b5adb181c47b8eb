using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>Whose socket is at the other end of a TCP connection on this host, as the kernel lists it.</summary>
public static class LoopbackPeer
{
    private const string List = "/proc/net/tcp";
    private const int Local = 1;
    private const int Remote = 2;
    private const int Owner = 7;

    /// <summary>
    /// Whether the socket at the other end belongs to an account. If this system has no list of its connections, nobody can tell, and the
    /// answer is yes; a socket that is not on the list belongs to nobody.
    /// </summary>
    /// <param name="peer">The address of the other end.</param>
    /// <param name="own">The address of this end.</param>
    /// <param name="uid">The account.</param>
    public static bool BelongsTo(IPEndPoint peer, IPEndPoint own, uint uid)
    {
        IEnumerable<string> lines;
        try
        {
            lines = File.ReadAllLines(List);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
        return UidIn(lines, peer, own) == uid;
    }

    /// <summary>Returns the uid of the socket that connects two addresses; null if it is not on the list.</summary>
    internal static uint? UidIn(IEnumerable<string> lines, IPEndPoint peer, IPEndPoint own)
    {
        var (from, to) = (Hex(peer), Hex(own));
        foreach (var line in lines)
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is { Length: > Owner } fields && fields[Local] == from
                && fields[Remote] == to && uint.TryParse(fields[Owner], CultureInfo.InvariantCulture, out var uid))
                return uid;
        return null;
    }

    // The kernel prints the four bytes of an address as one number of its own byte order.
    private static string Hex(IPEndPoint end) =>
        $"{MemoryMarshal.Read<uint>(end.Address.MapToIPv4().GetAddressBytes()):X8}:{end.Port:X4}";
}
