namespace CertAuthority.Tests.EndToEnd;

/// <summary>Stories played with the real programs: the guide's, the README's, and one for each way to be refused.</summary>
public sealed class StoryTests
{
    private static readonly string Folder = Path.Combine(World.Repository, "tests", "EndToEnd", "stories");

    public static TheoryData<string> Stories => [.. Directory.GetFiles(Folder, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)!).Order()];

    [PeopleTheory]
    [MemberData(nameof(Stories))]
    public async Task Story_runs_as_written(string story)
    {
        // A configuration of the story's own lies beside it.
        var configuration = Path.Combine(Folder, story + ".yaml");
        await using var daemon = await TestDaemon.Start(arguments: File.Exists(configuration) ? ["--config", configuration] : null);
        await Story.Read(Path.Combine(Folder, story + ".txt")).Play(daemon);
    }

    [PeopleFact]
    public async Task README_session_runs_as_written()
    {
        await using var daemon = await TestDaemon.Start();
        await Story.ReadDocument(Path.Combine(World.Repository, "README.md")).Play(daemon);
    }
}
