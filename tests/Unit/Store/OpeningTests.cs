using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Store;

public sealed class OpeningTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Path => folder.File("certauthority.db");

    [Fact]
    public async Task Own_database_opens_again()
    {
        await Ours();
        await using var again = TestStore.Open(Path);
        Assert.Empty(again.Read(snapshot => snapshot.Users()));
    }

    // The number of a file is said to be the version of the schema that it produces.
    [Fact]
    public void Migrations_are_numbered_without_a_gap()
    {
        var files = typeof(Database).Assembly.GetManifestResourceNames().Where(name => char.IsAsciiDigit(name[0]) && name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(Enumerable.Range(1, files.Count).Select(number => $"{number:0000}.sql"), files);
    }

    [Fact]
    public void Each_migration_has_a_twin_for_the_other_engine()
    {
        var files = typeof(Database).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("postgres.", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(Enumerable.Range(37, World.Migrations().Count() - 36).Select(number => $"postgres.{number:0000}.sql"), files);
    }

    public static readonly TheoryData<string, string> Unusable = new()
    {
        { "somebody else's tables", "is a database, but not one of certauthority; move it away or name another data directory" },
        { "somebody else's mark", "is a database, but not one of certauthority; move it away or name another data directory" },
        { "somebody else's version", "is a database, but not one of certauthority; move it away or name another data directory" },
        { "a newer schema", $"was written by a newer certauthority (schema 99, this one knows {World.Migrations().Count()}); install that version or a later one" },
        { "garbage", "cannot be opened as a database: " },
        { "a text", "cannot be opened as a database: " },
        { "half of it", "cannot be opened as a database: " },
        { "the first page only", "cannot be opened as a database: " },
        { "a folder", "cannot be opened as a database: " },
    };

    [SqliteTheory]
    [MemberData(nameof(Unusable))]
    public async Task Unusable_file_is_rejected_with_a_message_and_unchanged(string what, string told)
    {
        switch (what)
        {
            case "somebody else's tables": Run("CREATE TABLE bookmarks (url TEXT)"); break;
            case "somebody else's mark": Run("PRAGMA application_id = 1"); break;
            case "somebody else's version": Run("PRAGMA user_version = 3"); break;
            case "a newer schema":
                await Ours();
                Run("PRAGMA user_version = 99");
                break;
            case "garbage": File.WriteAllBytes(Path, [.. Enumerable.Range(0, 8192).Select(n => (byte)(n * 31))]); break;
            case "a text": File.WriteAllText(Path, "this is not a database\n"); break;
            case "half of it":
                await Ours();
                Truncate(0.5);
                break;
            case "the first page only":
                await Ours();
                Truncate(0);
                break;
            case "a folder": Directory.CreateDirectory(Path); break;
            default: throw new ArgumentOutOfRangeException(nameof(what));
        }
        var before = File.Exists(Path) ? File.ReadAllBytes(Path) : [];
        var refused = Assert.Throws<StoreException>(() => TestStore.Open(Path));
        Assert.StartsWith($"{Path} {told}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.Exists(Path) ? File.ReadAllBytes(Path) : []);
    }

    [SqliteFact]
    public async Task Large_damaged_file_is_refused_after_its_check()
    {
        await Ours(World.Certificate(1, World.User("alice")));
        Run(MakeLarge);
        Run(Empty("requests_by_user", "requests (user_id) WHERE state = 'nothing'"));

        await using (TestStore.Open(Path))
        {
            var found = Assert.Throws<StoreException>(() => TestStore.At(Path).CheckRest(CancellationToken.None));
            Assert.StartsWith($"{Path} is damaged: ", found.Message, StringComparison.Ordinal);
        }

        Assert.StartsWith($"{Path} is damaged: ", Assert.Throws<StoreException>(() => TestStore.Open(Path)).Message, StringComparison.Ordinal);
        // A restored file is used again, and is not read whole the next time.
        Run("REINDEX; VACUUM");
        await using (TestStore.Open(Path))
            Assert.False(File.Exists($"{Path}.damaged"));
    }

    [SqliteTheory]
    [InlineData("certificates_revoked", "certificates (valid_before, ca) WHERE serial < 0")]
    [InlineData("certificates_live", "certificates (valid_before) WHERE serial < 0")]
    [InlineData("certificates_live_by_user", "certificates (user_id, valid_before, session, revoked) WHERE serial < 0")]
    public async Task Index_that_hides_certificates_prevents_a_start(string index, string empty)
    {
        await Ours(World.Certificate(1, World.User("alice")), World.Certificate(2, World.User("bob")), World.Certificate(3, World.User("bob"), World.Now.AddYears(-1)));
        Run("UPDATE certificates SET revoked = 1 WHERE serial = 1");
        Run(MakeLarge);
        await using (var whole = TestStore.Open(Path))
            whole.ExpectReadable(World.Now);
        Run(Empty(index, empty));

        await using var database = TestStore.Open(Path);
        var refused = Assert.Throws<StoreException>(() => database.ExpectReadable(World.Now));
        Assert.Equal($"{Path}: an index of the table certificates does not list what is in the table; restore a backup", refused.Message);
    }

    [Fact]
    public async Task Live_certificate_not_listed_by_its_request_prevents_a_start()
    {
        await Ours(World.Certificate(1, World.User("alice"), null, "r"), World.Certificate(2, World.User("alice"), World.Now.AddYears(-1), "s"));
        Run("DELETE FROM certificate_requests WHERE request_id = 's'");
        await using (var whole = TestStore.Open(Path))
            whole.ExpectReadable(World.Now);
        Run("DELETE FROM certificate_requests");

        await using var database = TestStore.Open(Path);
        var refused = Assert.Throws<StoreException>(() => database.ExpectReadable(World.Now));
        Assert.Equal($"{TestStore.Name(Path)}: the table certificate_requests does not list the certificate 1; restore a backup", refused.Message);
    }

    [Fact]
    public async Task Unreadable_ended_row_is_found_in_the_background()
    {
        await using var world = new World();
        var request = World.Request(World.User("alice")) with { StoredState = CertAuthority.Access.Requests.RequestState.Denied };
        await world.Database.Commit(transaction =>
        {
            transaction.InsertRequest(request);
            transaction.InsertCertificate(World.Certificate(7, World.User("alice"), World.Now.AddYears(-1)), [1]);
            transaction.Audit(World.Entry("a"));
            return true;
        });
        using (var outside = world.Outside())
        using (var command = outside.CreateCommand())
        {
            command.CommandText = TestStore.Said("UPDATE requests SET roles = 'odd'; UPDATE certificates SET principals = 'odd'; UPDATE audit SET entry = x'00'");
            command.ExecuteNonQuery();
        }
        var damage = new CertAuthority.Operations.Damage(world.Database, [], TimeProvider.System);
        world.Database.ExpectReadable(World.Now);
        Assert.Empty(damage.Find(World.Now));

        var (next, found) = damage.FindInHistory(HistoryPlace.Start);

        Assert.Equal(["the table audit has", "the table certificates has", "the table requests has"], found.Select(row => string.Join(' ', row.Split(' ').Take(4))));
        Assert.Equal(found, damage.Find(World.Now));
        Assert.Null(damage.FindInHistory(next!).Next);
    }

    [Theory]
    [InlineData("user = 'mallory'")]
    [InlineData("event = 'b'")]
    [InlineData("request = 'bc8ca931'")]
    [InlineData("time = time + 1")]
    public async Task Audit_column_that_hides_an_entry_is_found(string change)
    {
        await using var world = new World();
        await world.Database.Commit(transaction =>
        {
            transaction.Audit(World.Entry("a") with { User = "alice" });
            transaction.Audit(World.Entry("a"));
            return true;
        });
        using (var outside = world.Outside())
        using (var command = outside.CreateCommand())
        {
            command.CommandText = TestStore.Said($"UPDATE audit SET {change} WHERE id = 1");
            command.ExecuteNonQuery();
        }
        var (_, found) = new CertAuthority.Operations.Damage(world.Database, [], TimeProvider.System).FindInHistory(HistoryPlace.Start);
        Assert.Equal("the table audit has a row with the id 1 that this certauthority cannot read: the columns beside the entry are not those of the entry", Assert.Single(found));
    }

    [Theory]
    [InlineData("DELETE FROM audit_requests WHERE request = 'r2'", "the table audit_requests does not have that entry 1 of the audit is about the request r2")]
    [InlineData("INSERT INTO audit_requests VALUES ('r1', 2)", "the table audit_requests has that entry 2 of the audit is about the request r1, and it is not")]
    [InlineData("INSERT INTO audit_requests VALUES ('r9', 9)", "the table audit_requests has that entry 9 of the audit is about the request r9, and it is not")]
    [InlineData("UPDATE audit_requests SET request = 'r9' WHERE request = 'r1'", "the table audit_requests does not have that entry 1 of the audit is about the request r1")]
    public async Task Way_to_an_entry_that_was_changed_is_found(string change, string fault)
    {
        await using var world = new World();
        await world.Database.Commit(transaction =>
        {
            transaction.Audit(World.Entry("a") with { Requests = ["r1", "r2"] });
            transaction.Audit(World.Entry("a") with { Request = "r1", Requests = ["r1"] });
            return true;
        });
        Assert.Empty(new CertAuthority.Operations.Damage(world.Database, [], TimeProvider.System).FindInHistory(HistoryPlace.Start).Damaged);
        using (var outside = world.Outside())
        using (var command = outside.CreateCommand())
        {
            command.CommandText = change;
            command.ExecuteNonQuery();
        }
        var damage = new CertAuthority.Operations.Damage(world.Database, [], TimeProvider.System);
        var (next, found) = damage.FindInHistory(HistoryPlace.Start);
        Assert.Contains(fault, found);
        Assert.Null(damage.FindInHistory(next!).Next);
    }

    [Fact]
    public async Task Rows_are_read_again_for_a_tenth_of_the_time()
    {
        await using var world = new World();
        var clock = new Slow();
        var damage = new CertAuthority.Operations.Damage(world.Database, [], clock);
        damage.Find(World.Now);
        clock.Seconds += 9;
        damage.Find(World.Now);
        Assert.Equal(1, damage.Readings);
        clock.Seconds += 2;
        damage.Find(World.Now);
        Assert.Equal(2, damage.Readings);
    }

    /// <summary>A clock by which whatever happens between two looks at it takes a second.</summary>
    private sealed class Slow : TimeProvider
    {
        private int looks;

        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        // The first look of each reading begins it, the second ends it.
        public override long GetTimestamp() => (long)((Seconds += looks++ < 2 ? 1 : 0) * 1000);
    }

    public void Dispose() => folder.Dispose();

    private const string MakeLarge = "INSERT INTO audit (time, event, entry) VALUES (0, 'large', zeroblob(40000000))";

    /// <summary>Points an index to the page of an empty one of the same columns.</summary>
    private static string Empty(string index, string what) => $"""
        CREATE INDEX empty ON {what};
        PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'empty') WHERE name = '{index}';
        DELETE FROM sqlite_schema WHERE name = 'empty'
        """;

    private async Task Ours(params RecordedCertificate[] certificates)
    {
        await using var database = TestStore.Open(Path);
        await database.Commit(transaction =>
        {
            transaction.Audit(World.Entry("a"));
            transaction.InsertRequest(World.Request(World.User("alice")));
            foreach (var one in certificates)
                transaction.InsertCertificate(one, [1]);
            return true;
        });
    }

    private void Run(string sql)
    {
        using var connection = TestStore.Outside(Path, "ReadWriteCreate");
        using var command = connection.CreateCommand();
        command.CommandText = TestStore.Said(sql);
        command.ExecuteNonQuery();
    }

    private void Truncate(double part)
    {
        using var file = new FileStream(Path, FileMode.Open);
        file.SetLength(Math.Max(4096, (long)(file.Length * part) / 4096 * 4096));
    }

    [SqliteFact]
    public async Task Reader_that_cannot_be_opened_reports_unavailable()
    {
        await using var database = TestStore.Open(Path);
        File.Move(Path, folder.File("elsewhere"));

        var refused = Assert.Throws<CertAuthority.Protocol.ProblemException>(() => database.Read(snapshot => snapshot.Users()));

        Assert.Equal(CertAuthority.Protocol.ProblemCode.Unavailable, refused.Problem.Code);
        File.Move(folder.File("elsewhere"), Path);
        Assert.Empty(database.Read(snapshot => snapshot.Users()));
    }
}
