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
    public async Task Opens_what_its_certificate_says(string type, int bits)
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

    [PeopleTheory]
    [InlineData("rsa", 2048, "the key can not be certified: ")]
    [InlineData("dsa", 1024, "the key can not be certified: ")]
    public async Task Is_refused_when_it_is_weak(string type, int bits, string words)
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
            Assert.StartsWith("the key can not be certified: ", Member((await Certify(await File.ReadAllTextAsync(Path.Combine(alice.Home, file)))).Done(), "detail"));
    }

    [PeopleFact]
    public async Task The_uid_of_unmapped_accounts_is_nobody_even_to_public_routes()
    {
        var nobody = fleet.Daemon.Person(65534);
        var answer = (await nobody.Types("curl", "-s", "--unix-socket", fleet.Daemon.Socket, "http://ca/v1/keys/user")).Done();
        Assert.Equal("the kernel does not say who you are", Member(answer, "detail"));

        var bob = fleet.Daemon.Person(Person.Bob);
        Assert.StartsWith("ssh-ed25519 ", Member((await bob.Types("curl", "-s", "--unix-socket", fleet.Daemon.Socket, "http://ca/v1/keys/user")).Done(), "public_key"));
    }

    [PeopleFact]
    public async Task Nothing_in_the_message_makes_a_caller_somebody_else()
    {
        var bob = fleet.Daemon.Person(Person.Bob);
        var answer = (await bob.Types(
            "curl", "-s", "--unix-socket", fleet.Daemon.Socket, "-H", "X-Remote-User: root", "-H", "X-Forwarded-User: alice", "-H", "Authorization: Basic cm9vdDo=",
            "http://ca/v1/my/requests?user=alice")).Done();
        Assert.Equal("you can not act as user \"alice\"", Member(answer, "detail"));
    }

    [PeopleFact]
    public async Task A_socket_of_somebody_else_is_not_trusted()
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
        }
    }

    Task<Outcome> Certify(string publicKey) => fleet.Alice.Types(
        ["curl", "-s", "--unix-socket", fleet.Daemon.Socket, "-H", "Content-Type: application/json", "--data-binary", "@-", "http://ca/v1/my/certificates"],
        System.Text.Json.JsonSerializer.Serialize(new Dictionary<string, string> { ["public_key"] = publicKey }));

    static string? Member(string json, string name) => System.Text.Json.JsonDocument.Parse(json).RootElement.TryGetProperty(name, out var member) ? member.GetString() : json;
}
