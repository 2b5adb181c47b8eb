using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>What a daemon left behind that was used and stopped.</summary>
public sealed class Stopped : IAsyncLifetime
{
    internal Scratch Scratch { get; } = new();

    public async Task InitializeAsync()
    {
        await using var daemon = await TestDaemon.Start(Scratch);
        await DaemonTests.Setup(daemon);
        await DaemonTests.FileRequest(daemon);
        (await daemon.Myself.Types("tsh", "login")).Done();
        await daemon.Stop();
    }

    public Task DisposeAsync()
    {
        Scratch.Dispose();
        return Task.CompletedTask;
    }
}

/// <summary>What a daemon says of a database that it cannot use: one line that names it and what to do, and the file stays as it is.</summary>
public sealed class DatabaseTests(Stopped stopped) : IClassFixture<Stopped>
{
    private const string NotOurs = "is a database, but not one of certauthority; move it away or name another data directory";

    public static readonly TheoryData<string, string> Faults = new()
    {
        { "cut in half", "DB (cannot be opened as a database: .*|is damaged: .*); restore a backup.*" },
        { "cut to a page", "DB (cannot be opened as a database: .*|is damaged: .*); restore a backup.*" },
        { "a page of zeros", "DB (cannot be opened as a database: .*|is damaged: .*); restore a backup.*" },
        { "a text", "DB cannot be opened as a database: .*file is not a database.*; restore a backup, or move it away to start anew" },
        { "a directory", "DB is not a regular file; move it away" },
        { "somebody else's", $"DB {NotOurs}" },
        { "newer", "DB was written by a newer certauthority \\(schema 99, this one knows \\d+\\); install that version or a later one" },
        { "an index without its entries", "DB is damaged: .*; restore a backup" },
        { "UPDATE requests SET state = 'GRANTED'", "DB is damaged: .*requests.*; restore a backup" },
        { "UPDATE requests SET id = 'one'", "DB: the table requests has a row with the id one that this certauthority cannot read: .*; restore a backup" },
        { "UPDATE requests SET roles = '[\"dba\"'", "DB: the table requests has a row with the id [0-9a-f-]{36} that this certauthority cannot read: .*; restore a backup" },
        { "UPDATE requests SET created = 9223372036854775807", "DB: the table requests has a row with the id [0-9a-f-]{36} that this certauthority cannot read: .*; restore a backup" },
        { "UPDATE certificates SET user_id = 'alice'", "DB: the table certificates has a row with the serial \\d+ that this certauthority cannot read: .*; restore a backup" },
        { "UPDATE certificates SET principals = 'postgres'", "DB: the table certificates has a row with the serial \\d+ that this certauthority cannot read: .*; restore a backup" },
        { "UPDATE roles SET resource = replace(resource, 'postgres', '{{')", "DB: the table roles has a row with the id [0-9a-f-]{36} that this certauthority cannot read: role \"dba\": \"\\{\\{\": a template has .*; restore a backup, or mend the text: sqlite3 DB \"UPDATE roles SET resource = replace\\(resource, 'WRONG', 'RIGHT'\\) WHERE name = 'dba'\"" },
        // What 0.1.0 accepted.
        { "UPDATE roles SET resource = replace(resource, '{\"logins\"', '{\"request_roles\":[\"^(?=a)$\"],\"logins\"') WHERE name = 'dba'", "DB: the table roles has a row .*: role \"dba\": .*\\^\\(\\?=a\\)\\$.*; restore a backup, or mend the text: sqlite3 DB \"UPDATE roles SET .*" },
        { "UPDATE roles SET id = 7 WHERE name = 'dba'", "DB: the table roles has a row with the id 7 that this certauthority cannot read: .*; restore a backup" },
        { "DROP TABLE audit", "DB is damaged: its tables are not those that certauthority makes; restore a backup" },
        { "DROP INDEX certificates_revoked", "DB is damaged: its tables are not those that certauthority makes; restore a backup" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Damaged_database_stops_the_start_with_one_line(string fault, string told)
    {
        using var scratch = new Scratch();
        // One file: whoever copies it has all of it.
        Assert.False(File.Exists(stopped.Scratch["data/certauthority.db-wal"]));
        Directory.CreateDirectory(scratch["data"], (UnixFileMode)0b111_000_000);
        foreach (var file in (string[])["user_ca", "user_ca.pub", "host_ca", "host_ca.pub", "certauthority.db", "revoked.krl"])
            File.Copy(stopped.Scratch[$"data/{file}"], scratch[$"data/{file}"]);
        var path = scratch["data/certauthority.db"];
        Spoil(path, fault);
        var before = File.Exists(path) ? await File.ReadAllBytesAsync(path) : [];

        var refused = await TestDaemon.Refuses(scratch);

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Matches($"^certauthority: error: {told.Replace("DB", Regex.Escape(path), StringComparison.Ordinal)}\n$", refused.Error);
        // Apart from the first page, which says how the file is written to.
        Assert.Equal(before.Skip(4096), (File.Exists(path) ? await File.ReadAllBytesAsync(path) : []).Skip(4096));
    }

    private static void Spoil(string path, string fault)
    {
        switch (fault)
        {
            case "cut in half":
                Cut(path, new FileInfo(path).Length / 8192 * 4096);
                break;
            case "cut to a page":
                Cut(path, 4096);
                break;
            case "a page of zeros":
                using (var file = new FileStream(path, FileMode.Open))
                {
                    file.Position = 4096 * 3;
                    file.Write(new byte[4096]);
                }
                break;
            case "a text":
                File.WriteAllText(path, string.Concat(Enumerable.Repeat("this is not a database\n", 1000)));
                break;
            case "a directory":
                File.Delete(path);
                Directory.CreateDirectory(path);
                break;
            case "somebody else's":
                File.Delete(path);
                Edit(path, "CREATE TABLE bookmarks (url TEXT)");
                break;
            case "newer":
                Edit(path, "PRAGMA user_version = 99");
                break;
            case "an index without its entries":
                // The index is told to lie where an empty one of the same shape does.
                Edit(path, """
                    CREATE INDEX empty ON requests (user_id, created) WHERE state = 'nothing';
                    PRAGMA writable_schema = ON;
                    UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'empty') WHERE name = 'requests_by_user';
                    DELETE FROM sqlite_schema WHERE name = 'empty'
                    """);
                break;
            default:
                Edit(path, $"PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; {fault}");
                break;
        }
    }

    private static void Cut(string path, long length)
    {
        using var file = new FileStream(path, FileMode.Open);
        file.SetLength(length);
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
