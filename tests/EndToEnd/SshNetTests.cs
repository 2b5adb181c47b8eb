using Renci.SshNet;
using Renci.SshNet.Common;
using HostCertificate = Renci.SshNet.Security.Certificate;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A daemon, alice who may become postgres on db1, and three hosts that answer as db1: one certified by the daemon, one by another authority, and one by nobody.</summary>
public sealed class SshNetWorld : IAsyncLifetime
{
    internal TestDaemon Daemon { get; private set; } = null!;

    internal TestHost Certified { get; private set; } = null!;

    internal TestHost OfAnotherAuthority { get; private set; } = null!;

    internal TestHost WithoutCertificate { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (!World.HasPeople)
            return;
        Daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        (await Daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {type: db}}}}
            ---
            {kind: node, version: v2, metadata: {name: db1, labels: {type: db}}, spec: {addr: 127.0.0.1}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [dba]}}
            """)).Done();
        Certified = await TestHost.Create(Daemon, "db1");
        await Certified.CertifyByDaemon();
        OfAnotherAuthority = await TestHost.Create(Daemon, "db1", PrincipalsSetting.Files);
        var other = Daemon.Scratch["other_ca"];
        (await Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other)).Done();
        await OfAnotherAuthority.Certify(other);
        WithoutCertificate = await TestHost.Create(Daemon, "db1", PrincipalsSetting.None);
        foreach (var host in (TestHost[])[Certified, OfAnotherAuthority, WithoutCertificate])
            await host.Listen();
    }

    public async Task DisposeAsync()
    {
        if (Daemon is null)
            return;
        foreach (var host in (TestHost[])[Certified, OfAnotherAuthority, WithoutCertificate])
            await host.Stop();
        await Daemon.DisposeAsync();
    }
}

/// <summary>
/// Certificates of users and hosts as SSH.NET reads them, an SSH client that shares no code with OpenSSH or with this project. It only hands over a host's certificate, so the
/// rules that ssh has for one are here: who signed it, for which name and which time.
/// </summary>
public sealed class SshNetTests(SshNetWorld world) : IClassFixture<SshNetWorld>
{
    [PeopleTheory]
    [InlineData("ed25519", 256)]
    [InlineData("ecdsa", 256)]
    [InlineData("ecdsa", 384)]
    [InlineData("ecdsa", 521)]
    [InlineData("rsa", 3072)]
    public async Task Certificate_for_any_key_opens_only_its_login(string type, int bits)
    {
        var home = await LogIn(type, bits);
        using var key = new PrivateKeyFile($"{home}/id", null, $"{home}/id-cert.pub");
        Assert.Equal("alice", key.Certificate!.KeyId);

        using (var client = Client(world.Certified, "postgres", key, new KnownHost(world, "db1")))
        {
            await client.ConnectAsync(default);
            using var command = client.RunCommand("id -un");
            Assert.Equal((0, "postgres\n"), (command.ExitStatus, command.Result));
        }

        await AssertRefused("deploy", key);
        using var plain = new PrivateKeyFile($"{home}/id");
        await AssertRefused("postgres", plain);
    }

    [PeopleFact]
    public async Task Revoked_certificate_opens_nothing()
    {
        var home = await LogIn("ed25519", 256, "revoked");
        using var key = new PrivateKeyFile($"{home}/id", null, $"{home}/id-cert.pub");
        using (var client = Client(world.Certified, "postgres", key, new KnownHost(world, "db1")))
            await client.ConnectAsync(default);

        (await world.Daemon.Administrator.Types("tctl", "certs", "revoke", $"{key.Certificate!.Serial}")).Done();

        await AssertRefused("postgres", key);
    }

    [PeopleFact]
    public async Task Host_certificate_contains_what_the_daemon_signed()
    {
        var home = await LogIn("ed25519", 256, "reader");
        using var key = new PrivateKeyFile($"{home}/id", null, $"{home}/id-cert.pub");
        var known = new KnownHost(world, "db1");
        using var client = Client(world.Certified, "postgres", key, known);
        await client.ConnectAsync(default);

        Assert.Equal("ssh-ed25519-cert-v01@openssh.com", client.ConnectionInfo.CurrentHostKeyAlgorithm);
        var shown = known.Shown!;
        Assert.Equal((HostCertificate.CertificateType.Host, "db1"), (shown.Type, shown.KeyId));
        Assert.Equal(["db1", "127.0.0.1"], shown.ValidPrincipals);
        Assert.Equal((0, 0), (shown.CriticalOptions.Count, shown.Extensions.Count));
        Assert.InRange(shown.ValidBefore - shown.ValidAfter, TimeSpan.FromDays(30), TimeSpan.FromDays(30) + TimeSpan.FromMinutes(2));
    }

    [PeopleFact]
    public async Task Host_that_the_authority_did_not_certify_is_refused()
    {
        var home = await LogIn("ed25519", 256, "careful");
        using var key = new PrivateKeyFile($"{home}/id", null, $"{home}/id-cert.pub");
        foreach (var (host, name, reason) in new[]
        {
            (world.OfAnotherAuthority, "db1", "another authority signed the certificate"),
            (world.Certified, "db2", "the certificate is for other names: db1, 127.0.0.1"),
            (world.WithoutCertificate, "db1", "the host has no certificate"),
        })
        {
            var known = new KnownHost(world, name);
            using var client = Client(host, "postgres", key, known);
            await Assert.ThrowsAsync<SshConnectionException>(() => client.ConnectAsync(default));
            Assert.Equal(reason, known.Fault);
        }
    }

    private static SshClient Client(TestHost host, string login, PrivateKeyFile key, KnownHost known)
    {
        var client = new SshClient("127.0.0.1", host.Port, login, key);
        client.HostKeyReceived += (_, received) => received.CanTrust = known.Trusts(received.Certificate);
        return client;
    }

    // It is sshd that refuses, after the client trusted the host. An RSA key is offered with each of its algorithms, until sshd has had enough.
    private async Task AssertRefused(string login, PrivateKeyFile key)
    {
        var known = new KnownHost(world, "db1");
        using var client = Client(world.Certified, login, key, known);
        var refusal = await Assert.ThrowsAnyAsync<SshException>(() => client.ConnectAsync(default));
        Assert.Matches("^Permission denied|Too many authentication failures", refusal.Message);
        Assert.Null(known.Fault);
    }

    /// <summary>Logs alice in with a key that ssh-keygen made; the folder with her files.</summary>
    private async Task<string> LogIn(string type, int bits, string? name = null)
    {
        var alice = world.Daemon.Person(Person.Alice);
        alice = alice with { Home = Path.Combine(Path.GetDirectoryName(alice.Home)!, name ?? $"{type}-{bits}") };
        (await alice.Types("bash", "-c", $"umask 077 && mkdir {alice.Home} && ssh-keygen -q -t {type} -b {bits} -N '' -f {alice.Home}/id")).Done();
        (await alice.Types("tsh", "login")).Done();
        return alice.Home;
    }

    /// <summary>Judges the certificate of the host that somebody wants to reach, as the line of known_hosts that tsh writes has ssh do it.</summary>
    private sealed class KnownHost(SshNetWorld world, string name)
    {
        private readonly byte[] authority = world.Daemon.PublicKey("host_ca").ToBlob();

        public HostCertificate? Shown { get; private set; }

        /// <summary>Why the host is not trusted; null for one that is.</summary>
        public string? Fault { get; private set; }

        public bool Trusts(HostCertificate? certificate)
        {
            Shown = certificate;
            Fault = certificate switch
            {
                null => "the host has no certificate",
                { Type: not HostCertificate.CertificateType.Host } => "the certificate is for a user",
                _ when !certificate.CertificateAuthorityKey.AsSpan().SequenceEqual(authority) => "another authority signed the certificate",
                _ when !certificate.ValidPrincipals.Contains(name) => $"the certificate is for other names: {string.Join(", ", certificate.ValidPrincipals)}",
                _ when TimeProvider.System.GetUtcNow() is var now && (now < certificate.ValidAfter || now >= certificate.ValidBefore) => "the certificate is not valid now",
                _ => null,
            };
            return Fault is null;
        }
    }
}
