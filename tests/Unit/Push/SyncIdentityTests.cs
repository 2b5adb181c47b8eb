using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Push;
using CertAuthority.Tests.Unit.Jobs;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Push;

/// <summary>The daemon's own key and certificate, on a real database.</summary>
public sealed class SyncIdentityTests : IAsyncLifetime
{
    private HostWorld hosts = null!;

    public async Task InitializeAsync() => hosts = await HostWorld.Start();

    public async Task DisposeAsync() => await hosts.DisposeAsync();

    [Fact]
    public async Task Ssh_keygen_reads_a_recorded_certificate_for_sftp_only()
    {
        using var identity = new SyncIdentity(hosts.Store.Database, hosts.Clock, hosts.Authority.KeysInForce, hosts.File("push"));
        await identity.Refresh(jumps: false, CancellationToken.None);
        var (exitCode, output) = SshKeygen.Run("-L", "-f", identity.CertificateFile);
        Assert.Equal(0, exitCode);
        var certificate = Certificate.ParseLine(await File.ReadAllTextAsync(identity.CertificateFile));
        Assert.Equal(
            [
                $"{identity.CertificateFile}:",
                "Type: ssh-ed25519-cert-v01@openssh.com user certificate",
                $"Public key: ED25519-CERT {Fingerprint.Compute(certificate.Key)}",
                $"Signing CA: ED25519 {Fingerprint.Compute(hosts.Authority.Keys.Sync.Signing.PublicKey)} (using ssh-ed25519)",
                "Key ID: \"certauthority-sync\"",
                $"Serial: {certificate.Serial}",
                "Valid: from 2026-03-01T11:45:00 to 2026-03-01T12:15:00",
                "Principals:",
                "certauthority-sync",
                "Critical Options:",
                "force-command internal-sftp",
                "Extensions: (none)",
            ],
            output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(["sync_certificate.issued"], hosts.Store.Committed());
        // The key beside it is the one that is certified, and nobody else's.
        Assert.Equal(certificate.Key.ToString(), SshKeygen.Run("-y", "-f", identity.KeyFile).Output.Trim());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(identity.KeyFile));
    }

    [Theory]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    [InlineData(-1, 2)]
    public async Task One_certificate_serves_all_callers_for_five_minutes(int minutes, int certificates)
    {
        using var identity = new SyncIdentity(hosts.Store.Database, hosts.Clock, hosts.Authority.KeysInForce, hosts.File("push"));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => identity.Refresh(jumps: false, CancellationToken.None)));
        var key = await File.ReadAllBytesAsync(identity.KeyFile);
        hosts.Clock.Now = World.Now.AddMinutes(minutes);
        await identity.Refresh(jumps: false, CancellationToken.None);
        Assert.Equal(certificates, hosts.Store.Committed().Length);
        Assert.Equal(key, await File.ReadAllBytesAsync(identity.KeyFile));
    }

    [Fact]
    public async Task Certificate_for_jump_hosts_only_forwards()
    {
        using var identity = new SyncIdentity(hosts.Store.Database, hosts.Clock, hosts.Authority.KeysInForce, hosts.File("push"));
        await identity.Refresh(jumps: false, CancellationToken.None);
        Assert.False(File.Exists(identity.JumpCertificateFile));
        await identity.Refresh(jumps: true, CancellationToken.None);
        var certificate = Certificate.ParseLine(await File.ReadAllTextAsync(identity.JumpCertificateFile));
        Assert.Equal(["certauthority-jump"], certificate.Principals);
        Assert.Equal(["permit-port-forwarding"], certificate.Extensions.Select(extension => extension.Name));
        Assert.Equal(2, hosts.Store.Committed().Length);
    }
}
