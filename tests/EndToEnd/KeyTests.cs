namespace CertAuthority.Tests.EndToEnd;

/// <summary>Keys of every type that is certified, brought to the API by hand, with sshd as the judge; and callers whom nobody knows.</summary>
public sealed class KeyTests(Fleet fleet) : IClassFixture<Fleet>
{
    [PeopleTheory]
    [InlineData("ed25519", 256)]
    [InlineData("ecdsa", 256)]
    [InlineData("ecdsa", 384)]
    [InlineData("ecdsa", 521)]
    [InlineData("rsa", 3072)]
    public async Task Key_of_any_type_opens_what_its_certificate_says(string type, int bits)
    {
        await fleet.LogIn("prod");
        var alice = fleet.Alice with { Home = fleet.Daemon.Scratch[$"key-{type}-{bits}"] };
        Directory.CreateDirectory(alice.Home);
        var key = Path.Combine(alice.Home, "id");
        (await fleet.Daemon.Administrator.Types("ssh-keygen", "-q", "-t", type, "-b", $"{bits}", "-N", "", "-f", key)).Done();

        var answer = (await Certify(await File.ReadAllTextAsync($"{key}.pub"))).Done();
        await File.WriteAllTextAsync(Path.Combine(alice.Home, "id-cert.pub"), Member(answer, "certificate") + "\n");

        Assert.Contains($"{bits}", (await fleet.Daemon.Administrator.Types("ssh-keygen", "-l", "-f", Path.Combine(alice.Home, "id-cert.pub"))).Done());
        Assert.True(await fleet.Hosts["db1"].LetsIn(alice, "postgres"), fleet.Hosts["db1"].Log);
        Assert.False(await fleet.Hosts["db2"].LetsIn(alice, "postgres"));
    }

    // sshd is unmodified, so what it takes from a CA of another kind is what any host takes.
    [PeopleTheory]
    [InlineData("ecdsa", 256, "ECDSA", true)]
    [InlineData("rsa", 3072, "RSA", true)]
    [InlineData("ecdsa", 384, "ECDSA", false)]
    [InlineData("ecdsa", 521, "ECDSA", false)]
    [InlineData("rsa", 4096, "RSA", false)]
    public async Task Key_under_another_kind_of_CA_works_until_revoked(string type, int bits, string kind, bool made)
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["data"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var administrator = new Person(null, scratch["admin"], "");
        if (!made)
            foreach (var name in (string[])["user_ca", "host_ca"])
                (await administrator.Types("ssh-keygen", "-q", "-t", type, "-b", $"{bits}", "-N", "", "-C", name, "-f", scratch[$"data/{name}"])).Done();
        await using var daemon = await TestDaemon.Start(scratch, arguments: ["--config", scratch.Write("certauthority.yaml", $"new_ca_keys: {(made ? type : "ed25519")}\n")]);
        foreach (var name in (string[])["user_ca", "host_ca"])
            Assert.Matches($@"^{bits} .* \({kind}\)$", (await administrator.Types("ssh-keygen", "-l", "-f", daemon.File($"{name}.pub"))).Done().Trim());
        var (alice, db1) = (daemon.Person(Person.Alice), await TestHost.Create(daemon, "db1"));
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: role, version: v7, metadata: {name: everywhere}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}")).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "alice", "--roles=everywhere")).Done();

        (await alice.Types("tsh", "login")).Done();

