using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// Two daemons on one database whose machines have other accounts: on auth2, alice has the uid that bob has on auth1, and bob hers.
/// </summary>
public sealed class RealmTests(PostgresServer one) : IClassFixture<PostgresServer>, IAsyncLifetime
{
    private TwoDaemons both = null!;

    private TestDaemon Auth1 => both.Leader;

    private TestDaemon Auth2 => both.Follower;

    private Person AliceOnAuth2 => Auth2.Person(Person.Bob);

    public async Task InitializeAsync() =>
        both = await TwoDaemons.Start(one.Server, Fill, (both, folder) => $"database_realm: {(folder == both.First ? "auth1" : "auth2")}\n", OnAuth2);

    public async Task DisposeAsync() => await both.DisposeAsync();

    private static async Task Fill(TestDaemon daemon) =>
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v8, metadata: {name: access}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba]}, review_requests: {roles: [dba]}}}}
            ---
            {kind: role, version: v8, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: alice}, spec: {roles: [access], unix_users: [alice, alice@auth2]}}
            ---
            {kind: user, version: v2, metadata: {name: bob}, spec: {roles: [access], unix_users: ['5002']}}
            """)).Done();

    [PeopleFact]
    public async Task Account_of_another_machine_is_whose_entry_names_it()
    {
        (await AliceOnAuth2.Types("tsh", "login")).Done();
        Assert.Contains("user: alice\n", await Shown(AliceOnAuth2), StringComparison.Ordinal);

        // The uid of alice on auth1, whose account on auth2 is bob's, and whose uid on auth1 no entry means here.
        var refused = await Auth2.Person(Person.Alice).Types("tsh", "login");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("the account bob@auth2 belongs to no user", refused.Error, StringComparison.Ordinal);

        (await Auth1.Person(Person.Bob).Types("tsh", "login")).Done();
        Assert.Contains("user: bob\n", await Shown(Auth1.Person(Person.Bob)), StringComparison.Ordinal);
        var entries = (await Auth1.Administrator.Types("tctl", "audit", "ls", "--format=json")).Done();
        Assert.Contains("\"account\":\"alice@auth2\"", entries.Replace(": ", ":", StringComparison.Ordinal), StringComparison.Ordinal);
        var status = (await Auth1.Administrator.Types("tctl", "status")).Done();
        Assert.Matches("(?m)^daemon: .* leads .*, realm auth1, revocation list [0-9]+; this one answers$", status);
        Assert.Matches("(?m)^daemon: .* follows .*, realm auth2(, revocation list [0-9]+)?$", status);
    }

    [PeopleFact]
    public async Task Person_is_who_the_users_say_and_not_a_uid()
    {
        var id = Filed(await AliceOnAuth2.Types("tsh", "request", "create", "--roles=dba", "--nowait"));
        var own = await Auth1.Person(Person.Alice).Types("tsh", "request", "review", "--approve", id);
        Assert.NotEqual(0, own.ExitCode);
        Assert.Contains("nobody reviews their own request", own.Error, StringComparison.Ordinal);
        // The same number as that of the requester's account on auth2.
        (await Auth1.Person(Person.Bob).Types("tsh", "request", "review", "--approve", id)).Done();
        (await AliceOnAuth2.Types("tsh", "login", $"--request-id={id}")).Done();
    }

    [PeopleFact]
    public async Task Daemon_of_another_realm_takes_nothing_back_when_it_leads()
    {
        (await AliceOnAuth2.Types("tsh", "login")).Done();
        (await Auth1.Person(Person.Bob).Types("tsh", "login")).Done();
        await Auth1.Stop();
        await Auth2.Leads();
        (await Auth2.Administrator.Types(["tctl", "create"], "{kind: role, version: v8, metadata: {name: more}, spec: {allow: {logins: [x], node_labels: {'*': '*'}}}}")).Done();
        var live = (await Auth2.Administrator.Types("tctl", "certs", "ls", "--format=json")).Done();
        Assert.Equal(2, Regex.Count(live, "\"serial\""));
        Assert.DoesNotContain("\"revoked\": \"2", live, StringComparison.Ordinal);

        // Which accounts of the first realm leave a group, this machine does not learn.
        both.Second.Write("certauthority.yaml", both.Configuration("database_realm: auth2\nusers_from_groups: {staff: [access]}\n"));
        await Auth2.Signal("HUP");
        await Eventually.Holds(() => Auth2.Log.Contains("the configuration was not read again", StringComparison.Ordinal));
        Assert.Matches("(?m)^certauthority: error: users_from_groups is for machines of the first realm, and this one is of the realm auth2; ", Auth2.Log);
    }

    private static async Task<string> Shown(Person person) => (await person.Types("tsh", "status")).Output;

    private static string Filed(Outcome outcome) => outcome.Done().Split(' ')[1];

    private static string[] OnAuth2(Scratch second)
    {
        var passwd = second.Write("passwd", string.Concat(File.ReadAllLines("/etc/passwd").Select(line => line.Split(':') switch
        {
            ["alice", var secret, .. var rest] => $"alice:{secret}:{Person.Bob}:{string.Join(':', rest[1..])}\n",
            ["bob", var secret, .. var rest] => $"bob:{secret}:{Person.Alice}:{string.Join(':', rest[1..])}\n",
            _ => line + "\n",
        })));
        // A directory of its own over /etc, so that the file can be new.
        return ["unshare", "--mount", "sh", "-c", $"cp -a /etc {second["etc"]} && cp {passwd} {second["etc/passwd"]} && echo auth2 >{second["etc/machine-id"]} && mount --bind {second["etc"]} /etc && exec \"$@\"", "sh"];
    }
}
