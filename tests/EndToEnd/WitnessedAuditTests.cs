using Microsoft.Data.Sqlite;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A host that fetches its list also witnesses the audit: whoever holds every key and the database cannot show it another past.</summary>
public sealed class WitnessedAuditTests : IAsyncLifetime, IDisposable
{
    private readonly Scratch scratch = new();
    private TestDaemon daemon = null!;

    private string Published => scratch["published"];

    private string Trusted => scratch["trusted"];

    private string Seen => File.ReadAllText(Path.Combine(Trusted, "audit.checkpoint"));

    public async Task InitializeAsync()
    {
        daemon = await TestDaemon.Start(scratch, configuration: $"publish_dir: {Published}\n");
        await DaemonTests.Setup(daemon);
        Directory.CreateDirectory(Trusted);
        await Entries(1);
        (await Pull("--new-ca")).Done();
    }

    public Task DisposeAsync() => daemon.DisposeAsync().AsTask();

    public void Dispose() => scratch.Dispose();

    [PeopleFact]
    public async Task Every_continuation_is_seen()
    {
        Assert.Equal(Signed(), Seen);
        // Across the ends of tiles, and over two levels.
        foreach (var count in (int[])[1, 2, 300, 7])
        {
            await Entries(count);
            Assert.Equal("", (await Pull()).Done());
            Assert.Equal(Signed(), Seen);
        }
        // What a host knows from the first entry on is what another one knows that begins now.
        var late = Directory.CreateDirectory(scratch["late"]).FullName;
        (await PullInto(late, "--new-ca")).Done();
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(Trusted, "audit.peaks")), await File.ReadAllTextAsync(Path.Combine(late, "audit.peaks")));
    }

    [PeopleFact]
    public async Task Pull_that_ended_before_its_checkpoint_goes_on()
    {
        var before = Seen;
        await Entries(3);
        (await Pull()).Done();
        await File.WriteAllTextAsync(Path.Combine(Trusted, "audit.checkpoint"), before);
        Assert.Equal("", (await Pull()).Done());
        Assert.Equal(Signed(), Seen);
    }

    [PeopleFact]
    public async Task Removed_log_is_published_again_with_the_next_entry()
    {
        await Entries(300);
        (await Pull()).Done();
        Directory.Delete($"{Published}/audit", recursive: true);
        await Entries(1);
        Assert.Equal("", (await Pull()).Done());
        Assert.True(File.Exists($"{Published}/audit/tile/0/000"));
    }

    [PeopleFact]
    public async Task Older_log_is_refused_and_the_list_is_taken()
    {
        (await daemon.Administrator.Types("cp", "-a", $"{Published}/audit", scratch["old"])).Done();
        await Entries(3);
        (await Pull()).Done();
        var seen = Seen;
        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--all", "--yes")).Done();
        await daemon.Stop();
        (await daemon.Administrator.Types("bash", "-c", $"rm -rf {Published}/audit; mv {scratch["old"]} {Published}/audit")).Done();
        Assert.Matches("^certauthority-pull: error: the audit had [0-9]+ entries, and now has [0-9]+; the revocation list and the keys were updated, ", await Refused());
        Assert.Equal(await File.ReadAllBytesAsync($"{Published}/revoked.krl"), await File.ReadAllBytesAsync($"{Trusted}/revoked.krl"));
        Assert.Equal(seen, Seen);
        Directory.Delete($"{Published}/audit", recursive: true);
        Assert.Contains("/audit/checkpoint could not be fetched: ", await Refused(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task History_that_the_daemons_own_key_signed_anew_is_refused()
    {
        await Entries(40);
        await daemon.Stop();
        // One hash of the past is another one, and everything above it fits.
        (await daemon.Administrator.Types("python3", "-c", $"""
            import base64, importlib.util, subprocess
            from pathlib import Path
            spec = importlib.util.spec_from_file_location("verify", "{World.Repository}/scripts/audit-verify.py")
            verify = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(verify)
            log = Path("{Published}/audit")
            origin, size, _ = verify.read_checkpoint((log / "checkpoint").read_text())
            tile = log / verify.path_of(0, 0, size)
            hashes = tile.read_bytes()
            hashes = hashes[:32] + bytes(32) + hashes[64:]
            tile.write_bytes(hashes)
            peaks = []
            for at in range(size):
                verify.add(peaks, hashes[32 * at:32 * at + 32])
            (log / "checkpoint").write_text("%s\n%d\n%s\n\n\u2014 %s AAAA\n" % (origin, size, base64.b64encode(verify.root_of(peaks)).decode(), origin))
            (log / "checkpoint.sig").unlink()
            subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-f", "{daemon.File("audit_key")}", "-n", verify.PURPOSE, log / "checkpoint"], check=True)
            """)).Done();
        Assert.Matches("error: the audit does not go on from the [0-9]+ entries that this host saw; ", await Refused());
        // For a host that comes new it is a log like any other: it has seen nothing.
        var late = Directory.CreateDirectory(scratch["late"]).FullName;
        (await PullInto(late, "--new-ca")).Done();
    }

    [PeopleTheory]
    [InlineData("printf x >> audit/checkpoint", "audit/checkpoint was not signed by the key in ")]
    [InlineData("ssh-keygen -q -t ed25519 -N '' -f other; rm audit/checkpoint.sig; ssh-keygen -Y sign -q -f other -n certauthority-audit-checkpoint audit/checkpoint", "audit/checkpoint was not signed by the key in ")]
    [InlineData("find audit/tile -type f -exec truncate -s -32 {} +", " is too short")]
    [InlineData("find audit/tile -type f -delete", " could not be fetched: ")]
    public async Task Spoiled_log_is_refused(string how, string fault)
    {
        await Entries(3);
        var seen = Seen;
        await daemon.Stop();
        (await daemon.Administrator.Types("bash", "-c", $"cd {Published}; {how}")).Done();
        Assert.Contains(fault, await Refused(), StringComparison.Ordinal);
        Assert.Equal(seen, Seen);
    }

    [PeopleFact]
    public async Task Log_of_another_key_is_taken_only_on_demand()
    {
        await daemon.Stop();
        using (var connection = new SqliteConnection($"Data Source={daemon.File("certauthority.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "DROP TRIGGER audit_kept; DELETE FROM audit WHERE id > 3; DELETE FROM audit_tree; CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN NOT EXISTS (SELECT 1 FROM audit_archive WHERE OLD.id <= through)\nBEGIN SELECT RAISE(ABORT, 'an entry of the audit cannot be removed before it is archived'); END";
            command.ExecuteNonQuery();
        }
        // The daemon itself knows of nothing any more.
        foreach (var file in (string[])["audit_checkpoint", "audit_key", "audit_key.pub"])
            File.Delete(daemon.File(file));
        await daemon.Restart();
        await Entries(1);
        (await daemon.Administrator.Types("tctl", "audit", "verify")).Done();
        Assert.Contains("/manifest was not signed by SHA256:", await Refused(), StringComparison.Ordinal);
        (await Pull("--new-log")).Done();
        Assert.Equal("", (await Pull()).Done());
        Assert.Equal(Signed(), Seen);
    }

    /// <summary>Makes entries, and waits until a checkpoint with them is published.</summary>
    private async Task Entries(int count)
    {
        var before = File.Exists($"{Published}/audit/checkpoint") ? Signed() : "";
        var roles = string.Join("\n---\n", Enumerable.Range(0, count).Select(n => $"{{kind: role, version: v7, metadata: {{name: role-{Guid.NewGuid()}}}, spec: {{allow: {{logins: [deploy]}}}}}}"));
        (await daemon.Administrator.Types(["tctl", "create"], roles)).Done();
        var last = (await daemon.Administrator.Types("bash", "-c", "tctl audit ls --limit=1 --format=json | jq .[0].seq")).Done().Trim();
        await Eventually.Holds(() => File.Exists($"{Published}/audit/checkpoint") && Signed() != before && Signed().Split('\n')[1] == last);
    }

    private string Signed() => File.ReadAllText($"{Published}/audit/checkpoint");

    private async Task<string> Refused()
    {
        var outcome = await Pull();
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.EndsWith("certauthority-pull --new-log\n", outcome.Error, StringComparison.Ordinal);
        return outcome.Error;
    }

    private Task<Outcome> Pull(params string[] arguments) => PullInto(Trusted, arguments);

    private Task<Outcome> PullInto(string directory, params string[] arguments) => daemon.Administrator.Types(
        [PulledHost.Puller, "--config", scratch.Write("pull.conf", $"SOURCE={Published}\nDIR={directory}\n"), .. arguments]);
}
