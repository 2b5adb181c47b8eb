using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>The page of a report, in a browser and on paper, with texts that would be markup, and words that are too wide.</summary>
[Collection(nameof(Browsers))]
public sealed class AccessReportPageTests(Browsers browsers)
{
    private const string Hostile = "</td><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">";

    // A sheet of A4 on its side, without its margins of 14 mm, at 96 dots an inch.
    private const int PaperWidth = 1016;

    [BrowserFact]
    public async Task Page_prints_whole_and_runs_nothing()
    {
        using var scratch = new Scratch();
        var page = scratch.Write("report.html", (await Show(scratch)).Done());
        var html = File.ReadAllText(page);
        Assert.DoesNotMatch("(?i)<(script|img|link|iframe|object|base)|<[^>]* (src|on[a-z]+)=|url\\(|@import|href=\"[^#]", html);
        var tab = await browsers.Open(Person.Bob);
        await tab.Goto($"file://{page}");
        Assert.Equal("Access report, 2026-07-01 to 2026-10-01", await tab.Title());
        Assert.Equal("0 0", await tab.Js("`${document.scripts.length} ${document.images.length}`"));
        await tab.Sees("<script>document.title='pwned'</script>");
        Assert.Equal("en", await tab.Js("document.documentElement.lang"));
        Assert.Equal("true", await tab.Js("[...document.querySelectorAll('th')].every(one => one.scope === 'col' || one.scope === 'row')"));
        Assert.Equal("true", await tab.Js("[...document.querySelectorAll('nav a')].every(one => document.querySelector(one.getAttribute('href')))"));
        // Nothing is wider than the window, nor than the paper.
        Assert.Equal("", await tab.Js(Wider));
        await tab.Looks(isDark: false, PaperWidth, 700);
        await tab.OnPaper();
        Assert.Equal("", await tab.Js(Wider));
        var paper = Encoding.Latin1.GetString(await tab.Pdf());
        Assert.StartsWith("%PDF-", paper);
        // Long sections begin on a sheet of their own, and long rows go on there; the sheets lie on their side.
        Assert.InRange(Regex.Count(paper, @"/Type\s*/Page\b"), 10, 200);
        Assert.Matches(@"/MediaBox\s*\[\s*0 0 84\d(\.\d+)? 59\d", paper);
    }

    [BrowserFact]
    public async Task Page_has_no_fault_that_axe_finds()
    {
        using var scratch = new Scratch();
        var page = scratch.Write("report.html", (await Show(scratch)).Done());
        var tab = await browsers.Open(Person.Bob);
        await tab.Goto($"file://{page}");
        foreach (var isDark in (bool[])[false, true])
        {
            await tab.Looks(isDark);
            Assert.Equal("", await tab.Faults());
        }
    }

    private const string Wider = "[...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80)).join('\\n')";

    /// <summary>Shows a report that no daemon would make: every text in it is hostile or too long.</summary>
    private static async Task<Outcome> Show(Scratch scratch)
    {
        var (name, word) = (JsonSerializer.Serialize(Hostile), JsonSerializer.Serialize(new string('w', 4096)));
        var texts = $"[{name}, {word}, \"a\\u202eb\"]";
        var report = $$"""
            {
              "kind": "access_report", "version": 1, "taken": "2026-10-01T12:00:00Z", "position": 4711, "since": "2026-07-01T00:00:00Z",
              "until": "2026-10-01T00:00:00Z", "unused_since": "2026-07-03T12:00:00Z", "users": 2, "roles": 2, "hosts": 2, "listed": 50,
              "access": [{{Rows(2, $$"""
                {"how": "standing", "roles": {{texts}}, "logins": {{texts}}, "users": 70, "user_names": {{texts}}, "hosts": 5,
                 "host_names": {{texts}}, "labels": {{texts}}, "conditions": {{name}}}
                """)}}],
              "grants": [{{Rows(3, $$"""
                {"request": "bc8ca931-fec9-4b15-9a6f-20c13c5641a9", "user": {{name}}, "asked": {{texts}}, "granted": {{texts}}, "resources": {{texts}},
                 "reason": {{name}}, "votes": [], "approved": "2026-09-02T10:02:00Z", "approved_by": {{name}}, "approved_reason": {{name}},
                 "by_votes": false, "overridden": {{texts}}, "self": true, "certificates": 0}
                """)}}],
              "unused": [{{Rows(1000, """{"user": "alice", "role": "dba", "logins": ["postgres"], "why": "no certificate"}""")}}],
              "left": [],
              "changes": [{{Rows(2, $$"""
                {"seq": 1, "time": "2026-09-02T10:02:00Z", "event": "role.updated", "subject": {{name}}, "by": {{name}}, "reason": {{word}},
                 "changes": [{"path": {{name}}, "old": {{word}}, "new": {{name}}}]}
                """)}}]
            }
            """;
        var person = new Person(null, scratch["home"], "unix:/nowhere");
        return await person.Types("tctl", "access", "report", $"--from={scratch.Write("report.json", report)}", "--format=html");

        static string Rows(int count, string row) => string.Join(',', Enumerable.Repeat(row, count));
    }
}
