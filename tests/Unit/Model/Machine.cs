namespace CertAuthority.Tests.Unit.Model;

/// <summary>In which way the directory is away.</summary>
internal enum Outage
{
    None,

    /// <summary>The group g1 is out of sight, and whoever is in it seems not to be.</summary>
    GroupHidden,

    /// <summary>Accounts that a group of <c>users_from_groups</c> lists are out of sight.</summary>
    AccountsHidden,

    /// <summary>The system says that it cannot tell.</summary>
    Failing,
}

/// <summary>The machine under the daemon, of which the test pulls every string: its clocks, its accounts, and the directory.</summary>
internal sealed class Machine : TimeProvider
{
    public const long Tolerated = 300;

    /// <summary>What the clock shows.</summary>
    public long Shown { get; private set; } = 1_772_366_400;

    /// <summary>What it should show, as far as anybody can know.</summary>
    public long Expected { get; private set; } = 1_772_366_400;

    /// <summary>Time since the machine was booted.</summary>
    public long Passed { get; private set; } = 1000;

    public string Boot { get; private set; } = "boot 1";

    /// <summary>What the daemon has last recorded as the right time.</summary>
    public long Remembered { get; set; }

    public Dictionary<string, uint> Accounts { get; } = [];
    public SortedDictionary<string, List<string>> Groups { get; } = new(StringComparer.Ordinal);
    public Outage Outage { get; set; }

    public bool IsStepped => Math.Abs(Shown - Expected) > Tolerated;

    public void Pass(long seconds) => (Shown, Expected, Passed) = (Shown + seconds, Expected + seconds, Passed + seconds);

    public void Set(long by) => Shown += by;

    public void Accept() => Expected = Shown;

    /// <summary>The machine is booted again: nobody knows how long it was off, only that time does not go back.</summary>
    public void Reboot(long off)
    {
        (Boot, Passed, Shown) = ($"boot {Boot[5..]}1", 1000, Shown + off);
        Expected = Math.Max(Shown, Remembered);
    }

    // What the daemon sees of it.

    // The groups that it asked for last, which it does before it asks for an account.
    private string[] asked = [];

    public override long TimestampFrequency => 1;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(Shown);

    public override long GetTimestamp() => Passed;

    public uint? UidOf(string account) => Accounts.TryGetValue(account, out var uid) ? uid : null;

    public string[] GroupsOf(string account) => [.. Groups.Where(group => group.Value.Contains(account)).Select(group => group.Key)];

    /// <summary>Whether nobody can say now which of these groups an account is in.</summary>
    public bool IsUnknown(string account, IEnumerable<string> giving) => Outage switch
    {
        Outage.GroupHidden => giving.Contains("g1"),
        Outage.AccountsHidden => GroupsOf(account).Intersect(giving).Any(),
        Outage.Failing => true,
        _ => false,
    };

    /// <summary>What id(1) and getent(1) would say.</summary>
    public (int ExitCode, string Output, string Errors) Run(string[] command)
    {
        if (command[0] == "getent")
        {
            asked = command[3..];
            var seen = asked.Where(group => Groups.ContainsKey(group) && !(Outage == Outage.GroupHidden && group == "g1")).ToList();
            return (seen.Count == asked.Length ? 0 : 2, string.Concat(seen.Select(group => $"{group}:x:{group[1..]}:{string.Join(',', Groups[group])}\n")), "");
        }
        var account = command[^1];
        if (Outage == Outage.Failing)
            return (1, "", $"id: '{account}': Input/output error");
        if (!Accounts.ContainsKey(account) || (Outage == Outage.AccountsHidden && GroupsOf(account).Intersect(asked).Any()))
            return (1, "", $"id: '{account}': no such user");
        return (0, string.Concat(GroupsOf(account).Where(group => !(Outage == Outage.GroupHidden && group == "g1")).Prepend("users").Select(group => $"{group}\0")), "");
    }
}
