namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// Asking, approving and reviewing on a terminal, as somebody sees it who looks over a shoulder. With
/// <c>CERTAUTHORITY_PICTURES=FOLDER</c>, the films stay there for docs/images.
/// </summary>
public sealed class FilmTests : ReviewSite
{
    [PeopleFact]
    public async Task Asking_and_waiting_and_logging_in()
    {
        var film = new Film("Asking: a request is filed, two people approve it, and a login uses it");
        await using var screen = await Film.Start(Alice, Socket("alice"));
        await film.Runs(screen, "tsh request roles", "web");
        await film.Runs(screen, "tsh login --request-roles=dba --reason=\"migration tonight\"", "tsh: needs 0 of 2 approvals; bob and carol can", 3);
        var id = (await screen.Lines()).Single(line => line.StartsWith("Seeking", StringComparison.Ordinal)).Split(' ')[^1].TrimEnd(')');
        (await Bob.Types("tsh", "request", "review", id, "--approve")).Done();
        await screen.Shows(line => line.Contains("1 of 2 approvals (bob)", StringComparison.Ordinal), "the first approval");
        await film.Take(screen, 3);
        (await Carol.Types("tsh", "request", "review", id, "--approve", "--reason=go ahead")).Done();
        await screen.Shows("serial: ");
        await screen.IsBack();
        await film.Take(screen, 6);
        var lines = await screen.Lines();
        Assert.Contains("roles: staff, dba", lines);
        Assert.Contains(lines, line => line.StartsWith("logins: deploy@db1, deploy@db2, postgres@db1, postgres@db2", StringComparison.Ordinal));
        await Save(film, "asking");
    }

    [PeopleFact]
    public async Task Approving_as_an_administrator()
    {
        var id = await Request("prod-root", "kernel update");
        var film = new Film("Approving: an administrator reads what a request opens, is asked again because it opens root, and approves less time");
        await using var screen = await Film.Start(Daemon.Administrator, Socket("root"));
        await film.Runs(screen, "tctl requests ls --state=pending", id[..8]);
        await film.Runs(screen, $"tctl requests approve {id[..8]} --max-duration=20m", "tctl: approve the request of alice for prod-root? [y/N]", 6);
        Assert.Contains("tctl: opens: root (all hosts)", await screen.Lines());
        Assert.Contains(await screen.Lines(), line => line.StartsWith("tctl: for: 20m, until ", StringComparison.Ordinal));
        await film.Answers(screen, "y", $"request {id} has been approved", 6);
        await Save(film, "approving");
    }

    [PeopleFact]
    public async Task Reviewing_one_by_one()
    {
        await Request("dba", "migration tonight");
        await Request("prod-root", "kernel update");
        var film = new Film("Reviewing: a reviewer learns that requests wait, approves one for less time, and denies the other");
        await using var screen = await Film.Start(Bob, Socket("bob"));
        await film.Runs(screen, "tsh login", "tsh: hint: 2 requests wait for your review: tsh review", 3);
        const string question = "tsh: [a]pprove [l]ess [d]eny [s]kip [q]uit:";
        await film.Runs(screen, "tsh review", question, 5);
        foreach (var (answer, next) in new[]
        {
            ("l", "tsh: for how long, as 30m? Enter for 1h:"), ("30m", "tsh: from when, as 2027-01-31T18:00:00Z? Enter for at once:"), ("", "request 2 of 2"),
            ("d", "tsh: why? the requester reads it:"), ("not before the release", "tsh: 1 approval, 1 denial, 0 skipped; 0 of 2 still without your review"),
        })
            await film.Answers(screen, answer, next, answer.Length == 0 ? 5 : 2);
        await film.Take(screen, 4);
        await Save(film, "reviewing");
    }

    private static async Task Save(Film film, string name)
    {
        if (Environment.GetEnvironmentVariable("CERTAUTHORITY_PICTURES") is { Length: > 0 } folder)
            await System.IO.File.WriteAllTextAsync(Path.Combine(folder, $"{name}.svg"), film.ToString());
    }
}
