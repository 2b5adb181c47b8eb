using System.Text;
using CertAuthority.Access.Nodes;
using CertAuthority.OpenSsh;
using CertAuthority.Revocation;
using CertAuthority.Signing;

namespace CertAuthority.Tests.Unit.Revocation;

public sealed class ManifestsTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 26, 8, 33, 45, 123, TimeSpan.Zero);

    private static readonly (string, byte[])[] Keys = [("user_ca.pub", "user"u8.ToArray()), ("host_ca.pub", "host"u8.ToArray())];

    private readonly Store.TemporaryFolder folder = new();
    private readonly AuditKey key;
    private readonly Manifests manifests;
    private readonly byte[] file;

    public ManifestsTests()
    {
        key = AuditKey.LoadOrCreate(folder.File("audit_key"));
        manifests = new Manifests(key, "8d1c0f5b7a3e4c29", null!);
        file = manifests.For(ulong.MaxValue / 100, "list"u8, Keys, Now);
    }

    [Fact]
    public void Signed_manifest_is_small_and_read_back()
    {
        var read = manifests.Read(file)!;
        Assert.Equal(("8d1c0f5b7a3e4c29", ulong.MaxValue / 100, Now.AddMilliseconds(-123)), (read.Installation, read.Version, read.Made));
        Assert.Equal((Manifests.HashOf("list"u8), Manifests.HashOf("user"u8), Manifests.HashOf("host"u8)), (read.Krl, read.UserCa, read.HostCa));
        Assert.InRange(file.Length, 500, Manifest.MostBytes - 200);
    }

    [Fact]
    public async Task Manifest_is_verified_by_ssh_keygen()
    {
        var all = Encoding.ASCII.GetString(file);
        var end = all.IndexOf(SshSignature.Begin, StringComparison.Ordinal);
        await File.WriteAllTextAsync(folder.File("signers"), $"audit {key.PublicKey.ToLine("")}\n");
        await File.WriteAllTextAsync(folder.File("sig"), all[end..]);
        Assert.Equal(0, await Verify(Manifests.Purpose, all[..end]));
        Assert.NotEqual(0, await Verify(AuditKey.Purpose, all[..end]));
        Assert.NotEqual(0, await Verify(Manifests.Purpose, all[..end].Replace("v1", "v2", StringComparison.Ordinal)));

        async Task<int?> Verify(string purpose, string text) =>
            (await new CertAuthority.Linux.ChildProcess("ssh-keygen", ["-Y", "verify", "-f", folder.File("signers"), "-I", "audit", "-s", folder.File("sig"), "-n", purpose]) { Input = Encoding.ASCII.GetBytes(text) }
                .Run(CancellationToken.None)).ExitCode;
    }

    // Whatever is one bit away from a manifest is none.
    [Fact]
    public void Changed_cut_or_longer_manifest_is_not_read()
    {
        for (var at = 0; at < file.Length; at++)
            foreach (var bit in (byte[])[1, 32, 128])
            {
                var changed = file.ToArray();
                changed[at] ^= bit;
                Assert.Null(manifests.Read(changed));
            }
        for (var length = 0; length < file.Length; length++)
            Assert.Null(manifests.Read(file.AsSpan(0, length)));
        Assert.Null(manifests.Read([.. file, (byte)'\n']));
        Assert.Null(manifests.Read([.. file, .. new byte[1024]]));
    }

    [Fact]
    public void Signature_of_another_key_or_purpose_is_not_read()
    {
        using var other = AuditKey.LoadOrCreate(folder.File("other_key"));
        Assert.Null(manifests.Read(new Manifests(other, "8d1c0f5b7a3e4c29", null!).For(1, "list"u8, Keys, Now)));
        var text = Encoding.ASCII.GetBytes(manifests.Read(file)!.ToString());
        Assert.NotNull(manifests.Read([.. text, .. Encoding.ASCII.GetBytes(key.Sign(Manifests.Purpose, text))]));
        Assert.Null(manifests.Read([.. text, .. Encoding.ASCII.GetBytes(key.Sign(AuditKey.Purpose, text))]));
    }

    [Fact]
    public void Body_stays_a_quarter_of_an_hour_after_its_last_manifest()
    {
        Directory.CreateDirectory(folder.File("hosts"));
        var path = folder.File("hosts/by-hash");
        var bodies = new BodiesByHash(path);
        bodies.Put(["keys"u8.ToArray(), "list 1"u8.ToArray()], Now);
        bodies.Put(["keys"u8.ToArray(), "list 2"u8.ToArray()], Now.AddMinutes(14));
        Assert.Equal(Names("keys", "list 1", "list 2"), Here());
        // As after a restart: nobody knows when a manifest named the others.
        bodies = new BodiesByHash(path);
        File.WriteAllText(Path.Combine(path, "remark"), "of somebody else");
        File.WriteAllText(Path.Combine(path, Manifests.HashOf("keys"u8)), "damaged");
        bodies.Put(["keys"u8.ToArray(), "list 3"u8.ToArray()], Now.AddMinutes(20));
        bodies.Put(["keys"u8.ToArray(), "list 4"u8.ToArray()], Now.AddMinutes(34));
        Assert.Equal(Names("keys", "list 1", "list 2", "list 3", "list 4").Append("remark"), Here());
        Assert.Equal("keys", File.ReadAllText(Path.Combine(path, Manifests.HashOf("keys"u8))));
        bodies.Put(["keys"u8.ToArray(), "list 4"u8.ToArray()], Now.AddMinutes(35));
        Assert.Equal(Names("keys", "list 4").Append("remark"), Here());
        // However many lists follow each other.
        for (var n = 5; n < 60; n++)
            bodies.Put(["keys"u8.ToArray(), Encoding.ASCII.GetBytes($"list {n}")], Now.AddMinutes(36).AddSeconds(n));
        Assert.Equal(2 + BodiesByHash.MostOld, Here().Count() - 1);
        Assert.Contains(Manifests.HashOf("list 58"u8), Here());
        Assert.DoesNotContain(Manifests.HashOf("list 5"u8), Here());

        IEnumerable<string> Here() => Directory.GetFiles(path).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal);

        IEnumerable<string> Names(params string[] contents) => contents.Select(content => Manifests.HashOf(Encoding.ASCII.GetBytes(content))).Order(StringComparer.Ordinal);
    }

    public void Dispose()
    {
        key.Dispose();
        folder.Dispose();
    }
}
