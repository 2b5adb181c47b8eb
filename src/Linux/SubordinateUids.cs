using System.Globalization;

namespace CertAuthority.Linux;

/// <summary>
/// The ranges of uids that accounts may use in user namespaces (subuid(5)). All uids of a range belong to one account, so anything that
/// counts accounts must not count them one by one: by default there are 65,536 of them for each account of the machine.
/// </summary>
public sealed class SubordinateUids
{
    private readonly (uint First, ulong Last)[] ranges;

    private SubordinateUids((uint First, ulong Last)[] ranges) => this.ranges = ranges;

    /// <summary>Reads the lines NAME:FIRST:COUNT; other lines are ignored, as newuidmap does.</summary>
    public static SubordinateUids Parse(IEnumerable<string> lines)
    {
        var read = new List<(uint First, ulong Last)>();
        foreach (var line in lines)
            if (line.Split(':') is [_, var first, var count]
                && uint.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
                && uint.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var many) && many > 0)
                read.Add((from, (ulong)from + many - 1));
        return new SubordinateUids([.. read.OrderBy(range => range.First)]);
    }

    /// <summary>Reads the file of this machine; a file that does not exist or cannot be read gives no ranges.</summary>
    public static SubordinateUids OfThisMachine()
    {
        try
        {
            return Parse(File.ReadLines("/etc/subuid"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Parse([]);
        }
    }

    /// <summary>Returns one number for each account: the same for all uids of a range, and a different one for each other uid.</summary>
    public ulong AccountOf(uint uid)
    {
        var (low, high) = (0, ranges.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (ranges[middle].First > uid)
                high = middle - 1;
            else
                low = middle + 1;
        }
        return high >= 0 && uid <= ranges[high].Last ? 1UL << 32 | ranges[high].First : uid;
    }
}
