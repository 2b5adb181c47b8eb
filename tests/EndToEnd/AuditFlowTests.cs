using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The audit flows to a file, the journal and web servers, whatever is renamed, full, killed or away in between.</summary>
public sealed class AuditFlowTests
{
    [Fact]
    public async Task Kills_and_renames_leave_the_files_as_the_audit()
    {
        using var scratch = new Scratch();
        var file = scratch["audit.jsonl"];
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"{TestDaemon.ManyLogins}audit: {{file: {file}}}\n");
        await DaemonTests.Setup(daemon);
        using var isOver = new CancellationTokenSource();
        var writing = Task.WhenAll(Enumerable.Range(0, 3).Select(_ => AuditFollowTests.Write(daemon, isOver.Token)));
        var renamed = new List<string>();
        for (var round = 0; round < 24; round++)
        {
            await Task.Delay(RandomNumberGenerator.GetInt32(20, 400));
            if (round % 3 != 0 && File.Exists(file))
            {
                renamed.Add($"{file}.{round}");
                File.Move(file, renamed[^1]);
            }
            if (round % 3 != 1)
            {
                await Task.Delay(RandomNumberGenerator.GetInt32(0, 200));
                await daemon.Stop("KILL");
                await daemon.Restart();
            }
        }
        await isOver.CancelAsync();
        await writing;
        await UpToDate(daemon, "file");

