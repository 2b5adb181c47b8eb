using System.Diagnostics;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A disk that takes nothing: what is refused, what stands, and that it heals by itself.</summary>
public sealed class DiskTests
{
    private const string Full = "the disk of the daemon is full, and what is left is kept for revoking, locking and denying; nothing was changed";

    [PeopleFact]
    public async Task Full_disk_allows_revoking_and_rejects_granting()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["data"]);
        await Run("mount", "-t", "tmpfs", "-o", "size=32m,mode=700", "tmpfs", scratch["data"]);
        try
        {
            await using var daemon = await TestDaemon.Start(scratch, configuration: TestDaemon.ManyLogins + $"notify: {{command: [/bin/sh, -c, 'cat >> {scratch["told"]}']}}\n");
            await DaemonTests.Setup(daemon);
            var (root, me) = (daemon.Administrator, daemon.Myself);
            (await root.Types("tctl", "users", "add", "leaver", "--roles=staff")).Done();
            (await me.Types("tsh", "login")).Done();
            var mine = await Serial(daemon);
            var approved = await DaemonTests.FileRequest(daemon);
            (await root.Types("tctl", "requests", "approve", approved)).Done();
            (await me.Types("tsh", "login", $"--request-id={approved}")).Done();
            var granted = await Serial(daemon, approved);
            var (denied, cancelled) = (await DaemonTests.FileRequest(daemon), await DaemonTests.FileRequest(daemon));
            var held = (await root.Types("tctl", "status")).Done();
            Assert.Matches("\ndisk: [0-9]+% used, [0-9]+ MiB left \\(", held);

            // What the files have already may still be used, up to the reserve.
            Fill(scratch["data/filler"]);
            using (var ca = daemon.Connect())
                for (var (i, isFull) = (0, false); !isFull; i++)
                {
                    Assert.True(i < 10_000, "the disk never filled up");
                    try
                    {
                        await ca.Send(Routes.ApplyResources, new ApplyResources(
                            System.Text.Encoding.UTF8.GetBytes($"{{kind: user, version: v2, metadata: {{name: user{i}}}, spec: {{roles: [staff]}}}}"), "user.yaml"));
                    }
                    catch (ProblemException e)
                    {
                        Assert.Equal((ProblemCode.Unavailable, Full), (e.Problem.Code, e.Problem.Detail));
                        isFull = true;
                    }
                }
            await Gives(daemon, nothing: true);
            var full = await root.Types("tctl", "status");
            Assert.Equal((1, $"tctl: error: the disk with {scratch["data"]} is full: only revoking, locking and denying go on until there is room"), (full.ExitCode, full.Error.Split('\n')[0]));

            // Whatever is given back meanwhile, somebody else takes it.
            foreach (var taking in (string[][])
                     [
                         ["tctl", "requests", "deny", denied], ["tctl", "requests", "deny", approved], ["tctl", "certs", "revoke", mine],
                         ["tctl", "users", "rm", "leaver"], ["tctl", "requests", "rm", denied],
                     ])
            {
                (await root.Types(taking)).Done();
                Fill(scratch["data/filler"]);
            }
            (await me.Types("tsh", "request", "cancel", cancelled)).Done();
            Assert.All([mine, granted], serial => Assert.True(daemon.RevocationList().IsRevoked(daemon.PublicKey("user_ca"), ulong.Parse(serial)), serial));
            for (var i = 0; i < 60; i++)
            {
                (await root.Types("tctl", "lock", $"--login=login{i}")).Done();
                Fill(scratch["data/filler"]);
            }

            // A start does not need more.
            await daemon.Stop("KILL");
            Fill(scratch["data/filler"]);
            await daemon.Restart();
            var locked = (await root.Types("tctl", "lock", "--user=me")).Done().Split('\'')[1];
            (await root.Types(["tctl", "create"], "{kind: lock, version: v2, metadata: {name: written}, spec: {target: {login: written}}}")).Done();
            await Gives(daemon, nothing: true);
            await Eventually.Holds(() => Told().Contains("\"disk.low\""));
            Assert.Contains("is full: from now on nothing is granted or changed", daemon.Log);

            // The audit has the kill, and the stop, which takes no longer than elsewhere.
            Assert.Contains("left no record of its stop", (await AuditTests.About(daemon, "daemon.started"))[0].Reason);
            var clock = Stopwatch.StartNew();
            Assert.Equal(0, await daemon.Stop());
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(4));
            File.Delete(scratch["data/filler"]);
            await daemon.Restart();
            Assert.Null((await AuditTests.About(daemon, "daemon.started"))[0].Reason);
            Assert.Single(await AuditTests.About(daemon, "daemon.stopped"));
            (await root.Types("tctl", "rm", $"lock/{locked}")).Done();
            await Gives(daemon, nothing: false);
            (await root.Types("tctl", "status")).Done();
            await Eventually.Holds(() => Told().Contains("\"disk.fine\""));
        }
        finally
        {
            await Run("umount", "-l", scratch["data"]);
        }

        string Told() => File.Exists(scratch["told"]) ? File.ReadAllText(scratch["told"]) : "";
    }

    private static async Task Gives(TestDaemon daemon, bool nothing)
    {
        foreach (var (who, giving) in (ValueTuple<Person, string[]>[])
                 [
                     (daemon.Myself, ["tsh", "login"]),
                     (daemon.Myself, ["tsh", "request", "create", "--roles=dba", "--nowait"]),
                     (daemon.Administrator, ["tctl", "users", "add", "late", "--roles=staff"]),
                 ])
        {
            var given = await who.Types(giving);
            if (nothing)
                Assert.Equal((1, "", $"{giving[0]}: error: {Full}\n{giving[0]}: hint: an administrator makes room on it; {(giving[0] == "tsh" ? "an administrator sees where: tctl status" : "tctl status says where")}\n"), (given.ExitCode, given.Output, given.Error));
            else
                given.Done();
        }
    }

    private static async Task<string> Serial(TestDaemon daemon, string? request = null)
    {
        using var ca = daemon.Connect();
        return (await ca.Send(Routes.ListCertificates, new ListCertificates(Request: request))).Certificates.Single().Serial;
    }

    [Fact]
    public async Task Failed_revocation_list_write_is_reported_and_retried()
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
        Assert.Equal((1, "", "tctl: error: the revocation list cannot be read\n"), (status.ExitCode, status.Output, status.Error.Split("tctl: hint")[0]));

        // Nobody asks again.
        Directory.Delete(daemon.File("revoked.krl"));
        await Eventually.Holds(() => File.Exists(daemon.File("revoked.krl")));
        Assert.True(daemon.RevocationList().IsRevoked(daemon.PublicKey("user_ca"), ulong.Parse(serial)));
        (await daemon.Administrator.Types("tctl", "status")).Done();
    }

    [Fact]
    public async Task Unwritable_revocation_list_stops_the_start()
    {
        using var scratch = new Scratch();
        await using (var daemon = await TestDaemon.Start(scratch))
            await daemon.Stop();
        File.Delete(scratch["data/revoked.krl"]);
        Directory.CreateDirectory(scratch["data/revoked.krl"]);

        var refused = await TestDaemon.Refuses(scratch);

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains($"certauthority: error: {scratch["data/revoked.krl"]} cannot be written; the log says why\n", refused.Error);
    }

    [Theory]
    [InlineData("missing", null)]
    [InlineData("empty", "")]
    [InlineData("garbage", "SSHKRL\n\0garbage")]
    public async Task Start_rewrites_a_missing_empty_or_garbage_revocation_list(string list, string? content)
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

    private static void Fill(string path)
    {
        using var filler = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 1);
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

    private static async Task Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
