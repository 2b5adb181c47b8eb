using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Alone on the machine: so many processes at once would keep others' tests waiting.</summary>
[CollectionDefinition(nameof(ConcurrentLoginTests), DisableParallelization = true)]
public sealed class AloneCollection;

/// <summary>Many tsh at once on one home: what stands there belongs together, at every moment.</summary>
[Collection(nameof(ConcurrentLoginTests))]
public sealed class ConcurrentLoginTests : IAsyncLifetime
{
    private const int Logins = 20;

    private TestDaemon daemon = null!;

    private Person Me => daemon.Myself;

    public async Task InitializeAsync()
    {
        daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: plain}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: me}, spec: {roles: [plain], unix_users: ['ACCOUNT']}}
            """.Replace("ACCOUNT", World.Account))).Done();
    }

    public async Task DisposeAsync() => await daemon.DisposeAsync();

    [Fact]
    public async Task Twenty_logins_agree_on_one_key_and_readers_see_whole_files()
    {
        var logins = Task.WhenAll(Enumerable.Range(0, Logins).Select(_ => AtLeisure("login")));
        var keys = new HashSet<string>();
        var seen = 0;
        while (!logins.IsCompleted)
        {
            if (File.Exists(InHome("id.pub")))
                keys.Add(File.ReadAllText(InHome("id.pub")));
            // Once it is there it is never away again.
            if (seen > 0 || File.Exists(InHome("id-cert.pub")))
            {
                seen++;
                var certificate = Certificate.ParseLine(File.ReadAllText(InHome("id-cert.pub")).Trim());
                Assert.Equal(PublicKey.ParseLine(Assert.Single(keys).Trim()), certificate.Key);
                if (seen % 20 == 1)
                    Assert.Contains("Type: ssh-ed25519-cert-v01@openssh.com user certificate", (await Me.Types("ssh-keygen", "-L", "-f", InHome("id-cert.pub"))).Done());
            }
            await Task.Delay(5);
        }
        Assert.All(await logins, login => login.Done());
        Assert.True(seen > 0);
        await BelongTogether();
    }

    [Fact]
    public async Task Logout_between_logins_leaves_all_files_or_none()
    {
        for (var round = 0; round < 2; round++)
        {
            var commands = await Task.WhenAll(Enumerable.Range(0, Logins).Select(i => AtLeisure(i % 4 == 3 ? "logout" : "login")));
            foreach (var command in commands.Where(command => command.ExitCode != 0))
                Assert.Equal(
                    (1, $"tsh: error: the key in {Me.Home} was removed or replaced while its certificate was made\ntsh: hint: tsh login\n"), (command.ExitCode, command.Error));
            await BelongTogether();
        }
    }

    // So many at once take as long as the machine needs.
    private async Task<Outcome> AtLeisure(string command)
    {
        using var process = Me.Start("tsh", command);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(5));
        return new Outcome(process.ExitCode, await output, await error);
    }

    // Judged by ssh-keygen: the public key is the private key's, and the certificate is of that key.
    private async Task BelongTogether()
    {
        if (!File.Exists(InHome("id")))
        {
            Assert.False(File.Exists(InHome("id-cert.pub")));
            return;
        }
        var derived = (await Me.Types("ssh-keygen", "-y", "-f", InHome("id"))).Done();
        Assert.Equal(derived.Split(' ')[..2], File.ReadAllText(InHome("id.pub")).Split(' ')[..2]);
        if (!File.Exists(InHome("id-cert.pub")))
            return;
        var fingerprint = (await Me.Types("ssh-keygen", "-l", "-f", InHome("id.pub"))).Done().Split(' ')[1];
        Assert.Contains($"Public key: ED25519-CERT {fingerprint}\n", (await Me.Types("ssh-keygen", "-L", "-f", InHome("id-cert.pub"))).Done());
        Assert.Equal(
            ["id", "id-cert.pub", "id.pub", "known_cas", "profile"], Directory.EnumerateFiles(Me.Home).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private string InHome(string name) => Path.Combine(Me.Home, name);
}
