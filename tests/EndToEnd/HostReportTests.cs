using System.Text.Json;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Hosts that fetch say what is in place there, and only what they sign themselves counts.</summary>
public sealed class HostReportTests
{
    [Fact]
    public async Task Fetching_host_reports_what_is_in_place_there()
    {
        using var site = new Scratch();
        var (published, reports, trusted) = (site["published"], Directory.CreateDirectory(site["reports"]).FullName, Directory.CreateDirectory(site["trusted"]).FullName);
        await using var daemon = await TestDaemon.Start(configuration: $"publish_dir: {published}\nreports_dir: {reports}\n");
        var root = daemon.Administrator;
        (await root.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: web1}, spec: {addr: web1.example.com}}")).Done();
        foreach (var name in (string[])["host_key", "other_key"])
            (await root.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", site[name])).Done();
        (await root.Types("tctl", "auth", "sign", "--host=web1", site["host_key.pub"])).Done();
        await Eventually.Holds(() => File.Exists(Path.Combine(published, "web1-cert.pub")) && File.Exists(Path.Combine(published, "audit/checkpoint")));

        (await Pull("--new-ca")).Done();
        await Eventually.Holds(async () => await Report() is not null, "the report is read");
        var report = (await Report())!.Value;
        Assert.True(report.GetProperty("up_to_date").GetBoolean());
        Assert.Equal(File.ReadAllLines(Path.Combine(trusted, "audit.checkpoint"))[1], report.GetProperty("witnessed").GetString());
        Assert.Matches("web1 .* [0-9]+, [0-9]+s ago, as it says", (await root.Types("tctl", "nodes", "ls")).Done());

        // What another key signs, what is older, and what is no report changes nothing; the log says why.
        var good = await File.ReadAllTextAsync(Path.Combine(reports, "web1"));
        var first = report.GetProperty("time").GetString();
        (await Pull("--config-of", site["other_key"])).Done();
        await Said("it was not signed by the host key that is on record");
        await File.WriteAllTextAsync(Path.Combine(reports, "web1"), good.Replace("node web1", "node web2", StringComparison.Ordinal));
        await Said("it is malformed, or of another node");
        await File.WriteAllTextAsync(Path.Combine(reports, "web1"), good.Replace("version 1", "version 2", StringComparison.Ordinal));
        await Said("its signature does not fit");
        await File.WriteAllTextAsync(Path.Combine(reports, "web1"), good);
        await Said("it is not later than the last one, or from the future");
        Assert.Equal(first, (await Report())!.Value.GetProperty("time").GetString());

        // It is what a rotation waits for. A host that does not take the next key yet reports all the same.
        Assert.Contains("not confirmed: web1: it fetches its files, and has not reported these keys", (await root.Types("tctl", "auth", "rotate", "user")).Done(), StringComparison.Ordinal);
        Assert.Equal(1, (await root.Types("tctl", "auth", "rotate", "user")).ExitCode);
        Assert.Contains("it was not taken, and everything else was", (await Pull("")).Error, StringComparison.Ordinal);
        await Eventually.Holds(async () => (await Report())!.Value.GetProperty("time").GetString() != first, "the host reports all the same");
        (await Pull("--new-ca")).Done();
        await Eventually.Holds(async () => (await root.Types("tctl", "auth", "rotate", "user")).ExitCode == 0, "the host has confirmed");

        // What was read before is no news after a start.
        var before = Faults();
        await daemon.Stop();
        await daemon.Restart();
        (await Pull("")).Done();
        var last = (await Report())!.Value.GetProperty("time").GetString();
        await Eventually.Holds(async () => (await Report())!.Value.GetProperty("time").GetString() != last || File.ReadAllText(Path.Combine(reports, "web1")).Contains(last!, StringComparison.Ordinal), "the report is read");
        Assert.Equal(before, Faults());

        int Faults() => daemon.Log.Split("does not count").Length;

        async Task<JsonElement?> Report() =>
            JsonDocument.Parse((await root.Types("tctl", "nodes", "ls", "--format=json")).Done()).RootElement[0].TryGetProperty("report", out var one) ? one : null;

        Task Said(string why) => Eventually.Holds(() => daemon.Log.Contains($"the report {reports}/web1 does not count: {why}", StringComparison.Ordinal));

        Task<Outcome> Pull(string option, string? key = null)
        {
            var settings = site.Write("pull.conf", $"SOURCE={published}\nDIR={trusted}\nNODE=web1\nREPORT={reports}\nHOST_KEY={key ?? site["host_key"]}\n");
            return root.Types([PulledHost.Puller, "--config", settings, .. key is null && option.Length > 0 ? (string[])[option] : []]);
        }
    }

    [Fact]
    public async Task Report_that_cannot_be_left_is_said_after_everything_else()
    {
        using var site = new Scratch();
        await using var daemon = await TestDaemon.Start(configuration: $"publish_dir: {site["published"]}\n");
        Directory.CreateDirectory(site["trusted"]);
        (await daemon.Administrator.Types("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", site["host_key"])).Done();
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: web1}, spec: {addr: web1.example.com}}")).Done();
        (await daemon.Administrator.Types("tctl", "auth", "sign", "--host=web1", site["host_key.pub"])).Done();
        await Eventually.Holds(() => File.Exists(site["published/web1-cert.pub"]));
        var settings = site.Write("pull.conf", $"SOURCE={site["published"]}\nDIR={site["trusted"]}\nNODE=web1\nREPORT={site["nowhere"]}\nHOST_KEY={site["host_key"]}\n");
        var pulled = await daemon.Administrator.Types(PulledHost.Puller, "--config", settings, "--new-ca");
        Assert.Equal(1, pulled.ExitCode);
        Assert.Contains($"certauthority-pull: error: the report could not be left at {site["nowhere"]}: ", pulled.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(site["trusted/revoked.krl"]) && File.Exists(site["trusted/audit.checkpoint"]));
        foreach (var (setting, told) in ((string, string)[])[("REPORT=nowhere", "REPORT takes https://, HOST:PATH for rsync over ssh, or a directory, not nowhere"), ("REPORT=/mnt", "REPORT needs NODE, the name under which this host reports")])
        {
            var refused = await daemon.Administrator.Types(PulledHost.Puller, "--config", site.Write("bad.conf", $"SOURCE=/mnt\n{setting}\n"));
            Assert.Contains(told, refused.Error, StringComparison.Ordinal);
        }
    }
}
