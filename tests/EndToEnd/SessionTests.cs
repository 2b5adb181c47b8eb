using System.Diagnostics;
using Xunit.Abstractions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Many hosts, entered one by one within one login: it counts once.</summary>
public sealed class SessionTests(ITestOutputHelper output)
{
    [PeopleFact]
    public async Task Three_hundred_hosts_within_one_login_count_once()
    {
        await using var daemon = await TestDaemon.Start();
        var nodes = Enumerable.Range(1, 300).Select(n => $"{{kind: node, version: v2, metadata: {{name: web{n}, labels: {{type: web}}}}, spec: {{addr: web{n}.example.com}}}}\n---\n");
        (await daemon.Administrator.Types(["tctl", "create"], string.Concat(nodes) + """
            {kind: role, version: v8, metadata: {name: web}, spec: {allow: {logins: [deploy], node_labels: {type: web}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [web]}}
            """)).Done();
        var alice = daemon.Person(Person.Alice);
        (await alice.Types("bash", "-c", "mkdir -p \"$TSH_HOME\" && ssh-keygen -q -t ed25519 -N '' -f \"$TSH_HOME/key\"")).Done();
        // The limits are those that nobody changed: 10 logins a minute, 50 of them live.
        const string ask = """
            ask() { curl -s --unix-socket "${CERTAUTHORITY_SERVER#unix:}" -d "{\"public_key\": \"$(cat "$TSH_HOME/key.pub")\"$1}" http://ca/v1/my/certificates; }
            """;
        var session = (await alice.Types("bash", "-c", $"{ask}\nask | jq -r 'select(.per_host and .certificate == null) | .session'")).Done().Trim();

        Assert.Equal([$"{session} deploy@web1"], await Fetch(1, 1));

        // Each further one for a host that has one is a login of its own, as is a try for a host out of reach: nine of ten are left.
        var more = (await alice.Types("bash", "-c", $$"""
            {{ask}}
            for n in $(seq 5); do ask ", \"node\": \"web1\", \"session\": \"{{session}}\""; echo; done | jq -r 'select(.session != "{{session}}") | .info.principals[0]'
            for n in $(seq 5); do ask ", \"node\": \"db1\", \"session\": \"{{session}}\""; echo; done | jq -r .detail
            ask ", \"node\": \"web301\", \"session\": \"{{session}}\"" | jq -r .detail
            """)).Done();
        Assert.Equal(
            string.Concat(Enumerable.Repeat("deploy@web1\n", 5))
            + string.Concat(Enumerable.Repeat("there is no node \"db1\" within reach of the roles in use: web\n", 4))
            + string.Concat(Enumerable.Repeat("alice has tried to log in 10 times within a minute; that is the limit\n", 2)), more);

        // All others within the login are none, also now that no more logins are to be had.
        var watch = Stopwatch.StartNew();
        Assert.Equal(Enumerable.Range(2, 299).Select(n => $"{session} deploy@web{n}"), await Fetch(2, 300));
        output.WriteLine($"{watch.Elapsed.TotalMilliseconds / 299:0.0} ms for each host");

        // A session belongs to its user.
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: user, version: v2, metadata: {name: bob}, spec: {roles: [web]}}")).Done();
        Assert.Equal(
            "the login session has ended\n",
            (await daemon.Person(Person.Bob).Types("bash", "-c", $"mkdir -p \"$TSH_HOME\" && ssh-keygen -q -t ed25519 -N '' -f \"$TSH_HOME/key\"\n{ask}\nask ', \"node\": \"web2\", \"session\": \"{session}\"' | jq -r .detail")).Done());

        async Task<string[]> Fetch(int from, int to) => (await alice.Types("bash", "-c", $$"""
            {{ask}}
            for n in $(seq {{from}} {{to}}); do ask ", \"node\": \"web$n\", \"session\": \"{{session}}\""; echo; done | jq -r '"\(.session) \(.info.principals[0])"'
            """)).Done().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
