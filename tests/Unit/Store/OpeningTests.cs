using CertAuthority.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Tests.Unit.Store;

public sealed class OpeningTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Path => folder.File("certauthority.db");

    [Fact]
    public async Task Own_database_opens_again()
    {
        await Ours();
        await using var again = Database.Open(Path, NullLogger.Instance);
        Assert.Empty(again.Read(snapshot => snapshot.Users()));
    }

    public static readonly TheoryData<string, string> Unusable = new()
    {
        { "somebody else's tables", "is a database, but not one of certauthority; move it away or name another data directory" },
        { "somebody else's mark", "is a database, but not one of certauthority; move it away or name another data directory" },
        { "somebody else's version", "is a database, but not one of certauthority; move it away or name another data directory" },
        { "a newer schema", "was written by a newer certauthority (schema 99, this one knows 19); install that version or a later one" },
        { "garbage", "cannot be opened as a database: " },
        { "a text", "cannot be opened as a database: " },
        { "half of it", "cannot be opened as a database: " },
        { "the first page only", "cannot be opened as a database: " },
        { "a folder", "cannot be opened as a database: " },
    };

    [Theory]
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
        var refused = Assert.Throws<StoreException>(() => Database.Open(Path, NullLogger.Instance));
        Assert.StartsWith($"{Path} {told}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.Exists(Path) ? File.ReadAllBytes(Path) : []);
    }

    public void Dispose() => folder.Dispose();

    private async Task Ours()
    {
        await using var database = Database.Open(Path, NullLogger.Instance);
        await database.Commit(transaction =>
        {
            transaction.Audit(World.Entry("a"));
            return true;
        });
    }

    private void Run(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private void Truncate(double part)
    {
        using var file = new FileStream(Path, FileMode.Open);
        file.SetLength(Math.Max(4096, (long)(file.Length * part) / 4096 * 4096));
    }

    [Fact]
    public async Task Reader_that_cannot_be_opened_reports_unavailable()
    {
        await using var database = Database.Open(Path, NullLogger.Instance);
        File.Move(Path, folder.File("elsewhere"));

        var refused = Assert.Throws<CertAuthority.Protocol.ProblemException>(() => database.Read(snapshot => snapshot.Users()));

        Assert.Equal(CertAuthority.Protocol.ProblemCode.Unavailable, refused.Problem.Code);
        File.Move(folder.File("elsewhere"), Path);
        Assert.Empty(database.Read(snapshot => snapshot.Users()));
    }
}
