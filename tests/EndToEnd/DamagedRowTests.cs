using Microsoft.Data.Sqlite;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Rows that somebody broke by hand while the daemon runs: each stops itself only, and the status names it.</summary>
public sealed class DamagedRowTests
{
    [Fact]
    public async Task Broken_rows_affect_only_themselves_and_status_names_them()
    {
        await using var daemon = await TestDaemon.Start();
        await DaemonTests.Setup(daemon);
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: node, version: v2, metadata: {name: db1}, spec: {addr: db1.example.com}}
            ---
            {kind: node, version: v2, metadata: {name: db2}, spec: {addr: db2.example.com}}
            ---
            {kind: user, version: v2, metadata: {name: other}, spec: {roles: [staff]}}
            """)).Done();
        Edit(daemon.File("certauthority.db"), "UPDATE nodes SET resource = '{}' WHERE name = 'db1'; UPDATE users SET resource = '{}' WHERE name = 'other'; UPDATE policy SET generation = 'edited'");

        // The others are served.
        (await daemon.Myself.Types("tsh", "login")).Done();
        Assert.DoesNotContain("db1", (await daemon.Administrator.Types("tctl", "nodes", "ls")).Done());
        var status = await daemon.Administrator.Types("tctl", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Matches("2 rows of the database cannot be read: the table nodes has a row with the id [0-9a-f-]{36} .*; the table users has a row", status.Error);
        Assert.Contains("the table nodes has a row with the id", daemon.Log);

        // Nor do they keep the next daemon from starting; and making the node again mends it.
        await daemon.Stop();
        await daemon.Restart();
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: node, version: v2, metadata: {name: db1}, spec: {addr: db1.example.com}}")).Done();
        Assert.Contains("1 row of the database cannot be read", (await daemon.Administrator.Types("tctl", "status")).Error);
    }

    [Fact]
    public async Task Broken_notification_does_not_block_other_notifications()
    {
        using var scratch = new Scratch();
        var script = scratch.Write("notify", $"#!/bin/sh\ncat >>{scratch["told"]}\n");
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        await using var daemon = await TestDaemon.Start(scratch, configuration: $"notify: {{command: [{script}]}}\n");
        await DaemonTests.Setup(daemon);
        Edit(daemon.File("certauthority.db"), "INSERT INTO outbox (receiver, recipient, event, attempts, next_at) VALUES ('command', NULL, '{', 0, 0)");

        await DaemonTests.FileRequest(daemon);

        await Eventually.Holds(() => File.Exists(scratch["told"]) && File.ReadAllText(scratch["told"]).Contains("request.created", StringComparison.Ordinal));
        var status = await daemon.Administrator.Types("tctl", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Contains("1 row of the database cannot be read: the table outbox has a row with the number", status.Error);
    }

    [Fact]
    public async Task Journal_lines_carry_priorities_and_the_audit()
    {
        await using var daemon = await TestDaemon.Start(around: ["sh", "-c", "JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) exec \"$@\"", "sh"]);
        await DaemonTests.Setup(daemon);
        var id = await DaemonTests.FileRequest(daemon);

        (await daemon.Administrator.Types("tctl", "requests", "approve", "--reason=a\\b", id)).Done();

        await Eventually.Holds(() => daemon.Log.Contains("request.approved", StringComparison.Ordinal));
        Assert.All(daemon.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches("^<[2-6]>", line));
        Assert.Matches($"(?m)^<6>certauthority\\[0\\] request.approved by [a-z]+.*request={id};.*reason=a\\\\\\\\b$", daemon.Log);
    }

    private static void Edit(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
