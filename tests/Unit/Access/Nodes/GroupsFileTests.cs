using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

/// <summary>The text with the groups of a host that fetches, and everything that is almost one.</summary>
public class GroupsFileTests
{
    private const string Text =
        """
        certauthority-groups v1
        installation 8d1c0f5b7a3e4c29
        run 01234567
        node web1
        version 1795682025
        prod-db.4c1f09ab5d2e7703
        web.0000000000000001
        .

        """;

    [Fact]
    public void Groups_are_read_back()
    {
        var read = GroupsFile.Parse(Text)!;
        Assert.Equal(("8d1c0f5b7a3e4c29", "01234567", "web1", 1795682025UL), (read.Installation, read.Run, read.Node, read.Version));
        Assert.Equal<string>(["prod-db.4c1f09ab5d2e7703", "web.0000000000000001"], [.. read.Tokens]);
        Assert.Equal(Text, read.ToString());
        var left = read with { Tokens = [] };
        Assert.Empty(GroupsFile.Parse(left.ToString())!.Tokens);
        // What sshd of the host reads is the rest, to the byte.
        Assert.EndsWith(System.Text.Encoding.ASCII.GetString(HostFiles.Groups(read.Tokens)), Text, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Malformed => new()
    {
        { "groups v1", "groups v2" }, { "groups v1", "manifest v1" }, { "8d1c0f5b7a3e4c29", "8d1c0f5b7a3e4c2" }, { "01234567", "0123456" }, { "01234567", "*" },
        { "web1", "../web1" }, { "web1", "" }, { "version 1", "version 0" }, { "version 1", "version -1" }, { "version 1795682025", "version 1795682025000000000" },
        { "prod-db.4c1f09ab5d2e7703", "prod-db" }, { "prod-db.4c1f09ab5d2e7703", "*" }, { "prod-db.4c1f09ab5d2e7703", "root@db1" }, { "prod-db.", "-n." },
        { "\n.\n", "\n" }, { "\n.\n", "\n." }, { "\n.\n", "\n.\n.\n" }, { "\nweb.", "\n\nweb." }, { "node web1\n", "node web1\nnode web2\n" }, { "run 01234567\n", "" },
        { "prod-db.4c1f09ab5d2e7703\n", string.Concat(Enumerable.Range(0, 16).Select(n => $"g{n}.4c1f09ab5d2e7703\n")) },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Malformed_groups_are_not_read(string part, string instead)
    {
        Assert.Contains(part, Text, StringComparison.Ordinal);
        Assert.Null(GroupsFile.Parse(Text.Replace(part, instead, StringComparison.Ordinal)));
    }
}
