using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A daemon with hosts around it, and an operator whose ssh gets into them: root on the daemon's host, with a home of his own that has a key and knows nobody.</summary>
internal sealed class EnrolledFleet : IAsyncDisposable
{
    private EnrolledFleet(TestDaemon daemon) => Daemon = daemon;

    public TestDaemon Daemon { get; }

    /// <summary>The key that lets the operator into a host before it is enrolled.</summary>
    public string Key { get; private set; } = "";

    public Person Operator => Daemon.Administrator with
    {
        Around = [Path.Combine(World.Repository, "tests", "laptop"), "0", Daemon.Scratch["operator"], Daemon.Scratch["nothing"]],
    };

    /// <param name="configuration">Of the daemon, after its own lines.</param>
    /// <param name="around">A command under which the daemon runs.</param>
    public static async Task<EnrolledFleet> Start(string configuration = "", string[]? around = null)
    {
        var fleet = new EnrolledFleet(await TestDaemon.Start(configuration: TestDaemon.ManyLogins + configuration, around: around));
        if (World.IsRoot)
            await fleet.Furnish();
        return fleet;
    }

    /// <summary>Hosts around a daemon that has been started, by root.</summary>
    public static async Task<EnrolledFleet> Around(TestDaemon daemon)
    {
        var fleet = new EnrolledFleet(daemon);
        await fleet.Furnish();
        return fleet;
    }

    public Task<FleetHost> Host(string name = "db1", string configuration = "", string? release = null) => FleetHost.Start(Daemon, Key, name, configuration, release: release);

    /// <summary>A host that is enrolled, with the label that opens it.</summary>
    public async Task<FleetHost> EnrolledHost(string name = "db1")
    {
        var host = await Host(name);
        (await Enroll(host, "--labels=type=db")).Done();
        return host;
    }

    public Task<Outcome> Tctl(params string[] words) => Daemon.Administrator.Types(["tctl", .. words]);

    public Task<Outcome> Enroll(FleetHost host, params string[] options) => Operator.Types(["tctl", "nodes", "enroll", host.Name, "--ssh", host.Address, .. options]);

    public async Task<Outcome> EnrollByCertificate(FleetHost host) => await (await WithCertificate()).Types("tctl", "nodes", "enroll", host.Name, "--ssh", host.Address);

    /// <summary>The operator, whose ssh has the certificate of his user.</summary>
    public async Task<Person> WithCertificate()
    {
        (await Daemon.Myself.Types("tsh", "login")).Done();
        var config = Daemon.Scratch["operator/.ssh/config"];
        if (!File.ReadAllText(config).Contains("CertificateFile", StringComparison.Ordinal))
            File.AppendAllText(config, $"IdentityFile {Daemon.Myself.Home}/id\nCertificateFile {Daemon.Myself.Home}/id-cert.pub\n");
        // Until now it was known by a plain key.
        File.WriteAllText(Daemon.Scratch["operator/.ssh/known_hosts"], (await Tctl("auth", "export", "--type=host")).Done());
        return Operator;
    }

    public Task<Outcome> ByKey(FleetHost host) => Ssh(host, "echo entered", "");

    public Task<Outcome> Ssh(FleetHost host, string command, string input) =>
        Operator.Types(["ssh", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-p", $"{host.Port}", "root@127.0.0.1", command], input);

    /// <summary>A login by the certificate that <c>tsh login</c> got last.</summary>
    /// <param name="host">Where.</param>
    /// <param name="alias">The name that the host has to prove.</param>
    public async Task<Outcome> ByCertificate(FleetHost host, string? alias = null)
    {
        File.WriteAllText(Daemon.Scratch["known_cas"], (await Tctl("auth", "export", "--type=host")).Done());
        return await Daemon.Myself.Types(
            "ssh", "-F", "none", "-T", "-i", Path.Combine(Daemon.Myself.Home, "id"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", $"HostKeyAlias={alias ?? host.Name}",
            "-o", $"UserKnownHostsFile={Daemon.Scratch["known_cas"]}", "-o", "LogLevel=ERROR", "-p", $"{host.Port}", "root@127.0.0.1", "echo entered");
    }

    /// <summary>A login by a certificate, whatever host key the host shows.</summary>
    /// <param name="host">Where.</param>
    /// <param name="certificate">Its file.</param>
    /// <param name="key">The private key; the file beside the certificate, without.</param>
    public Task<Outcome> Entering(FleetHost host, string certificate, string? key = null) => Daemon.Administrator.Types(
        "ssh", "-F", "none", "-T", "-i", key ?? certificate.Replace("-cert.pub", "", StringComparison.Ordinal), "-o", $"CertificateFile={certificate}", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
        "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-p", $"{host.Port}", "root@127.0.0.1", "echo entered");

    /// <summary>Whether a host has the revocation list that is in place, to the byte.</summary>
    public bool HasTheList(FleetHost host) => File.ReadAllBytes(host["certauthority/revoked.krl"]).AsSpan().SequenceEqual(File.ReadAllBytes(Daemon.File("revoked.krl")));

    /// <summary>What was written to a host, as <c>tctl nodes ls</c> has it.</summary>
    public async Task<JsonElement> Status(string node) =>
        JsonDocument.Parse((await Tctl("nodes", "ls", "--format=json")).Done()).RootElement.EnumerateArray().Single(one => one.GetProperty("name").GetString() == node).GetProperty("sync");

    public async ValueTask DisposeAsync() => await Daemon.DisposeAsync();

    private async Task Furnish()
    {
        (await Daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [root, postgres], node_labels: {type: db}}}}
            ---
            {kind: user, version: v2, metadata: {name: me}, spec: {roles: [dba], unix_users: ['0']}}
            """)).Done();
        Directory.CreateDirectory(Daemon.Scratch["nothing"]);
        var ssh = Directory.CreateDirectory(Daemon.Scratch["operator/.ssh"]).FullName;
        (await Daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path.Combine(ssh, "id"))).Done();
        Key = File.ReadAllText(Path.Combine(ssh, "id.pub"));
        File.WriteAllText(Path.Combine(ssh, "config"), $"IdentityFile {ssh}/id\nStrictHostKeyChecking accept-new\nUserKnownHostsFile {ssh}/known_hosts\n");
    }
}
