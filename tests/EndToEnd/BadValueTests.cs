using System.Text.RegularExpressions;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>
/// Every option of every command that takes a value, with values that it cannot take. The options come from the help, so that a new one is
/// tried too.
/// </summary>
public sealed partial class BadValueTests
{
    /// <summary>By what the help calls the value: values that are malformed whatever there is. The program or the daemon finds them.</summary>
    private static readonly Dictionary<string, string[]> Malformed = new()
    {
        ["DURATION"] = ["soon", "90", "-1h", "1h ", "1s1h"],
        ["TIME"] = ["tomorrow", "2027-13-01", "2027-01-31T18:00:00+1"],
        ["TIME|never"] = ["tomorrow", "2027-13-01", "always"],
        ["TIME|DURATION"] = ["tomorrow", "2027-13-01", "-1h"],
        ["N"] = ["0", "-1", "many", "99999999999999999999"],
        ["MINUTES"] = ["0", "-1", "soon"],
        ["PLACE"] = ["nowhere"],
        ["SEQ"] = ["first", "-1", "1.5", "99999999999999999999"],
        ["NUMBER"] = ["first", "-1"],
        ["KEY=VALUE"] = ["prod"],
        ["KEY=VALUE[,KEY=VALUE…]"] = ["prod"],
        ["STATE[,STATE…]"] = ["odd", "pending,odd"],
        ["KIND"] = ["odd"],
        ["unix:PATH|ssh://HOST[,…]"] = ["http://ca.example.com", "unix:relative", "ssh://", "ssh://a,unix:relative", "ssh://a,ssh://a", "ssh://a,"],
        ["[USER@]HOST[:PORT]"] = ["-oProxyCommand=true", "root@db1:port", "a b"],
        ["HOST[:PORT]"] = ["a b", "db1:port"],
        ["LOGIN[,LOGIN…]"] = ["-x", "postgres,root@db1@db2"],
        ["ADDRESS[,ADDRESS…]"] = ["nowhere", "192.0.2.1,nowhere"],
        ["node/NAME[,node/NAME…]"] = ["db1", "role/dba", "node/db1,node/", "node/db1@x"],
        ["FINGERPRINT"] = ["nowhere", "SHA256:", "SHA256:Yq8oJrDYLG6q6nPzNqmnbMFyMpXlxCyZ2J3PYiMNVA"],
        ["FINGERPRINT[,FINGERPRINT…]"] = ["nowhere", "SHA256:", "SHA256:Yq8oJrDYLG6q6nPzNqmnbMFyMpXlxCyZ2J3PYiMNVA", ","],
        ["LOGIN"] = ["a b", "-x", "root@db1@db2", "0"],
    };

    /// <summary>The rest of the line, so that only the value is wrong. FILE is a file that is none of what is wanted, ID a pending request.</summary>
    private static readonly Dictionary<string, string> With = new()
    {
        ["tsh login"] = "--request-roles=dba",
        ["tsh ssh"] = "db1",
        ["tsh certs revoke"] = "--all",
        ["tsh request create"] = "--roles=dba",
        ["tsh request show"] = "ID",
        ["tsh request review"] = "ID --approve",
        ["tsh request cancel"] = "ID",
        ["tsh request drop"] = "ID",
        ["tctl create"] = "FILE",
        ["tctl apply"] = "FILE",
        ["tctl get"] = "roles",
        ["tctl rm"] = "role/nobody",
        ["tctl edit"] = "role/nobody",
        ["tctl lock"] = "--user=nobody",
        ["tctl lock --login"] = "",
        ["tctl users add"] = "new --roles=plain",
        ["tctl users update"] = "me --set-roles=plain",
        ["tctl users rm"] = "nobody",
        ["tctl nodes token"] = "web7",
        ["tctl nodes end-token"] = "0123456789abcdef",
        ["tctl nodes admit"] = "web7",
        ["tctl nodes refuse"] = "web7",
        ["tctl requests get"] = "ID",
        ["tctl requests create"] = "me --roles=dba",
        ["tctl requests approve"] = "ID",
        ["tctl requests deny"] = "ID",
        ["tctl requests rm"] = "ID",
        ["tctl requests capabilities"] = "me",
        ["tctl access explain"] = "me",
        ["tctl access who"] = "--node=db1",
        ["tctl auth export"] = "--type=user",
        ["tctl auth sign"] = "--host=db1 FILE",
        ["tctl auth rotate"] = "user",
        ["tctl nodes enroll"] = "db1 --ssh=root@127.0.0.1:1",
        ["tctl nodes enroll --from"] = "",
        ["tctl nodes harden"] = "db1 --ssh=root@127.0.0.1:1",
        ["tctl nodes sync"] = "db1",
        ["tctl nodes export"] = "db1",
        ["tctl nodes rm"] = "nobody",
        ["tctl certs revoke"] = "--all --yes",
        ["tctl backup"] = "/nowhere/backup",
        ["tctl audit prove"] = "--seq=1",
        ["tctl audit export"] = "/nowhere/export",
        ["tctl audit archive"] = "/nowhere/archive",
        ["tctl access review start"] = "--report=FILE",
        ["tctl access review done"] = "1 --report=FILE --key=FILE",
    };