        Assert.True(await db1.LetsIn(alice, "postgres"), db1.Log);
        Assert.Contains($"CA {kind} SHA256:", db1.Log);
        Assert.False(await db1.LetsIn(alice, "deploy"));
        (await daemon.Administrator.Types("tctl", "users", "rm", "alice")).Done();
        Assert.False(await db1.LetsIn(alice, "postgres"));
        Assert.Contains("revoked", db1.Log);
    }

    [PeopleTheory]
    [InlineData("sk-ssh-ed25519@openssh.com", "ssh-ed25519", "ED25519-SK")]
    [InlineData("sk-ecdsa-sha2-nistp256@openssh.com", "ecdsa-sha2-nistp256", "ECDSA-SK")]
    public async Task Security_key_is_certified_in_place(string type, string inside, string kind)
    {
        // The line of a security key, by hand: the numbers of another key, and "ssh:" behind them.
        var alice = await fleet.LogIn("prod");
        var home = Path.GetDirectoryName(alice.Home)!;
        var (key, file) = (Path.Combine(home, $"for-{kind}"), Path.Combine(home, $"{kind}.pub"));
        (await alice.Types("ssh-keygen", "-q", "-t", inside.Split('-')[0] == "ssh" ? "ed25519" : "ecdsa", "-N", "", "-f", key)).Done();
        var fields = Convert.FromBase64String((await File.ReadAllTextAsync($"{key}.pub")).Split(' ')[1])[(4 + inside.Length)..];
        var blob = new OpenSsh.WireWriter().String(type).Raw(fields).String("ssh:").ToArray();
        await File.WriteAllTextAsync(file, $"{type} {Convert.ToBase64String(blob)} alice\n");

        var login = await alice.Types("tsh", "login", "--key", file, "--ttl=1h");

        Assert.Contains("user: alice", login.Done());
        var certificate = Path.Combine(home, $"{kind}-cert.pub");
        Assert.Equal($"tsh: hint: ssh -i {file} -o CertificateFile={certificate} LOGIN@HOST\n", login.Error);
        var shown = (await alice.Types("ssh-keygen", "-L", "-f", certificate)).Done();
        Assert.Contains($"Public key: {kind}-CERT ", shown);
        Assert.Contains("postgres@db1", shown);
    }

    [PeopleTheory]
    [InlineData("prod")]
    [InlineData("base")]
    public async Task Login_with_out_writes_a_key_that_opens_what_roles_grant(string roles)
    {
        var alice = await fleet.LogIn(roles);
        var job = fleet.Alice with { Home = Path.Combine(Path.GetDirectoryName(alice.Home)!, $"job-{roles}") };
        (await alice.Types("mkdir", job.Home)).Done();
        var request = roles == "base" ? await fleet.Request("everywhere") : null;
        if (request is not null)
            await fleet.Tctl(["requests", "approve", request]);
        var old = await File.ReadAllTextAsync(Path.Combine(alice.Home, "id-cert.pub"));

        (await alice.Types(["tsh", "login", "--out", Path.Combine(job.Home, "id"), .. request is null ? (string[])[] : [$"--request-id={request}"]])).Done();

        Assert.True(await fleet.Hosts["db1"].LetsIn(job, "postgres"), fleet.Hosts["db1"].Log);
        Assert.False(await fleet.Hosts["db1"].LetsIn(job, "root"));
        Assert.Equal(["id", "id-cert.pub", .. request is null ? (string[])[] : ["id-everyday-cert.pub"], "id-known_hosts", "id.pub"], Directory.GetFiles(job.Home).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(old, await File.ReadAllTextAsync(Path.Combine(alice.Home, "id-cert.pub")));
    }

    [PeopleFact]
    public async Task Key_of_a_script_is_renewed_in_place()
    {
        var alice = await fleet.LogIn("prod");
        var folder = fleet.Daemon.Scratch["script"];
        (await fleet.Daemon.Administrator.Types("install", "-d", "-o", $"{Person.Alice}", folder)).Done();
        var job = Path.Combine(folder, "job");
        var login = await alice.Types("tsh", "login", "--out", job, "--ttl=1h");
        login.Done();
        Assert.StartsWith($"tsh: hint: ssh -i {job} -o UserKnownHostsFile={job}-known_hosts LOGIN@HOST\n", login.Error);
        Assert.Matches($"^@cert-authority \\* {System.Text.RegularExpressions.Regex.Escape(fleet.Daemon.PublicKey("host_ca").ToString())} installation [0-9a-f]{{16}}\n$", await File.ReadAllTextAsync($"{job}-known_hosts"));
        var (key, first) = (await File.ReadAllTextAsync(job), await File.ReadAllTextAsync($"{job}-cert.pub"));

        (await alice.Types("tsh", "login", "--out", job, "--ttl=1h")).Done();

        Assert.Equal(key, await File.ReadAllTextAsync(job));
        Assert.NotEqual(first, await File.ReadAllTextAsync($"{job}-cert.pub"));
        // A key that no login has made stays.
        (await alice.Types("bash", "-c", $"rm {job} {job}.pub && ssh-keygen -q -t ed25519 -N '' -f {job}")).Done();
        var refused = await alice.Types("tsh", "login", "--out", job);
        Assert.Equal((1, $"tsh: error: {job} exists, and a key is never replaced\ntsh: hint: to certify the key that is there: tsh login --key {job}.pub\n"), (refused.ExitCode, refused.Error));
    }

    [PeopleFact]
    public async Task Key_and_certificate_of_another_authority_are_kept()
    {
        var alice = await fleet.LogIn("prod");
        var folder = fleet.Daemon.Scratch["own"];
        (await fleet.Daemon.Administrator.Types("install", "-d", "-o", $"{Person.Alice}", folder)).Done();
        var key = Path.Combine(folder, "id");
        // Two empty lines and a comment, as ssh-keygen takes them.
        (await alice.Types("bash", "-c", $"ssh-keygen -q -t ed25519 -N '' -f {key} && ssh-keygen -q -t rsa -b 2048 -N '' -f {folder}/weak && printf '# mine\n\n\n' >> {key}.pub")).Done();
        (await alice.Types("tsh", "login", "--key", $"{key}.pub", "--ttl=1h")).Done();
        // Ours is replaced.
        (await alice.Types("tsh", "login", "--key", $"{key}.pub", "--ttl=1h")).Done();

        (await alice.Types("ssh-keygen", "-q", "-s", $"{folder}/weak", "-I", "other", "-n", "root", $"{key}.pub")).Done();
        var other = await File.ReadAllTextAsync($"{key}-cert.pub");
        var refused = await alice.Types("tsh", "login", "--key", $"{key}.pub");

        Assert.Equal((1, $"tsh: error: {key}-cert.pub is a certificate of another authority, so it is not replaced\ntsh: hint: name another file with --out\n"), (refused.ExitCode, refused.Error));
        Assert.Equal(other, await File.ReadAllTextAsync($"{key}-cert.pub"));
        (await alice.Types("tsh", "login", "--key", $"{key}.pub", "--out", $"{folder}/elsewhere-cert.pub", "--ttl=1h")).Done();
        Assert.True(File.Exists($"{folder}/elsewhere-cert.pub-known_hosts"));
    }

    [PeopleTheory]
    [InlineData("rsa", 2048, "the key cannot be certified: ")]
    [InlineData("dsa", 1024, "the key cannot be certified: ")]
    public async Task Weak_key_is_rejected(string type, int bits, string words)
    {
        await fleet.LogIn("prod");
        var key = fleet.Daemon.Scratch[$"weak-{type}"];
        (await fleet.Daemon.Administrator.Types("ssh-keygen", "-q", "-t", type, "-b", $"{bits}", "-N", "", "-f", key)).Done();

        var answer = (await Certify(await File.ReadAllTextAsync($"{key}.pub"))).Done();

        Assert.StartsWith(words, Member(answer, "detail"));
    }

    [PeopleFact]
    public async Task A_certificate_or_a_private_key_is_not_certified()
    {
        var alice = await fleet.LogIn("prod");
        foreach (var file in (string[])["id-cert.pub", "id"])
            Assert.StartsWith("the key cannot be certified: ", Member((await Certify(await File.ReadAllTextAsync(Path.Combine(alice.Home, file)))).Done(), "detail"));
    }

    [PeopleFact]
    public async Task Unmapped_uid_is_refused_even_on_public_routes()
    {
        var nobody = fleet.Daemon.Person(65534);
        var answer = (await nobody.Types("curl", "-s", "--unix-socket", fleet.Daemon.Socket, "http://ca/v1/keys/user")).Done();
        Assert.Equal("the kernel does not say who you are", Member(answer, "detail"));

        var bob = fleet.Daemon.Person(Person.Bob);
        Assert.StartsWith("ssh-ed25519 ", System.Text.Json.JsonDocument.Parse((await bob.Types("curl", "-s", "--unix-socket", fleet.Daemon.Socket, "http://ca/v1/keys/user")).Done()).RootElement.GetProperty("keys")[0].GetProperty("public_key").GetString());
    }

    [PeopleFact]
    public async Task Message_cannot_change_who_the_caller_is()
    {
        var bob = fleet.Daemon.Person(Person.Bob);
        var answer = (await bob.Types(
            "curl", "-s", "--unix-socket", fleet.Daemon.Socket, "-H", "X-Remote-User: root", "-H", "X-Forwarded-User: alice", "-H", "Authorization: Basic cm9vdDo=",
            "http://ca/v1/my/requests?user=alice")).Done();
        Assert.Equal("you cannot act as user \"alice\"", Member(answer, "detail"));
    }

    [PeopleFact]
    public async Task Socket_of_another_user_is_not_trusted()
    {
        // bob runs a daemon of his own where root would look; root's command line asks the kernel who that is.
        var folder = Path.GetDirectoryName(fleet.Daemon.Person(Person.Bob).Home)!;
        var socket = Path.Combine(folder, "ca.sock");
        using var fake = fleet.Daemon.Person(Person.Bob).Start("certauthority", "--data-dir", Path.Combine(folder, "data"), "--socket", socket);
        Assert.Equal($"ready: unix:{socket}", await fake.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)));
        try
        {
            var asked = await (fleet.Daemon.Administrator with { Server = $"unix:{socket}" }).Types("tctl", "users", "ls");
            Assert.Equal((3, ""), (asked.ExitCode, asked.Output));
            Assert.Contains($"runs as uid {Person.Bob}, which is neither root", asked.Error);
        }
        finally
        {
            fake.Kill(entireProcessTree: true);
            await fake.WaitForExitAsync();
        }
    }

    private Task<Outcome> Certify(string publicKey) => fleet.Alice.Types(
        ["curl", "-s", "--unix-socket", fleet.Daemon.Socket, "-H", "Content-Type: application/json", "--data-binary", "@-", "http://ca/v1/my/certificates"],
        System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, string> { ["public_key"] = publicKey }));

    private static string? Member(string json, string name) => System.Text.Json.JsonDocument.Parse(json).RootElement.TryGetProperty(name, out var member) ? member.GetString() : json;
}
