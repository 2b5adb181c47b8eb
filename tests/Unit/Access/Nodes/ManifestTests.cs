using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>The text of a manifest, and everything that is almost one.</summary>
public class ManifestTests
{
    private const string Text =
        """
        certauthority-manifest v1
        installation 8d1c0f5b7a3e4c29
        version 1795682025
        made 2026-11-26T08:33:45Z
        fresh-until 2026-11-26T09:03:45Z
        revoked.krl 5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456
        user_ca.pub a3f5d1b0c0e4a1f7c1b1fce1e3b7f2f3b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6
        host_ca.pub 0000000000000000000000000000000000000000000000000000000000000000

        """;

    private static readonly Manifest Read = Manifest.Parse(Text)!;

    [Fact]
    public void Manifest_is_read_back()
    {
        Assert.Equal(("8d1c0f5b7a3e4c29", 1795682025UL, new DateTimeOffset(2026, 11, 26, 8, 33, 45, TimeSpan.Zero), Manifest.Fresh), (Read.Installation, Read.Version, Read.Made, Read.FreshUntil - Read.Made));
        Assert.Equal(("5df6", "a3f5", "0000"), (Read.Krl[..4], Read.UserCa[..4], Read.HostCa[..4]));
        Assert.Equal(Text, Read.ToString());
    }

    [Fact]
    public void Unknown_optional_lines_are_kept()
    {
        var later = Manifest.Parse($"{Text}optional-groups 0123abcd\noptional-note two words\n")!;
        Assert.Equal<string>(["optional-groups 0123abcd", "optional-note two words"], [.. later.Optional]);
        Assert.Equal(Text, (later with { Optional = [] }).ToString());
    }

    public static TheoryData<string> Malformed =>
    [
        "",
        Text[..^1],
        $"{Text}\n",
        $" {Text}",
        $"{Text}groups 0123abcd\n",
        $"{Text}optional- x\n",
        $"{Text}optional-groups\n",
        $"{Text}optional-groups  x\n",
        $"{Text}optional-groups x \n",
        $"{Text}optional-groups \u00e4\n",
        Text.Replace("\n", "\r\n", StringComparison.Ordinal),
        Text.Replace("manifest v1", "manifest v2", StringComparison.Ordinal),
        Text.Replace("8d1c", "8D1C", StringComparison.Ordinal),
        Text.Replace("version 1", "version 01", StringComparison.Ordinal),
        Text.Replace("version 1", "version -1", StringComparison.Ordinal),
        Text.Replace("version 1795682025", "version 9999999999999999999", StringComparison.Ordinal),
        Text.Replace("version 1795682025", "version 0", StringComparison.Ordinal),
        Text.Replace("11-26T08", "13-26T08", StringComparison.Ordinal),
        Text.Replace("made 2026-11-26T08:33:45Z", "made 2026-11-26T08:33:4Z", StringComparison.Ordinal),
        Text.Replace("09:03:45Z", "08:33:44Z", StringComparison.Ordinal),
        Text.Replace("5df6", "5df", StringComparison.Ordinal),
        Text.Replace("5df6", "5DF6", StringComparison.Ordinal),
        Text.Replace("made 2026-11-26T08:33:45Z\n", "", StringComparison.Ordinal),
        Text.Replace("version 1795682025\n", "version 1795682025\nversion 1795682025\n", StringComparison.Ordinal),
        Text.Replace("user_ca.pub", "host_ca.pub", StringComparison.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Anything_else_is_no_manifest(string text) => Assert.Null(Manifest.Parse(text));
}