    [Fact]
    public async Task Malformed_value_is_a_usage_error_that_names_its_option()
    {
        await using var daemon = await TestDaemon.Start(configuration: TestDaemon.ManyLogins);
        (await daemon.Administrator.Types(["tctl", "create"], """
            {kind: role, version: v7, metadata: {name: plain}, spec: {allow: {logins: [deploy], node_labels: {'*': '*'}, request: {roles: [dba]}}}}
            ---
            {kind: role, version: v7, metadata: {name: dba}, spec: {allow: {logins: [postgres], node_labels: {'*': '*'}}}}
            ---
            {kind: user, version: v2, metadata: {name: me}, spec: {roles: [plain], unix_users: ['ACCOUNT']}}
            ---
            {kind: node, version: v2, metadata: {name: db1}, spec: {addr: db1.example.com}}
            """.Replace("ACCOUNT", World.Account))).Done();
        (await daemon.Myself.Types("tsh", "login")).Done();
        var id = (await daemon.Myself.Types("tsh", "request", "create", "--roles=dba", "--nowait")).Done().Split(' ')[1];
        var file = daemon.Scratch.Write("file.pub", "no key, and no resource");

        var (faults, tried, free) = (new List<string>(), 0, new HashSet<string>());
        foreach (var (person, root) in ((Person, string)[])[(daemon.Myself, "tsh"), (daemon.Administrator, "tctl")])
            foreach (var (command, options) in await Commands(person, root))
                foreach (var (option, kind) in options)
                {
                    if (ValuesOf(kind) is not { } values)
                    {
                        free.Add(kind);
                        continue;
                    }
                    foreach (var value in values)
                    {
                        tried++;
                        var rest = (With.GetValueOrDefault($"{command} {option}") ?? With.GetValueOrDefault(command, "")).Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => !word.StartsWith($"{option}=", StringComparison.Ordinal));
                        var said = await person.Types(
                            ["timeout", "20", .. command.Split(' '), .. rest.Select(word => word switch { "ID" => id, "FILE" => file, _ => word }), $"{option}={value}"], "");
                        if (Fault(said, root, option) is { } fault)
                            faults.Add($"{command} {option}='{value}': {fault}: exit {said.ExitCode}: {said.Error.Trim()} {said.Output[..Math.Min(said.Output.Length, 100)].Trim()}");
                    }
                }
        Assert.True(faults.Count == 0, $"{faults.Count} of {tried}:\n{string.Join('\n', faults)}");
        Assert.True(tried > 200, $"only {tried} were found in the help");
        // What is looked up, opened or only stored can be unknown, but not malformed.
        Assert.Equal(
            ["ACCOUNT", "ACCOUNT[,ACCOUNT…]", "CHECKPOINT", "DIR", "EVENT[,EVENT…]", "FILE", "FILE.pub", "FILE|-", "FOLDER", "ID", "ID[,ID…]", "NAME", "NODE", "NODE[,NODE…]", "PATTERN[,PATTERN…]", "ROLE", "ROLE[,ROLE…]", "TEXT", "USER", "USER[,USER…]", "WORDS"],
            free.Order(StringComparer.Ordinal));
    }

    private static string[]? ValuesOf(string kind) => Malformed.GetValueOrDefault(kind) ?? (Enumeration().IsMatch(kind) ? ["odd", "text,json", "1"] : null);

    private static string? Fault(Outcome said, string root, string option)
    {
        var lines = said.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return said.ExitCode != 2 ? "it is no usage error"
            : said.Output.Length > 0 ? "it prints data"
            : lines.Count(line => line.StartsWith($"{root}: error: ", StringComparison.Ordinal)) != 1 ? "there is not one error"
            : !lines[0].StartsWith($"{root}: error: {option}", StringComparison.Ordinal) ? "it does not name the option"
            : lines.Any(line => !line.StartsWith($"{root}: ", StringComparison.Ordinal)) || said.Error.Contains(" fault of ", StringComparison.Ordinal) ? "a stack trace"
            : null;
    }

    /// <summary>The commands below one, each with its options that take a value.</summary>
    private static async Task<List<(string Command, List<(string Option, string Kind)> Options)>> Commands(Person person, string command)
    {
        var help = (await person.Types([.. command.Split(' '), "--help"])).Done();
        var found = new List<(string, List<(string, string)>)>();
        if (!help.Contains("\nCommands:\n", StringComparison.Ordinal))
            found.Add((command, [.. Option().Matches(help).Select(one => (one.Groups["name"].Value, one.Groups["kind"].Value))]));
        foreach (Match subcommand in Subcommand().Matches(help.Contains("\nCommands:\n", StringComparison.Ordinal) ? help[help.IndexOf("\nCommands:\n", StringComparison.Ordinal)..] : ""))
            if (subcommand.Groups["name"].Value is not ("help" or "completion" or "version" or "relay"))
                found.AddRange(await Commands(person, $"{command} {subcommand.Groups["name"].Value}"));
        return found;
    }

    [GeneratedRegex(@"^  (-\w, )*(?<name>--[a-z-]+) <(?<kind>[^>]+)>", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Option();

    [GeneratedRegex(@"^  (?<name>[a-z]+)( |,|$)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Subcommand();

    // text|json, live|expired|revoked
    [GeneratedRegex(@"^([a-z]+\|)+[a-z]+$", RegexOptions.ExplicitCapture)]
    private static partial Regex Enumeration();
}
