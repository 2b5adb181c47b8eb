using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Tsh;

/// <summary>Which of several certificates counts. The files are ssh-keygen's.</summary>
public sealed class HeldTests : IDisposable
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();
    private readonly Store.TemporaryFolder folder = new();

    private Home Home => new(folder.Path);

    public HeldTests()
    {
        Keygen("-q", "-t", "ed25519", "-N", "", "-f", Home.Key);
        Keygen("-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(folder.Path, "ca"));
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Login_takes_the_certificate_with_the_fewest_conditions()
    {
        Sign("elevated", "alice:3f1c", "deploy,postgres", "-O", "no-port-forwarding");
        Sign("everyday", "alice", "deploy");
        Sign("elevated-restore", "alice:3f1c", "deploy,backup", "-O", "force-command=/usr/bin/restore");
        var held = Held.In(Home);
        Assert.Equal("everyday", held.For("deploy", "web1", Now)!.Info.Name);
        Assert.Equal("elevated", held.For("postgres", "web1", Now)!.Info.Name);
        Assert.Equal("runs only /usr/bin/restore", CriticalOption.Describe(held.For("backup", "web1", Now)!.Info.CriticalOptions));
        Assert.Null(held.For("root", "web1", Now));
        Assert.Equal(["3f1c"], held.Requests(Now));
    }

    [Fact]
    public void Everyday_certificate_follows_an_expired_elevated_one()
    {
        Sign(null, "alice:3f1c", "deploy,postgres", "-V", "-2h:-1h");
        Sign("everyday", "alice", "deploy");
        var held = Held.In(Home);
        Assert.Equal("everyday", held.Usable(Now).Info.Name);
        Assert.Empty(held.Requests(Now));
        Assert.Null(held.For("postgres", "web1", Now));
    }

    [Fact]
    public async Task Flipped_bit_is_found_and_named()
    {
        Sign(null, "alice", "deploy");
        var line = await File.ReadAllTextAsync(Home.Certificate);
        var blob = Convert.FromBase64String(line.Split(' ')[1]);
        // A letter of the principal: the form is good.
        blob[blob.AsSpan().IndexOf("deploy"u8)] ^= 1;
        await File.WriteAllTextAsync(Home.Certificate, $"{line.Split(' ')[0]} {Convert.ToBase64String(blob)}\n");
        Assert.Equal("eeploy", Held.In(Home).Usable(Now).Info.Principals[0]);
        var verified = await Held.In(Home).Verified(CancellationToken.None);
        Assert.Equal($"{Home.Certificate} has been damaged: its signature does not fit what it says", Assert.Throws<FailureException>(() => verified.Usable(Now)).Message);
    }

    [Fact]
    public async Task Certificate_for_another_key_is_not_used()
    {
        Sign(null, "alice", "deploy");
        File.Delete(Home.Key);
        File.Delete(Home.PublicKey);
        var certificate = await File.ReadAllTextAsync(Home.Certificate);
        await Home.EnsureKey("alice", CancellationToken.None);
        await File.WriteAllTextAsync(Home.Certificate, certificate);
        Assert.Contains("certifies another key", Assert.Throws<FailureException>(() => Held.In(Home).Usable(Now)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Login_replaces_every_certificate_of_the_previous_login()
    {
        var key = await Home.EnsureKey("alice", CancellationToken.None);
        Sign(null, "alice:3f1c", "postgres");
        Sign("elevated-restore", "alice:3f1c", "backup");
        Home.SaveNodeCertificate("root", "db1", "any");
        Home.SaveCertificates([], key);
        Assert.Equal(["id", "id.pub"], Directory.GetFiles(folder.Path, "id*").Select(Path.GetFileName).Order());
        Assert.Empty(Home.NodeCertificateFiles());
    }

    [Theory]
    [InlineData("../id")]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("a\n")]
    public async Task Certificate_name_that_leads_elsewhere_is_rejected(string name)
    {
        var key = await Home.EnsureKey("alice", CancellationToken.None);
        var info = new CertificateInfo
        {
            Serial = "1",
            User = "alice",
            KeyId = "alice",
            Roles = [],
            Requests = [],
            Principals = ["deploy"],
            ValidAfter = Now,
            ValidBefore = Now,
            LimitedBy = "",
            Revoked = false,
        };
        Assert.Throws<FailureException>(() => Home.SaveCertificates([new OneCertificate("x", info), new OneCertificate("y", info with { Name = name })], key));
    }

    private void Sign(string? name, string id, string principals, params string[] options)
    {
        Keygen(["-q", "-s", Path.Combine(folder.Path, "ca"), "-I", id, "-n", principals, .. options.Contains("-V") ? [] : new[] { "-V", "-1h:+1h" }, .. options, Home.PublicKey]);
        if (name is not null)
            File.Move(Home.Certificate, Path.Combine(folder.Path, $"id-{name}-cert.pub"), overwrite: true);
    }

    private static void Keygen(params string[] arguments)
    {
        var (exitCode, output) = SshKeygen.Run(arguments);
        Assert.True(exitCode == 0, output);
    }
}
