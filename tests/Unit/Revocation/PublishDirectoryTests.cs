using System.Text;
using CertAuthority.Revocation;

namespace CertAuthority.Tests.Unit.Revocation;

public sealed class PublishDirectoryTests : IDisposable
{
    private static readonly Dictionary<string, byte[]> Nothing = [];

    private readonly Store.TemporaryFolder folder = new();

    [Fact]
    public void Only_published_files_are_removed()
    {
        var directory = new PublishDirectory(folder.File("hosts"), (_, _) => null, ("audit_key.pub", []));
        directory.PublishHosts(() => (Certificates("db1", "db2"), Nothing));
        File.WriteAllText(Path.Combine(directory.Path, "web-cert.pub"), "of somebody else");

        // As after a restart.
        directory = new PublishDirectory(folder.File("hosts"), (_, _) => null, ("audit_key.pub", []));
        directory.PublishHosts(() => (Certificates("db2"), Nothing));

        Assert.Equal([".certauthority", "db2-cert.pub", "web-cert.pub"], Names());
        // What a list of names that somebody has edited says is taken for a name, and never for a way out.
        File.WriteAllText(folder.File("outside-cert.pub"), "");
        File.AppendAllText(Path.Combine(directory.Path, ".certauthority"), "../outside-cert.pub\nrevoked.krl\n");
        File.WriteAllText(Path.Combine(directory.Path, "revoked.krl"), "not ours to parse");
        directory.PublishHosts(() => (Certificates(), Nothing));
        Assert.Equal([".certauthority", "revoked.krl", "web-cert.pub"], Names());
        Assert.True(File.Exists(folder.File("outside-cert.pub")));
    }

    [Fact]
    public void Certificate_of_one_host_is_added_and_never_forgotten()
    {
        var directory = new PublishDirectory(folder.File("hosts"), (_, _) => null, ("audit_key.pub", []));
        directory.PublishHost("db1", "one"u8.ToArray());
        // A crash cut this short.
        File.AppendAllText(Path.Combine(directory.Path, ".certauthority"), "\nweb1-c");
        directory.PublishHost("db2", "two"u8.ToArray());
        directory.PublishHost("db2", "three"u8.ToArray());
        Assert.Equal("three", File.ReadAllText(Path.Combine(directory.Path, "db2-cert.pub")));
        // One that is added while the others are written stays.
        directory.PublishHosts(() =>
        {
            directory.PublishHost("db3", []);
            directory.PublishHost("db2", "newer"u8.ToArray());
            return (Certificates("db2"), Nothing);
        });
        Assert.Equal([".certauthority", "db2-cert.pub", "db3-cert.pub"], Names());
        Assert.Equal("newer", File.ReadAllText(Path.Combine(directory.Path, "db2-cert.pub")));
        directory.PublishHosts(() => (Certificates("db2"), Nothing));
        Assert.Equal([".certauthority", "db2-cert.pub"], Names());
        Assert.Equal(["db2-cert.pub"], File.ReadAllLines(Path.Combine(directory.Path, ".certauthority")));
    }

    [Fact]
    public void Directory_without_hosts_gets_no_list_of_names()
    {
        var directory = new PublishDirectory(folder.File("hosts"), (_, _) => null, ("audit_key.pub", []));
        directory.PublishHosts(() => (Certificates(), Nothing));
        Assert.Empty(Names());
    }

    /// <summary>The directory is looked at each time, so that it never is another daemon's; but a list is long where much is revoked.</summary>
    [Fact]
    public void Host_costs_the_same_however_long_the_list_is()
    {
        var key = new OpenSsh.Ed25519PublicKey(new byte[32]);
        var directory = new PublishDirectory(folder.File("hosts"), (_, present) => present.Version == 7 ? null : throw new InvalidOperationException(), ("audit_key.pub", []));
        directory.PublishHost("db1", "one"u8.ToArray());

        var (few, many) = (Cost(10), Cost(100_000));

        Assert.True(many < few + (32 << 10), $"{few} bytes, {many} bytes");

        long Cost(uint revoked)
        {
            File.WriteAllBytes(
                Path.Combine(directory.Path, "revoked.krl"), OpenSsh.Krl.Write(Enumerable.Range(1, (int)revoked).Select(n => new OpenSsh.RevokedRange(key, 3 * (ulong)n, 3 * (ulong)n)), 7, 0, "of a test"));
            directory.PublishHost("db1", "one"u8.ToArray());
            var before = GC.GetAllocatedBytesForCurrentThread();
            directory.PublishHost("db1", "one"u8.ToArray());
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    /// <summary>A comment that is longer than what is read at first, and a list that is cut short in it.</summary>
    [Theory]
    [InlineData(20_000, 20_000 + 44, true)]
    [InlineData(20_000, 10_000, false)]
    [InlineData(20, 60, false)]
    public void Beginning_of_a_list_is_read_whole(int comment, int present, bool isThere)
    {
        var file = folder.File("revoked.krl");
        File.WriteAllBytes(file, OpenSsh.Krl.Write([], 7, 0, new string('x', comment)).AsSpan(0, present));

        Assert.Equal(isThere ? (7UL, comment) : null, PublishedKrl.HeaderAt(file) is { } header ? (header.Version, header.Comment.Length) : ((ulong, int)?)null);
    }

    public void Dispose() => folder.Dispose();

    private static Dictionary<string, byte[]> Certificates(params string[] nodes) => nodes.ToDictionary(node => node, node => Encoding.ASCII.GetBytes($"{node}\n"));

    private IEnumerable<string?> Names() => Directory.GetFiles(folder.File("hosts")).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