        string[] parts = [.. renamed, file];
        Assert.True(parts.Count(part => new FileInfo(part).Length > 0) > 10, "hardly a file has any entries");
        AssertIsAudit(daemon, string.Concat(parts.Select(File.ReadAllText)), first: 1);
        Assert.All(parts, part => Assert.Equal((UnixFileMode)0b110_100_000, File.GetUnixFileMode(part)));
        Assert.True((await File.ReadAllLinesAsync(parts[0])).Length > 0);
        Assert.DoesNotContain("does not reach", daemon.Log);
    }

    [PeopleFact]
    public async Task Full_disk_delays_the_file_and_nothing_else()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["log"]);
        await Run("mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", scratch["log"]);
        try
        {
            var file = scratch["log/audit.jsonl"];
            await using var daemon = await TestDaemon.Start(scratch, configuration: $"{TestDaemon.ManyLogins}audit: {{file: {file}}}\n");
            await DaemonTests.Setup(daemon);
            await UpToDate(daemon, "file");
            // The rest of the disk is not a multiple of a line, so the last line of the file is cut.
            Fill(scratch["log/filler"]);
            (await daemon.Myself.Types("tsh", "login")).Done();
            for (var n = 0; n < 40; n++)
                (await daemon.Administrator.Types("tctl", "users", "update", "me", $"--set-logins=x{n}")).Done();
            (await daemon.Myself.Types("tsh", "login")).Done();
            await Eventually.Holds(async () => await Sink(daemon, "file") is { Failure: not null, Waiting: > 0 }, "the file is behind");
            var behind = await daemon.Administrator.Types("tctl", "status");
            Assert.Equal(1, behind.ExitCode);
            Assert.Matches("\naudit \\(file\\): [1-9][0-9]* waiting, failing since [-0-9T:]+Z: No space left on device", behind.Output);
            Assert.StartsWith("tctl: error: the audit does not reach file: No space left on device", behind.Error);
            await daemon.Stop("KILL");
            await daemon.Restart();
            Assert.Equal(2, daemon.Log.Split("the audit does not reach file, and waits for it: ").Length - 1);

            File.Delete(scratch["log/filler"]);
            await UpToDate(daemon, "file");
            Assert.Contains("file takes the audit again", daemon.Log);
            AssertIsAudit(daemon, await File.ReadAllTextAsync(file), first: 1);
            (await daemon.Administrator.Types("tctl", "status")).Done();
        }
        finally
        {
            await Run("umount", "-l", scratch["log"]);
        }
    }

    [Fact]
    public async Task File_begins_with_the_reload_that_names_it()
    {
        using var scratch = new Scratch();
        var file = scratch["audit.jsonl"];
        await using var daemon = await TestDaemon.Start(scratch, configuration: "audit: {}\n");
        await DaemonTests.Setup(daemon);
        Assert.Null(await Sink(daemon, "file"));
        scratch.Write("certauthority.yaml", $"audit: {{file: {file}}}\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => File.Exists(file) && File.ReadAllText(file).EndsWith('\n'));
        (await daemon.Administrator.Types("tctl", "users", "update", "me", "--set-logins=y")).Done();
        await UpToDate(daemon, "file");
        var reloaded = JsonDocument.Parse(File.ReadLines(file).First()).RootElement;
        Assert.Equal("daemon.reloaded", reloaded.GetProperty("event").GetString());
        Assert.Contains($"file {file}", reloaded.GetProperty("changes").ToString());
        AssertIsAudit(daemon, await File.ReadAllTextAsync(file), reloaded.GetProperty("seq").GetInt64());

        // Somewhere else it goes on where it was; and what happens while it is gone from the configuration is not in it.
        scratch.Write("certauthority.yaml", $"audit: {{file: {file}.elsewhere}}\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(() => File.Exists($"{file}.elsewhere"));
        (await daemon.Administrator.Types("tctl", "users", "update", "me", "--set-logins=z")).Done();
        await UpToDate(daemon, "file");
        Assert.Contains("user.updated", File.ReadAllText($"{file}.elsewhere"));
        await daemon.Stop();
        AssertIsAudit(daemon, File.ReadAllText(file) + File.ReadAllText($"{file}.elsewhere"), reloaded.GetProperty("seq").GetInt64());
        await daemon.Restart();
        await UpToDate(daemon, "file");
        Assert.Contains("daemon.stopped", File.ReadAllText($"{file}.elsewhere"));
        AssertIsAudit(daemon, File.ReadAllText(file) + File.ReadAllText($"{file}.elsewhere"), reloaded.GetProperty("seq").GetInt64());
        scratch.Write("certauthority.yaml", "audit: {}\n");
        await daemon.Signal("HUP");
        await Eventually.Holds(async () => await Sink(daemon, "file") is null, "no sink is left");
    }

    [Fact]
    public async Task Restored_daemon_appends_to_what_was_lost()
    {
        using var scratch = new Scratch();
        var file = scratch["audit.jsonl"];
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"audit: {{file: {file}}}\n");
        await DaemonTests.Setup(daemon);
        await UpToDate(daemon, "file");
        await Eventually.Holds(() => Recorded(daemon) == daemon.StoredAudit()[^1].Seq);
        (await daemon.Administrator.Types("tctl", "backup", scratch["backup.db"])).Done();
        for (var n = 0; n < 5; n++)
            (await daemon.Administrator.Types("tctl", "users", "update", "me", $"--set-logins=lost{n}")).Done();
        await UpToDate(daemon, "file");
        await daemon.Stop("KILL");
        var lost = await File.ReadAllTextAsync(file);
        foreach (var part in (string[])["certauthority.db", "certauthority.db-wal", "certauthority.db-shm"])
            File.Delete(daemon.File(part));
        File.Move(scratch["backup.db"], daemon.File("certauthority.db"));

        await daemon.Restart();
        await UpToDate(daemon, "file");

        var text = await File.ReadAllTextAsync(file);
        Assert.StartsWith(lost, text, StringComparison.Ordinal);
        var first = JsonDocument.Parse(text[lost.Length..].Split('\n')[0]).RootElement.GetProperty("seq").GetInt64();
        AssertIsAudit(daemon, text[lost.Length..], first);
        Assert.InRange(daemon.StoredAudit().First(entry => Encoding.UTF8.GetString(entry.Json).Contains("daemon.restored")).Seq, first, first + 1);
    }

    /// <summary>The position of the file in the database.</summary>
    private static long Recorded(TestDaemon daemon)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={daemon.File("certauthority.db")};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT position FROM audit_sinks WHERE name = 'file'";
        return (long)command.ExecuteScalar()!;
    }

    [Theory]
    [InlineData("audit: {file: audit.jsonl}", "1:15: audit.file takes the absolute path of a file")]
    [InlineData("audit: {file: /nowhere/audit.jsonl}", "1:15: audit.file is in a directory that does not exist: /nowhere")]
    [InlineData("audit:\n  file: LINK", "2:9: audit.file is a symbolic link: LINK; name the file itself")]
    [InlineData("audit:\n  file: OPEN", "2:9: audit.file cannot be used: OPEN has mode 0666, so that others can write there; run: chmod go-w OPEN")]
    [InlineData("audit: {journal: 7}", "1:18: audit.journal takes true or false")]
    [InlineData("audit: {jornal: true}", "1:9: audit has no field \"jornal\"")]
    [InlineData("notify: {webhooks: [{name: a, url: 'https://a.example.com', secret_file: KEY, audit: []}]}", ": notify.webhooks.audit is an empty list; leave it out for nothing of the audit")]
    [InlineData("notify: {webhooks: [{name: a, url: 'https://a.example.com', secret_file: KEY, audit: [certificat.*]}]}", ": notify.webhooks.audit takes true, or events of the audit such as certificate.*; none is called \"certificat.*\"")]
    public async Task Bad_setting_is_named_with_its_place(string configuration, string fault)
    {
        using var scratch = new Scratch();
        File.CreateSymbolicLink(scratch["link"], scratch.Write("target", ""));
        File.SetUnixFileMode(scratch.Write("open", ""), (UnixFileMode)0b110_110_110);
        WebhookTests.Hook(scratch, "", "");
        string Filled(string text) => text.Replace("LINK", scratch["link"], StringComparison.Ordinal).Replace("OPEN", scratch["open"], StringComparison.Ordinal).Replace("KEY", scratch["key"], StringComparison.Ordinal);
        var refused = await TestDaemon.Refuses(scratch, "--config", scratch.Write("c.yaml", Filled(configuration) + "\n"));
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains($"certauthority: error: {scratch["c.yaml"]}:", refused.Error);
        Assert.Contains(Filled(fault), refused.Error);
    }

    [PeopleFact]
    public async Task Journal_gets_every_entry_once_it_is_there()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["journal"]);
        await using var daemon = await TestDaemon.Start(scratch, around: InPlaceOfJournal(scratch["journal"]), arguments: ["--config", scratch.Write("c.yaml", $"{TestDaemon.ManyLogins}audit: {{journal: true}}\n")]);
        await DaemonTests.Setup(daemon);
        await Eventually.Holds(async () => await Sink(daemon, "journal") is { Failure: not null }, "the journal is missing");
        // However long it is away, there is one warning.
        // Another reason shows that it was tried again.
        var why = (await Sink(daemon, "journal"))!.Failure;
        await File.WriteAllTextAsync(scratch["journal/socket"], "no socket");
        await Eventually.Holds(async () => (await Sink(daemon, "journal"))!.Failure != why, "it is tried again");
        File.Delete(scratch["journal/socket"]);
        await Eventually.Holds(async () => (await Sink(daemon, "journal"))!.Failure == why, "it is tried once more");
        Assert.Equal(1, daemon.Log.Split("the audit does not reach journal, and waits for it: no journal listens at /run/systemd/journal/socket").Length - 1);
        var hostile = "x\nPRIORITY=0\nMESSAGE\n\u001b[31m";
        await daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--nowait", $"--reason={hostile}");

        using var journal = new Journal(scratch["journal/socket"]);
        await UpToDate(daemon, "journal");
        using (var ca = daemon.Connect())
            await ca.Send(Routes.ApplyResources, new ApplyResources(Encoding.UTF8.GetBytes($"{{kind: node, version: v2, metadata: {{name: big, labels: {{{string.Join(", ", Enumerable.Range(0, 400).Select(n => $"label{n}: {new string('x', 60)}"))}}}}}, spec: {{addr: big}}}}"), "node.yaml"));
        await UpToDate(daemon, "journal");
        var stored = daemon.StoredAudit();
        await Eventually.Holds(() => journal.Entries.Count == stored.Count);
        foreach (var (fields, (seq, json)) in journal.Entries.Zip(stored))
        {
            var entry = JsonSerializer.Deserialize(json, ProtocolJson.Lenient.Of<AuditEntry>())!;
            var kind = AuditEvents.Find(entry.Event)!;
            Assert.Equal([$"{seq}"], fields["CA_SEQ"]);
            Assert.Equal([Encoding.UTF8.GetString(json)], fields["CA_ENTRY"]);
            Assert.Equal([kind.MessageId, $"{(int)kind.Priority}", entry.Event], [.. fields["MESSAGE_ID"], .. fields["PRIORITY"], .. fields["CA_EVENT"]]);
            Assert.Equal(entry.User is { } user ? [user] : null, fields.GetValueOrDefault("CA_USER"));
            Assert.StartsWith($"{entry.Event} by ", Assert.Single(fields["MESSAGE"]));
        }
    }

    [Fact]
    public async Task Entry_too_long_for_a_datagram_comes_in_a_sealed_file()
    {
        using var scratch = new Scratch();
        using var journal = new Journal(scratch["socket"]);
        using var socket = new CertAuthority.Linux.JournalSocket(scratch["socket"]);
        var longest = new string('x', 1_000_000);
        foreach (var value in (string[])["before", longest, "after"])
            socket.Send(Encoding.UTF8.GetBytes($"CA_ENTRY={value}\n"));
        await Eventually.Holds(() => journal.Entries.Count == 3);
        Assert.Equal(["before", longest, "after"], journal.Entries.Select(entry => Assert.Single(Assert.Single(entry).Value)));
    }

    /// <summary>The journal's own program, as systemd starts it, and what journalctl then shows.</summary>
    [PeopleFact]
    public async Task Real_journal_finds_entries_by_their_fields()
    {
        using var scratch = new Scratch();
        foreach (var folder in (string[])["journal", "kept"])
            Directory.CreateDirectory(scratch[folder]);
        string[] around = ["unshare", "--mount", "--propagation", "private", "sh", "-c", "mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/journal && mkdir -p /run/log && mount --bind $0 /run/log && mkdir -p /run/log/journal && { /lib/systemd/systemd-journald & } && exec \"$@\"", scratch["kept"]];
        await using var daemon = await TestDaemon.Start(scratch, around: around, arguments: ["--config", scratch.Write("c.yaml", "audit: {journal: true}\n")]);
        var journald = (await TestDebian.Run("pgrep", "--ns", $"{daemon.ProcessId}", "--nslist", "mnt", "systemd-journal")).Output.Trim();
        try
        {
            await DaemonTests.Setup(daemon);
            await UpToDate(daemon, "journal");
            var stored = daemon.StoredAudit();
            var shown = new List<string>();
            await Eventually.Holds(async () =>
            {
                shown = [.. (await TestDebian.Run("journalctl", "--directory", scratch["kept/journal"], "--output=json", "SYSLOG_IDENTIFIER=certauthority", "_TRANSPORT=journal")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
                return shown.Count >= stored.Count;
            }, "the journal has the entries");
            Assert.Equal(stored.Select(entry => Encoding.UTF8.GetString(entry.Json)), shown.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("CA_ENTRY").GetString()!));
            var found = (await TestDebian.Run("journalctl", "--directory", scratch["kept/journal"], "--output=cat", $"MESSAGE_ID={AuditEvents.UserCreated.MessageId}", "CA_USER=me", "-p", "notice")).Output;
            Assert.Equal("user.created by root: user=me; resource=user/me", found.Split("; changed")[0]);
        }
        finally
        {
            if (journald.Length > 0)
                await Run("kill", journald);
        }
    }

    [Fact]
    public async Task Webhook_gets_signed_batches_in_order_and_waits()
    {
        using var scratch = new Scratch();
        using var siem = new TestWebhook(scratch, "siem");
        using var policy = new TestWebhook(scratch, "policy");
        using var chat = new TestWebhook(scratch, "chat");
        siem.Answer("503\n\nnot\u001b[31m now");
        await using var daemon = await TestDaemon.Start(scratch, configuration: TestDaemon.ManyLogins + WebhookTests.Configuration(
            scratch, WebhookTests.Hook(scratch, siem.Url, "siem", "audit: true"), WebhookTests.Hook(scratch, policy.Url, "policy", "audit: ['role.*', user.created], events: [request.created]"), WebhookTests.Hook(scratch, chat.Url, "chat")));
        await DaemonTests.Setup(daemon);
        for (var n = 0; n < 250; n++)
        {
            using var ca = daemon.Connect();
            await ca.Send(Routes.UpdateUser, new UpdateUser("me", Logins: [$"x{n}"]));
        }
        var id = await DaemonTests.FileRequest(daemon);
        await UpToDate(daemon, "webhook/policy");
        await Eventually.Holds(() => chat.Posts.Count == 1 && policy.Posts.Any(post => post.Event == "request.created"));
        var behind = await daemon.Administrator.Types("tctl", "status");
        Assert.Matches("\naudit \\(webhook/siem\\): 2[0-9]{2} waiting, failing since [-0-9T:]+Z: it answered 503: not\\\\u\\{1b\\}\\[31m now\n", behind.Output);
        Assert.Equal(1, behind.ExitCode);
        // What it failed at is repeated, also by another run.
        await daemon.Stop("KILL");
        siem.Answer("204");
        await daemon.Restart();
        await UpToDate(daemon, "webhook/siem");
        await daemon.Stop();

        var taken = siem.Posts.SkipWhile(post => post.BodyFile.EndsWith("/1.body")).ToList();
        var entries = new SortedDictionary<long, string>();
        foreach (var post in taken)
        {
            Assert.Equal("audit.entries", post.Event);
            var batch = post.Body.GetProperty("entries").EnumerateArray().ToList();
            Assert.InRange(batch.Count, 1, 100);
            Assert.Equal(Enumerable.Range(0, batch.Count).Select(n => batch[0].GetProperty("seq").GetInt64() + n), batch.Select(entry => entry.GetProperty("seq").GetInt64()));
            foreach (var entry in batch)
                entries[entry.GetProperty("seq").GetInt64()] = entry.GetRawText();
            var signature = post.Headers.EnumerateObject().Single(header => header.Name.Equals("X-CertAuthority-Signature", StringComparison.OrdinalIgnoreCase)).Value.GetString()!;
            var time = signature[2..signature.IndexOf(',')];
            byte[] signed = [.. Encoding.ASCII.GetBytes($"{time}."), .. await File.ReadAllBytesAsync(post.BodyFile)];
            Assert.Equal($"t={time},v1={Convert.ToHexStringLower(HMACSHA256.HashData("0123456789abcdef0123456789abcdef"u8, signed))}", signature);
        }
        // The stop comes after everything else; it waits for the next start.
        AssertIsAudit(daemon, string.Concat(entries.Values.Select(entry => entry + "\n")), first: 1, exceptLast: true);
        Assert.Equal(
            ["role.created", "role.created", "user.created"],
            policy.Posts.Where(post => post.Event == "audit.entries").SelectMany(post => post.Body.GetProperty("entries").EnumerateArray()).Select(entry => entry.GetProperty("event").GetString()));
        Assert.Equal([id], chat.Posts.Select(post => post.Body.GetProperty("request").GetProperty("metadata").GetProperty("name").GetString()!).Distinct());
        Assert.DoesNotContain("notifications (webhook/siem)", behind.Output);
    }

    /// <summary>Mounts a folder of the test where the journal's socket would be.</summary>
    internal static string[] InPlaceOfJournal(string folder) =>
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", "mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/journal && mount --bind $0 /run/systemd/journal && exec \"$@\"", folder];

    internal static async Task UpToDate(TestDaemon daemon, string sink) =>
        await Eventually.Holds(async () => await Sink(daemon, sink) is { Waiting: 0, Failure: null }, $"{sink} has everything");

    private static async Task<AuditSinkStatus?> Sink(TestDaemon daemon, string name)
    {
        using var ca = daemon.Connect();
        return (await ca.Send(Routes.GetStatus, new GetStatus())).AuditSinks?.SingleOrDefault(sink => sink.Name == name);
    }

    /// <summary>The text is the audit from a number on: one line for each entry, each with its number and then the bytes that are stored.</summary>
    private static void AssertIsAudit(TestDaemon daemon, string text, long first, bool exceptLast = false)
    {
        var expected = daemon.StoredAudit().Where(entry => entry.Seq >= first).Select(entry => $"{{\"seq\":{entry.Seq},{Encoding.UTF8.GetString(entry.Json)[1..]}\n").ToList();
        if (exceptLast)
            expected.RemoveAt(expected.Count - 1);
        var written = text.Split('\n').Select(line => line + "\n").ToList();
        Assert.Equal("\n", written[^1]);
        written.RemoveAt(written.Count - 1);
        // A daemon that still runs may have more by now.
        Assert.Equal(expected.Take(written.Count), written);
        Assert.InRange(expected.Count - written.Count, 0, 1);
    }

    private static void Fill(string path)
    {
        using var filler = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 1);
        try
        {
            while (true)
                filler.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static async Task Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>A journal that reads strictly.</summary>
    private sealed class Journal : IDisposable
    {
        private readonly System.Diagnostics.Process process;
        private readonly List<Dictionary<string, string[]>> entries = [];

        public Journal(string socket)
        {
            process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(Path.Combine(World.Repository, "tests", "journal"), [socket]) { RedirectStandardOutput = true, UseShellExecute = false })!;
            process.OutputDataReceived += (_, line) =>
            {
                if (line.Data is { Length: > 0 } text)
                    lock (entries)
                        entries.Add(JsonDocument.Parse(text).RootElement.EnumerateArray().GroupBy(field => field[0].GetString()!, field => field[1].GetString()!)
                            .ToDictionary(field => field.Key, field => field.Select(value => field.Key == "fault" ? value : Encoding.UTF8.GetString(Convert.FromBase64String(value))).ToArray()));
            };
            process.BeginOutputReadLine();
            Assert.True(SpinWait.SpinUntil(() => File.Exists(socket), TimeSpan.FromSeconds(20)), "tests/journal does not listen");
        }

        public List<Dictionary<string, string[]>> Entries
        {
            get
            {
                lock (entries)
                    return [.. entries];
            }
        }

        public void Dispose()
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }
}
