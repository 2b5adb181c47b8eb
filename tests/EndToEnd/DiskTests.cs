using System.Diagnostics;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A disk that takes nothing: what is refused, what stands, and that it heals by itself.</summary>
public sealed class DiskTests
{
    [PeopleFact]
    public async Task A_full_disk_is_unavailable_grants_nothing_and_heals_without_a_restart()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["data"]);
        await Run("mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", scratch["data"]);
        try
        {
            await using var daemon = await TestDaemon.Start(scratch);
            await DaemonTests.Setup(daemon);
            (await daemon.Myself.Types("tsh", "login")).Done();
            var serial = await File.ReadAllTextAsync(Path.Combine(daemon.Myself.Home, "id-cert.pub"));
            using var ca = daemon.Connect();

            // Until nothing more goes in; what is refused then was not done.
            Fill(scratch["data/filler"]);
            var created = new List<string>();
            ProblemException? full = null;
            while (full is null)
            {
                Assert.True(created.Count < 10_000, "the disk never filled up");
                try
                {
                    var name = $"user{created.Count}";
                    await ca.Send(Routes.ApplyResources, new ApplyResources(
                        System.Text.Encoding.UTF8.GetBytes($"{{kind: user, version: v2, metadata: {{name: {name}}}, spec: {{roles: [staff]}}}}"), "user.yaml"));
                    created.Add(name);
                }
                catch (ProblemException e)
                {
                    full = e;
                }
            }
            Assert.Equal((ProblemCode.Unavailable, "the database can not be written right now; nothing was changed"), (full.Problem.Code, full.Problem.Detail));
            var refused = new[]
            {
                await daemon.Myself.Types("tsh", "login"),
                await daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--nowait"),
                await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff"),
            };
            Assert.All(refused, outcome =>
            {
                Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
                Assert.Matches("^(tsh|tctl): error: the database can not be written right now; nothing was changed\n(tsh|tctl): hint: [^\n]*\n$", outcome.Error);
            });
            var copy = await daemon.Administrator.Types("tctl", "backup", daemon.Scratch["copy"]);
            Assert.Equal(1, copy.ExitCode);
            Assert.False(File.Exists(daemon.Scratch["copy"]));

            // Reading goes on, and finds what was answered and nothing else.
            Assert.Equal(created.Append("me").ToHashSet(), await Users(ca));
            Assert.Empty((await ca.Send(Routes.ListRequests, new ListRequests())).Requests);
            Assert.Single((await ca.Send(Routes.ListCertificates, new ListCertificates())).Certificates);
            Assert.Equal(serial, await File.ReadAllTextAsync(Path.Combine(daemon.Myself.Home, "id-cert.pub")));

            var process = daemon.ProcessId;
            File.Delete(scratch["data/filler"]);
            (await daemon.Myself.Types("tsh", "login")).Done();
            (await daemon.Administrator.Types("tctl", "users", "add", "late", "--roles=staff")).Done();
            Assert.Equal(process, daemon.ProcessId);
            // And all of it is there for the next one.
            await daemon.Stop("KILL");
            await daemon.Restart();
            using var again = daemon.Connect();
            Assert.Equal(created.Append("me").Append("late").ToHashSet(), await Users(again));
        }
        finally
        {
            await Run("umount", "-l", scratch["data"]);
        }
    }

    [Fact]
    public async Task A_revocation_list_that_can_not_be_written_is_told_and_catches_up_by_itself()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        var id = await DaemonTests.FileRequest(daemon);
        (await daemon.Administrator.Types("tctl", "requests", "approve", id)).Done();
        (await daemon.Myself.Types("tsh", "login", $"--request-id={id}")).Done();
        using var ca = daemon.Connect();
        var serial = (await ca.Send(Routes.ListCertificates, new ListCertificates(Request: id))).Certificates.Single().Serial;
        // In the place of the list lies what no file can replace.
        File.Delete(daemon.File("revoked.krl"));
        Directory.CreateDirectory(daemon.File("revoked.krl"));

        var denied = await daemon.Administrator.Types("tctl", "requests", "deny", id);

        Assert.Equal((1, ""), (denied.ExitCode, denied.Output));
        Assert.Equal(
            "tctl: error: the decision stands, but the revocation list could not be written yet, so hosts still accept what was revoked\n"
            + "tctl: hint: writing is tried again until it succeeds; the daemon's log says what is in the way\n", denied.Error);
        Assert.Equal("DENIED", (await ca.Send(Routes.GetRequest, new GetRequest(id))).Spec.State);
        Assert.True((await ca.Send(Routes.ListCertificates, new ListCertificates(Request: id))).Certificates.Single().Revoked);
        Assert.Contains("revoked.krl could not be written: ", daemon.Log);
        var status = await daemon.Administrator.Types("tctl", "status");
        Assert.Equal((1, "", "tctl: error: the revocation list can not be read\n"), (status.ExitCode, status.Output, status.Error.Split("tctl: hint")[0]));

        // Nobody asks again.
        Directory.Delete(daemon.File("revoked.krl"));
        await Eventually.Holds(() => File.Exists(daemon.File("revoked.krl")));
        Assert.True(daemon.RevocationList().IsRevoked(daemon.PublicKey("user_ca"), ulong.Parse(serial)));
        (await daemon.Administrator.Types("tctl", "status")).Done();
    }

    [Fact]
    public async Task A_revocation_list_that_can_not_be_written_at_the_start_is_why_there_is_none()
    {
        using var scratch = new Scratch();
        await using (var daemon = await TestDaemon.Start(scratch))
            await daemon.Stop();
        File.Delete(scratch["data/revoked.krl"]);
        Directory.CreateDirectory(scratch["data/revoked.krl"]);

        var refused = await TestDaemon.Refuses(scratch);

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains($"certauthority: error: {scratch["data/revoked.krl"]} can not be written; the log says why\n", refused.Error);
    }

    [Theory]
    [InlineData("missing", null)]
    [InlineData("empty", "")]
    [InlineData("garbage", "SSHKRL\n\0garbage")]
    public async Task A_list_that_would_let_everybody_or_nobody_in_is_written_anew_at_the_start(string list, string? content)
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=me")).Done();
        var before = daemon.RevocationList();
        await daemon.Stop();
        File.Delete(daemon.File("revoked.krl"));
        if (content is not null)
            await File.WriteAllTextAsync(daemon.File("revoked.krl"), content);

        await daemon.Restart();

        Assert.True(daemon.RevocationList().Version > before.Version, list);
        Assert.Equal(before.Revoked, daemon.RevocationList().Revoked);
    }

    static async Task<HashSet<string>> Users(CaClient ca) =>
        [.. (await ca.Send(Routes.GetResources, new GetResources("user"))).Resources.Select(user => user.GetProperty("metadata").GetProperty("name").GetString()!)];

    static void Fill(string path)
    {
        using var filler = File.Create(path, 1);
        var chunk = new byte[4096];
        try
        {
            while (true)
                filler.Write(chunk);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    static async Task Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
