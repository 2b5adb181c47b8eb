namespace CertAuthority.Tests.EndToEnd;

/// <summary>What other people try: forged calls, somebody else's port, and texts that are code.</summary>
[Collection(nameof(Browsers))]
public sealed class UiAttackTests(Browsers browsers) : UiSite(browsers)
{
    [BrowserFact]
    public async Task Texts_of_other_people_are_texts()
    {
        (await Daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: odd, description: "<script>document.title='taken'</script>\"><img src=x onerror=\"document.title='taken'\">"}, spec: {allow: {logins: [x], node_labels: {type: odd}}}}
            ---
            {kind: node, version: v2, metadata: {name: odd1, labels: {type: odd, note: "<b id=planted>\" onfocus=alert(1) autofocus x=\""}}, spec: {addr: odd1}}
            ---
            {kind: role, version: v8, metadata: {name: odd-asker}, spec: {allow: {request: {roles: [odd], search_as_roles: [odd]}}}}
            ---
            {kind: role, version: v8, metadata: {name: odd-reviewer}, spec: {allow: {review_requests: {roles: [odd]}}}}
            """)).Done();
        (await Daemon.Administrator.Types("tctl", "users", "update", "--set-roles=odd-asker", "alice")).Done();
        (await Daemon.Administrator.Types("tctl", "users", "update", "--set-roles=odd-reviewer", "bob")).Done();
        const string reason = "</bdi></blockquote><script>document.title='taken'</script><b id=planted> javascript:alert(1) &amp; '\"`";
        var id = await File(Alice, "--resource=node/odd1", reason);
        var (alice, bob) = (await Enter(Alice), await Enter(Bob));
        await bob.Sees(reason);
        foreach (var (tab, path) in new[]
        {
            (bob, "/"), (bob, $"/request?id={id}"), (bob, "/history?person=%3Cscript%3Edocument.title='taken'%3C/script%3E&whose=suggested"), (bob, "/?said=%3Cb%20id=planted%3E"),
            (alice, "/mine"), (alice, "/ask?q=%22%3E%3Cb%20id=planted%3E"), (alice, "/ask?hosts=odd1&roles=%3Cb%20id=planted%3E&reason=%22%3E%3Cb%20id=planted%3E"), (alice, "/ask?hosts=odd1"), (alice, $"/request?id={id}%22%3E%3Cb%20id=planted%3E"),
        })
        {
            await tab.Goto(Origin(tab) + path);
            Assert.DoesNotContain("taken", await tab.Title());
            Assert.Equal("true", await tab.Js("document.querySelector('#planted, main script, main img') === null && document.querySelectorAll('script').length === 1"));
            // Even a script that got into a page is not run, and no picture of another place is loaded.
            Assert.Equal("undefined", await tab.Js("(() => { const script = document.createElement('script'); script.textContent = 'window.taken = true'; document.body.append(script); return window.taken; })()"));
            Assert.Equal("img-src", await tab.Js("new Promise(done => { document.addEventListener('securitypolicyviolation', event => event.blockedURI.startsWith('http') && done(event.effectiveDirective)); new Image().src = 'http://192.0.2.1/picture'; })"));
        }
    }

    [PeopleFact]
    public async Task Forged_calls_reach_nothing()
    {
        var page = await Serve(Daemon.Administrator, "tctl");
        var id = await File(Alice, "--roles=dba", "please");
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = new Uri(page.Origin) };

        var last = "";
        async Task<int> Call(string path, string? form = null, string? host = null, string? origin = "own", string? cookie = null, string type = "application/x-www-form-urlencoded", string method = "")
        {
            using var call = new HttpRequestMessage(new HttpMethod(method.Length > 0 ? method : form is null ? "GET" : "POST"), path);
            if (form is not null)
                call.Content = new StringContent(form, new System.Net.Http.Headers.MediaTypeHeaderValue(type));
            call.Headers.Host = host;
            if (origin is not null && form is not null)
                call.Headers.Add("Origin", origin == "own" ? page.Origin : origin);
            if (cookie is not null)
                call.Headers.Add("Cookie", $"certauthority-{new Uri(page.Origin).Port}={cookie}");
            using var answer = await http.SendAsync(call);
            last = await answer.Content.ReadAsStringAsync();
            if (path == "/enter" && answer.Headers.TryGetValues("Set-Cookie", out var set))
            {
                // No script reads it, and no other site gets it sent.
                Assert.Matches($"^certauthority-{new Uri(page.Origin).Port}=[A-Za-z0-9_-]{{43}}; path=/; samesite=strict; httponly$", set.Single());
                page.Cookie = set.Single().Split('=')[1].Split(';')[0];
            }
            return (int)answer.StatusCode;
        }

        // Before anybody has entered, and with tokens that are not the token.
        Assert.True(await Call("/") == 401, last);
        Assert.Equal(401, await Call("/approve", $"id={id}"));
        foreach (var wrong in (string[])["", "token=", "token=x", $"token={page.Token[..^1]}", $"token={page.Token}x", $"other={page.Token}"])
            Assert.Equal(403, await Call("/enter", wrong));
        Assert.Equal(400, await Call("/enter", $"token=%00{page.Token}"));
        // The right token, from another page or under another name, is not used up.
        Assert.Equal(403, await Call("/enter", $"token={page.Token}", origin: "http://evil.example"));
        Assert.Equal(403, await Call("/enter", $"token={page.Token}", origin: "null"));
        Assert.Equal(403, await Call("/enter", $"token={page.Token}", origin: null));
        Assert.Equal(421, await Call("/enter", $"token={page.Token}", host: "evil.example"));
        Assert.Equal(303, await Call("/enter", $"token={page.Token}"));
        Assert.Equal(403, await Call("/enter", $"token={page.Token}"));

        var cookie = page.Cookie!;
        Assert.Equal(43, cookie.Length);
        Assert.Equal(200, await Call("/", cookie: cookie));
        Assert.Equal(401, await Call("/", cookie: cookie[..^1]));
        Assert.Equal(401, await Call("/", cookie: page.Token));
        Assert.Equal(401, await Call("/", cookie: ""));
        var port = new Uri(page.Origin).Port;
        foreach (var host in (string[])["localhost", $"localhost:{port}", "127.0.0.1", $"127.0.0.1:{port + 1}", $"evil.example:{port}", $"127.0.0.1.evil.example:{port}", $"[::1]:{port}"])
            Assert.Equal(421, await Call("/", cookie: cookie, host: host));
        foreach (var origin in (string?[])[null, "null", "http://evil.example", "http://127.0.0.1", $"http://127.0.0.1:{port + 1}", $"http://localhost:{port}", $"https://127.0.0.1:{port}", $"http://127.0.0.1:{port}.evil.example"])
            Assert.Equal(403, await Call("/approve", $"id={id}", origin: origin, cookie: cookie));
        Assert.Equal(415, await Call("/approve", $"id={id}", cookie: cookie, type: "text/plain"));
        Assert.Equal(415, await Call("/approve", $"{{\"id\":\"{id}\"}}", cookie: cookie, type: "application/json"));
        foreach (var method in (string[])["PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"])
            Assert.Equal(405, await Call("/", cookie: cookie, method: method));
        // A GET changes nothing, and a page of the other program does not exist.
        Assert.Equal(404, await Call($"/approve?id={id}&sure=yes", cookie: cookie));
        Assert.Equal(404, await Call("/use", $"id={id}", cookie: cookie));
        Assert.Equal("PENDING", await State(id));

        Assert.Equal(303, await Call("/approve", $"id={id}&back=//evil.example", cookie: cookie));
        Assert.Equal("APPROVED", await State(id));
    }

    [PeopleFact]
    public async Task Page_is_for_the_account_that_started_it()
    {
        var page = await Serve(Alice, "tsh");
        foreach (var person in (Person[])[Bob, Daemon.Administrator])
        {
            var enters = await person.Types("curl", "-s", "-i", $"{page.Origin}/enter", "-H", $"Origin: {page.Origin}", "-d", $"token={page.Token}");
            Assert.StartsWith("HTTP/1.1 403 ", enters.Done(), StringComparison.Ordinal);
            Assert.Contains("belongs to another account", enters.Output);
        }
        Assert.StartsWith("HTTP/1.1 303 ", (await Alice.Types("curl", "-s", "-i", $"{page.Origin}/enter", "-H", $"Origin: {page.Origin}", "-d", $"token={page.Token}")).Done(), StringComparison.Ordinal);
    }

    [PeopleFact]
    public async Task Every_answer_has_the_headers_that_fence_it()
    {
        var page = await Serve(Daemon.Administrator, "tctl");
        using var http = new HttpClient { BaseAddress = new Uri(page.Origin) };
        foreach (var path in (string[])["/", "/style.css", "/page.js", "/icon.svg", "/nothing"])
        {
            using var answer = await http.GetAsync(path);
            Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
            Assert.Equal("default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
            foreach (var (name, value) in new[] { ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin") })
                Assert.Equal(value, answer.Headers.GetValues(name).Single());
        }
    }
}
