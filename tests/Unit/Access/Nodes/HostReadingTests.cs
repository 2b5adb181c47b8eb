using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>What is on a host, compared with what the daemon left there: list 20, its manifest, and a checkpoint.</summary>
public class HostReadingTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 26, 8, 0, 0, TimeSpan.Zero);

    private static readonly NodeSync Left = new(20, Now) { HasManifest = true, Witnessed = 100 };

    private static readonly HostReading Good = new(20, "20", true, Of(20), true);

    public static readonly TheoryData<string, HostReading, NodeSync, string?> Readings = new()
    {
        { "all as it was", Good, Left, null },
        { "the next list, and no time for its manifest", Good with { ListVersion = 21, ListHash = "21" }, Left, null },
        { "all of the next list, and no time to record it", new HostReading(21, "21", true, Of(21), true), Left, null },
        { "an older list with its manifest", new HostReading(19, "19", true, Of(19), true), Left, "it had revocation list 19 again, although it had 20 before" },
        { "an older list", Good with { ListVersion = 19, ListHash = "19" }, Left, "it had revocation list 19 again, although it had 20 before" },
        { "no list", Good with { ListVersion = null, ListHash = "" }, Left, "its revocation list was gone, or was none" },
        { "another list of this version", Good with { ListHash = "x" }, Left, "its revocation list 20 was not the one that its manifest names" },
        { "an older list than its manifest", Good with { Manifest = Of(21) }, Left, "its revocation list 20 was not the one that its manifest names" },
        { "a manifest of somebody else", Good with { Manifest = null }, Left, "this daemon did not sign its manifest" },
        { "no manifest", Good with { HasManifest = false, Manifest = null }, Left, "its manifest was gone" },
        { "no checkpoint", Good with { HasCheckpoint = false }, Left, "its checkpoint of the audit was gone" },
        { "nothing, where nothing was left", new HostReading(null, "", false, null, false), NodeSync.Untried, null },
        { "a list, where nothing was left", Good, NodeSync.Untried, null },
        { "only a list, as earlier versions left it", new HostReading(20, "20", false, null, false), new NodeSync(20, Now), null },
    };

    [Theory]
    [MemberData(nameof(Readings))]
    public void Only_what_somebody_changed_is_an_alteration(string what, HostReading reading, NodeSync left, string? told) =>
        Assert.Equal((what, told), (what, reading.Alteration(left)));

    private static Manifest Of(ulong version) => new("8d1c0f5b7a3e4c29", version, Now, Now + Manifest.Fresh, $"{version}", "", "");
}
