namespace CertAuthority.Tests.EndToEnd;

/// <summary>Somebody on the daemon's host fails to log in, again and again, on a host whose sshd punishes the address for that (OpenSSH 9.8 and later).</summary>
public sealed class PenaltyTests : IAsyncLifetime
{
    private EnrolledFleet fleet = null!;

    public async Task InitializeAsync() => fleet = await EnrolledFleet.Start();

    public async Task DisposeAsync() => await fleet.DisposeAsync();

    [PeopleFact]
    public async Task Missing_exemption_is_named_and_an_exemption_avoids_delays()
    {
        await using var db1 = await fleet.Host(release: "trixie");
        (await fleet.Enroll(db1, "--labels=type=db")).Done();
        // The exemption by hand, and nothing else.
        var (dropIn, exemption) = (db1["sshd_config.d/00-certauthority.conf"], db1["sshd_config.d/10-exempt.conf"]);
        File.WriteAllLines(dropIn, File.ReadAllLines(dropIn).Where(line => !line.Contains("PerSourcePenaltyExemptList", StringComparison.Ordinal)));
        await Exempt("PerSourcePenaltyExemptList 127.0.0.1\n");
        Assert.DoesNotContain("PerSourcePenalties", (await fleet.Tctl("nodes", "ls")).Error, StringComparison.Ordinal);
        Assert.True((await fleet.Status("db1")).GetProperty("exempt").GetBoolean());

        // While the loop runs a revocation is there within seconds.
        await using (var loop = FailingLogins.At(fleet, db1))
        {
            await loop.HasFailed(6);
            (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
            var clock = System.Diagnostics.Stopwatch.StartNew();
            Assert.Equal("", (await fleet.Tctl("certs", "revoke", "--wait", "--user=me")).Error.Replace("tctl: hint: me can log in again; to keep me out: tctl lock --user=me\n", "", StringComparison.Ordinal));
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"it took {clock.Elapsed}");
            Assert.True(fleet.HasTheList(db1));
        }

        // As on a host that was enrolled before there was an exemption. With the default settings the daemon slips in between two penalties, sooner or later.
        await Exempt("PerSourcePenalties authfail:600 noauth:600\n");
        Assert.Equal(
            "tctl: warning: failing logins from this address can keep revocation lists out of 1 host (PerSourcePenalties): db1\n"
            + "tctl: hint: tctl nodes enroll db1 --ssh root@HOST again, or PerSourcePenaltyExemptList in its sshd_config: docs/hosts.md, section 6\n", (await fleet.Tctl("nodes", "ls")).Error);
        Assert.False((await fleet.Status("db1")).GetProperty("exempt").GetBoolean());
        var before = File.ReadAllBytes(db1["certauthority/revoked.krl"]);
        await using (var loop = FailingLogins.At(fleet, db1))
        {
            await loop.IsRefused();
            (await fleet.Daemon.Myself.Types("tsh", "login")).Done();
            var revoked = await fleet.Tctl("certs", "revoke", "--wait", "--user=me");
            Assert.Equal(1, revoked.ExitCode);
            Assert.Matches("tctl: error: 1 host of 1 does not have revocation list [0-9]+ yet and still accepts what was revoked\ntctl: error: db1: it refuses this address for now \\(PerSourcePenalties\\), because logins from here failed\n", revoked.Error);
            Assert.Equal(before, File.ReadAllBytes(db1["certauthority/revoked.krl"]));
            // Without the option the same is a warning, at once.
            var status = await fleet.Tctl("status");
            Assert.Equal(0, status.ExitCode);
            Assert.Contains("tctl: warning: db1: it refuses this address for now (PerSourcePenalties)", status.Error, StringComparison.Ordinal);
            var synced = await fleet.Tctl("nodes", "sync", "db1");
            Assert.Contains("tctl: error: nothing can be written to db1: it refuses this address for now (PerSourcePenalties), because logins from here failed\ntctl: hint: it is tried again every few seconds; to exempt this address: tctl nodes enroll db1 --ssh root@HOST again", synced.Error, StringComparison.Ordinal);
        }

        await Exempt("PerSourcePenaltyExemptList 127.0.0.1\n");
        Assert.True(fleet.HasTheList(db1));
        Assert.Equal("", (await fleet.Tctl("nodes", "ls")).Error);

        async Task Exempt(string configuration)
        {
            File.WriteAllText(exemption, configuration);
            // A new sshd has no penalties in its memory.
            await db1.Stop();
            await db1.Restart();
            (await fleet.Tctl("nodes", "sync", "db1")).Done();
        }
    }

    /// <summary>An ordinary account that fails to log in on a host, as fast as it can, until it is disposed of.</summary>
    private sealed class FailingLogins : IAsyncDisposable
    {
        // Whatever happens, it ends.
        private const int Most = 2000;

        private readonly CancellationTokenSource enough = new();
        private readonly Task running;
        private int failed;
        private int refused;

        private FailingLogins(EnrolledFleet fleet, FleetHost host) => running = Task.Run(async () =>
        {
            for (var attempt = 0; attempt < Most && !enough.IsCancellationRequested; attempt++)
            {
                var outcome = await fleet.Daemon.Administrator.Types(
                    "ssh", "-F", "none", "-T", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", Path.Combine(fleet.Daemon.Scratch["operator"], ".ssh/none"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                    "-o", "LogLevel=ERROR", "-p", $"{host.Port}", "nobody@127.0.0.1", "true");
                Interlocked.Increment(ref failed);
                if (outcome.Error.Contains("kex_exchange_identification", StringComparison.Ordinal))
                    Interlocked.Increment(ref refused);
            }
        });

        public static FailingLogins At(EnrolledFleet fleet, FleetHost host) => new(fleet, host);

        public Task HasFailed(int times) => Eventually.Holds(() => failed >= times);

        public Task IsRefused() => Eventually.Holds(() => refused > 0);

        public async ValueTask DisposeAsync()
        {
            await enough.CancelAsync();
            await running;
            enough.Dispose();
        }
    }
}
