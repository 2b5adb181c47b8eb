namespace CertAuthority.Tests.EndToEnd;

/// <summary>A clock that is set while the daemon runs, with sshd as the judge of what is still revoked.</summary>
public sealed class ClockTests
{
    [PeopleFact]
    public async Task Wrong_clock_grants_nothing_and_forgets_nothing()
    {
        using var scratch = new Scratch();
        var clock = new TimeOfDay(scratch.Path);
        await using var daemon = await TestDaemon.Start(scratch, clock.Around);
        var (alice, bob) = (daemon.Person(Person.Alice), daemon.Person(Person.Bob));
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: role, version: v7, metadata: {name: everywhere}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}\n---\n{kind: role, version: v7, metadata: {name: asks}, spec: {allow: {request: {roles: [everywhere]}}}}")).Done();
        foreach (var (name, roles) in ((string, string)[])[("alice", "everywhere"), ("bob", "everywhere,asks")])
            (await daemon.Administrator.Types("tctl", "users", "add", name, $"--roles={roles}")).Done();
        (await alice.Types("tsh", "login")).Done();
        (await bob.Types("tsh", "login")).Done();
        var host = await TestHost.Create(daemon, "db1");
        Assert.True(await host.LetsIn(alice, "postgres"), host.Log);
        (await daemon.Administrator.Types("tctl", "certs", "revoke", "--user=bob")).Done();
        var filed = (await bob.Types("tsh", "request", "create", "--roles=everywhere", "--nowait")).Done();

        // Two months ahead: each certificate is long over by that clock.
        clock.Set(TimeSpan.FromDays(60));
        await Eventually.Holds(() => daemon.Log.Contains("nothing is granted until it is right again", StringComparison.Ordinal));

        var login = await alice.Types("tsh", "login");
        Assert.Equal(1, login.ExitCode);
        Assert.Matches("^tsh: error: the clock of the authority's host shows .*Z where it should show .*Z, so nothing is granted\ntsh: hint: root there sets it right, or says that it is right: tctl clock accept\n$", login.Error);
        Assert.Equal(1, (await bob.Types("tsh", "request", "create", "--roles=everywhere", "--nowait")).ExitCode);
        var status = await daemon.Administrator.Types("tctl", "status");
        Assert.Equal(1, status.ExitCode);
        Assert.Matches("tctl: error: the clock of this host shows .* where it should show .*, so nothing is granted\n", status.Error);
        // What is revoked now is revoked, and what was stays so.
        (await daemon.Administrator.Types("tctl", "lock", "--user=alice")).Done();
        Assert.False(await host.LetsIn(alice, "postgres"));
        Assert.Contains("revoked", host.Log);
        Assert.False(await host.LetsIn(bob, "postgres"));
        Assert.Contains("revoked", host.Log);
        // Nothing has ended either.
        Assert.Contains("PENDING", (await daemon.Administrator.Types("tctl", "requests", "ls")).Done());

        // A daemon that is started meanwhile knows of it.
        await daemon.Stop();
        await daemon.Restart(around: clock.Around);
        await Eventually.Holds(() => daemon.Log.Split("nothing is granted until it is right again").Length == 3);
        Assert.Equal(1, (await bob.Types("tsh", "login")).ExitCode);
        Assert.False(await host.LetsIn(bob, "postgres"));

        // Set right, all is as before.
        clock.Set(TimeSpan.Zero);
        await Eventually.Holds(() => daemon.Log.Contains("the clock is where it should be again", StringComparison.Ordinal));
        (await bob.Types("tsh", "login")).Done();
        Assert.True(await host.LetsIn(bob, "postgres"), host.Log);
        var audit = (await daemon.Administrator.Types("tctl", "audit", "ls")).Done();
        Assert.Contains("clock.stepped", audit);
        Assert.Contains("clock.agreed", audit);
        Assert.Equal((await daemon.Administrator.Types("tctl", "requests", "ls")).Done().Split("PENDING").Length, filed.Length > 0 ? 2 : 0);
    }

    [PeopleFact]
    public async Task Clock_accepted_by_root_keeps_expired_requests_expired()
    {
        using var scratch = new Scratch();
        var clock = new TimeOfDay(scratch.Path, TimeSpan.FromDays(60));
        await using var daemon = await TestDaemon.Start(scratch, clock.Around);
        var bob = daemon.Person(Person.Bob);
        (await daemon.Administrator.Types(["tctl", "create"], "{kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}\n---\n{kind: role, version: v7, metadata: {name: asks}, spec: {allow: {request: {roles: [dba]}}}}")).Done();
        (await daemon.Administrator.Types("tctl", "users", "add", "bob", "--roles=asks")).Done();
        (await bob.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done();
        Assert.Equal((1, "tctl: error: the clock is where it should be\n"), (await daemon.Administrator.Types("tctl", "clock", "accept")) is var early ? (early.ExitCode, early.Error) : default);
        // Two days on and accepted: the request has expired.
        clock.Set(TimeSpan.FromDays(62));
        await Eventually.Holds(() => daemon.Log.Contains("nothing is granted until it is right again", StringComparison.Ordinal));
        await Eventually.Holds(async () => (await daemon.Administrator.Types("tctl", "clock", "accept")).ExitCode == 0, "the step is accepted");
        Assert.Contains("EXPIRED", (await daemon.Administrator.Types("tctl", "requests", "ls")).Done());

        clock.Set(TimeSpan.Zero);
        await Eventually.Holds(() => daemon.Log.Split("nothing is granted until it is right again").Length == 3);
        Assert.Equal(1, (await bob.Types("tctl", "clock", "accept")).ExitCode);
        Assert.Matches("^it is .* now, and not .*\n$", (await daemon.Administrator.Types("tctl", "clock", "accept")).Done());

        (await daemon.Administrator.Types("tctl", "status")).Done();
        Assert.Contains("EXPIRED", (await daemon.Administrator.Types("tctl", "requests", "ls")).Done());
        var entries = await AuditTests.About(daemon, "clock.*");
        // What was accepted has not come back by itself.
        Assert.Equal(["clock.accepted", "clock.stepped", "clock.accepted", "clock.stepped"], entries.Select(entry => entry.Event));
        Assert.Equal(["root", null, "root", null], entries.Select(entry => entry.Account));
        // By how much, for programs: from what it should have shown to what it showed.
        Assert.Equal([-62, -62, 2, 2], entries.Select(entry => Math.Round((DateTimeOffset.Parse(entry.Changes![0].New!) - DateTimeOffset.Parse(entry.Changes[0].Old!)).TotalDays)));
    }

    [Theory]
    [InlineData("1970-01-02")]
    [InlineData("9999-12-30")]
    public async Task Impossible_year_stops_the_start_with_an_error(string day)
    {
        using var scratch = new Scratch();
        var clock = new TimeOfDay(scratch.Path, DateTimeOffset.Parse(day + "T12:00:00Z") - TimeProvider.System.GetUtcNow());
        var refused = await TestDebian.Run([.. clock.Around, Path.Combine(World.Programs, "certauthority"), "--config=none", "--data-dir", scratch["data"], "--socket", scratch["run/ca.sock"]]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Matches($"certauthority: error: the clock of this host shows {day}[^ ]*, which cannot be right; set it, and start again\n$", refused.Error);
    }
}
