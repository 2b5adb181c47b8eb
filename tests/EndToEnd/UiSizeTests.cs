using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Large sites: the page asks for no more than it shows.</summary>
[Collection(nameof(Browsers))]
public sealed class UiSizeTests(Browsers browsers, ITestOutputHelper output) : UiSite(browsers)
{
    [BrowserFact]
    public async Task Ten_thousand_requests_are_searched_a_page_at_a_time()
    {
        var id = await File(Alice, "--roles=dba", "the needle");
        (await Daemon.Administrator.Types("tctl", "requests", "deny", id)).Done();
        await Daemon.Stop();
        await Multiply(id, 10_000);
        await Daemon.Restart();
        var (root, alice) = (await Enter(Daemon.Administrator, "tctl"), await Enter(Alice));
        foreach (var (tab, path, rows) in new[]
        {
            (root, "/history", 50), (root, "/history?person=alice&role=dba&state=denied&since=7d", 50), (root, "/history?person=nobody", 0), (root, "/history?host=db1", 0),
            (alice, "/history", 50), (alice, "/history?state=denied", 50), (alice, "/history?state=pending", 0), (alice, "/mine", 40), (alice, "/", 0),
        })
        {
            // The time of the whole answer, as the browser measures it; the machine may be busy, so it is only reported.
            var taken = await tab.Js($"(async () => {{ const start = performance.now(); const text = await (await fetch('{path}')).text(); window.text = text; return Math.round(performance.now() - start); }})()");
            output.WriteLine($"{path}: {taken} ms");
            Assert.Equal($"{rows}", await tab.Js("new DOMParser().parseFromString(window.text, 'text/html').querySelectorAll('tbody tr').length"));
        }
        // The second page goes on where the first ends; the file has everything.
        await root.Goto($"{Origin(root)}/history?person=alice");
        var first = await root.Js("document.querySelector('tbody a').href");
        await root.Go("#results .button");
        Assert.NotEqual(first, await root.Js("document.querySelector('tbody a').href"));
        Assert.Equal("10002", await root.Js("fetch('/history.csv?person=alice').then(answer => answer.text()).then(text => text.split('\\r\\n').length - 1)"));
    }

    // Requests that were filed one a minute before the one that there is, by the same person.
    private async Task Multiply(string id, int count)
    {
        await using var database = new SqliteConnection($"Data Source={Daemon.File("certauthority.db")};Pooling=False");
        await database.OpenAsync();
        await using var transaction = await database.BeginTransactionAsync();
        await using var command = database.CreateCommand();
        command.CommandText = $"CREATE TEMP TABLE one AS SELECT * FROM requests WHERE id = '{id}'";
        await command.ExecuteNonQueryAsync();
        for (var i = 0; i < count; i++)
        {
            command.CommandText = $"UPDATE one SET id = '{Guid.NewGuid()}', created = created - 60, pending_until = pending_until - 60, access_until = access_until - 60; INSERT INTO requests SELECT * FROM one";
            await command.ExecuteNonQueryAsync();
        }
        await transaction.CommitAsync();
    }
}
