using System.Buffers;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// Writes the configuration of nodes for ssh and everything that runs it (scp, sftp, rsync, git). Names, addresses and roles come from
/// elsewhere; only text that can be nothing but a name or an address is included, and a shell sees literal names only: never %h, which can
/// be any text that somebody typed.
/// </summary>
internal static partial class SshConfig
{
    private const string Quoted = "\"";

    private static readonly SearchValues<char> NotInInclude = SearchValues.Create("\"\\%$*?[]{}\r\n");

    /// <summary>Returns the complete content of TSH_HOME/ssh_config.</summary>
    /// <param name="home">The home; it has the key and certificates.</param>
    /// <param name="list">The nodes that the user reaches or can request.</param>
    /// <param name="held">The certificates at hand.</param>
    /// <param name="perHost">Whether logins that these certificates do not open have their own certificates.</param>
    /// <param name="servers">
    /// The addresses of the daemon. Their hosts are left out: ssh must find them as before, and they never trust the authority.
    /// </param>
    /// <param name="tsh">The command with which a shell starts tsh for this home.</param>
    /// <param name="now">The current time.</param>
    public static string Text(Home home, NodeList list, Held held, bool perHost, ServerList servers, string tsh, DateTimeOffset now)
    {
        var text = new StringBuilder("# Written by tsh config, and again by each login. What is changed here by hand is lost.\n");
        var addresses = list.Nodes.CountBy(node => SshArguments.Endpoint(node.Address).Host).ToDictionary();
        foreach (var node in list.Nodes)
        {
            PlainNames.CheckNode(node.Name);
            var (host, port) = SshArguments.Endpoint(node.Address);
            if (servers.HasHost(node.Name) || servers.HasHost(host))
                continue;
            // People type the name of the node, or the name of the host if that means only one node.
            string[] names = addresses[host] == 1 && host != node.Name && !IPAddress.TryParse(host, out _) && host != "localhost"
                ? [node.Name, host]
                : [node.Name];
            text.Append($"\nHost {string.Join(' ', names)}\n    HostName {host}\n");
            if (port is not null)
                text.Append($"    Port {port}\n");
            if (node.Logins is [var only])
            {
                PlainNames.CheckLogin(only);
                text.Append($"    User {only}\n");
            }
            text.Append($"    HostKeyAlias {node.Name}\n    UserKnownHostsFile {SshArguments.KnownHosts(home)}\n");
            Logins(text, $"Match originalhost {string.Join(',', names)} user", home, node, held, perHost, tsh, now);
            Through(text, string.Join(',', names), node.Via);
        }
        var nodes = list.Nodes.Select(node => node.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var jump in (list.Jumps ?? []).Where(jump => !servers.HasHost(jump.Name)))
            Jump(text, home, jump, isNode: nodes.Contains(jump.Name), held, now);
        foreach (var node in list.Requestable.Where(node => !servers.HasHost(node.Name)))
        {
            PlainNames.CheckNode(node.Name);
            if (node.Roles is [var role, ..])
                CheckRole(role);
            var ask = node.Roles is []
                ? home.Command($"request create --resource=node/{node.Name}")
                : home.Command($"login --request-roles={node.Roles[0]}");
            text.Append(
                $"\nMatch originalhost {node.Name} exec {Quoted}sh -c '{{ echo tsh: {Words($"no access to {node.Name} now, this asks for it: {ask}")} >&2; false; }}'{Quoted}\n");
        }
        return text.ToString();
    }

    // ProxyJump runs another ssh, which reads this too.
    private static void Jump(StringBuilder text, Home home, JumpHost jump, bool isNode, Held held, DateTimeOffset now)
    {
        PlainNames.CheckNode(jump.Name);
        var (host, port) = SshArguments.Endpoint(jump.Address);
        if (!isNode)
            text.Append($"\nHost {jump.Name}\n    HostName {host}\n    Port {port ?? "22"}\n    HostKeyAlias {jump.Name}\n")
                .Append($"    UserKnownHostsFile {SshArguments.KnownHosts(home)}\n");
        // The one of today, and those that the next login, or the certificate of a single host, brings.
        string[] files = [
            .. held.For(JumpHost.Login, jump.Name, now) is { } today ? (string[])[today.File] : [], home.JumpCertificate,
            home.NodeCertificate(JumpHost.Login, jump.Name)];
        text.Append(
            $"Match originalhost {jump.Name} user {JumpHost.Login}\n{Options([.. files.Distinct().SelectMany(file => SshArguments.Identity(home, file)).Distinct(), ("IdentitiesOnly", "yes")])}");
        if (!isNode)
            Through(text, jump.Name, jump.Via);
    }

    // Last of all, so that what stops ssh before it connects takes precedence.
    private static void Through(StringBuilder text, string names, string? via)
    {
        if (via is null)
            return;
        PlainNames.CheckNode(via);
        text.Append($"Match originalhost {names}\n    ProxyJump {JumpHost.Login}@{via}\n");
    }

    // Each login gets the certificate that opens it, because servers count the keys that are offered. If it has expired and none can be
    // fetched, or if there is none yet, ssh stops before it connects: a host counts what it refuses against this address.
    private static void Logins(
        StringBuilder text, string match, Home home, ListedNode node, Held held, bool perHost, string tsh, DateTimeOffset now)
    {
        foreach (var login in node.Logins)
            PlainNames.CheckLogin(login);
        foreach (var opened in node.Logins.GroupBy(login => held.For(login, node.Name, now, node.Groups)))
        {
            var users = string.Join(',', opened);
            if (opened.Key is { } certificate)
            {
                foreach (var login in opened)
                    text.Append(
                        $"{match} {login} exec {Quoted}sh -c 'test $(date +%%s) -ge {certificate.Info.ValidBefore.ToUnixTimeSeconds()}'{Quoted} !exec {Quoted}{tsh} config renew {login}@{node.Name}{Quoted}\n    ProxyCommand false\n");
                // Renewing a certificate of the regular roles puts the new one in the place of the one that was requested.
                var renewed = certificate.Info.Requests is [] && certificate.File != home.Certificate
                    ? SshArguments.Identity(home, home.Certificate)
                    : [];
                text.Append(
                    $"{match} {users}\n{Options([.. SshArguments.Identity(home, certificate.File).Concat(renewed).Distinct(), ("IdentitiesOnly", "yes")])}");
            }
            else if (!perHost)
                text.Append($"{match} {users}\n{Stop($"your certificate does not open {node.Name} yet: {home.Command("login")}")}");
            else
                foreach (var login in opened)
                    text.Append(
                        $"{match} {login} !exec {Quoted}{tsh} config for-host {login}@{node.Name}{Quoted}\n    ProxyCommand false\n")
                        .Append(
                            $"{match} {login}\n{Options([.. SshArguments.Identity(home, home.NodeCertificate(login, node.Name)), ("IdentitiesOnly", "yes")])}");
        }
    }

    /// <summary>Returns the text for use after the certificates are gone.</summary>
    public static string LoggedOut(string text) => ValidUntil().Replace(text, "-ge 0'");

    /// <summary>
    /// Returns the text of <c>~/.ssh/config</c> with the block of this home at its top, so that no earlier setting can override it.
    /// </summary>
    /// <param name="text">The bytes of the file, one character for each, so that bytes that are not UTF-8 stay unchanged.</param>
    /// <param name="home">The home; it has the file to include.</param>
    public static string WithBlock(string text, Home home) =>
        $"{Begin(home)}\nInclude {Bytes(IncludePath(home.SshConfig, Accounts.OwnHome))}\n{End(home)}\n{WithoutBlock(text, home)}";

    /// <summary>Removes the block from the text, and leaves everything else unchanged.</summary>
    public static string WithoutBlock(string text, Home home)
    {
        var begin = text.IndexOf(Begin(home) + "\n", StringComparison.Ordinal);
        var end = begin < 0 ? -1 : text.IndexOf(End(home) + "\n", begin, StringComparison.Ordinal);
        return end < 0 ? text : text.Remove(begin, end + End(home).Length + 1 - begin);
    }

    /// <summary>
    /// Returns the command with which a shell that ssh starts runs this program for this home, whatever its environment is.
    /// </summary>
    public static string Program(Home home, string? program, string? chosenFolder)
    {
        var tsh = program is not null && IsQuotable(program) && Path.GetFileName(program) == "tsh" ? ShellWord(program) : "tsh";
        var folder = chosenFolder is null ? ""
            : IsQuotable(chosenFolder) ? $"env TSH_HOME={ShellWord(chosenFolder)} "
            : throw new FailureException(
                $"ssh cannot hand TSH_HOME {chosenFolder} to a shell", "choose a path without quotes, backslashes and control characters");
        return $"{folder}{tsh}{(home.Profile is null ? "" : $" --profile={home.Profile}")}";
    }

    /// <summary>
    /// Returns the value of Include for a file. A path below the account's home begins with ~, so that the home's name does not matter: ssh
    /// reads the rest as a pattern, and from release 9.9 on it expands % in the rest, but not in what ~ stands for.
    /// </summary>
    public static string IncludePath(string file, string? accountHome) =>
        accountHome is not null && file.StartsWith(accountHome + "/", StringComparison.Ordinal) && file[accountHome.Length..] is var below
            && !below.AsSpan().ContainsAny(NotInInclude) ? $"\"~{below}\""
        : !file.AsSpan().ContainsAny(NotInInclude) ? $"\"{file}\""
        : throw new FailureException($"ssh cannot include {file}", "set TSH_HOME to a path without any of \" \\ % $ * ? [ ] { }");

    private static string Options((string Name, string Value)[] options) =>
        string.Concat(options.Select(option => $"    {option.Name} {option.Value}\n"));

    private static string Stop(string line) => $"    ProxyCommand sh -c 'echo tsh: {Words(line)} >&2; exit 1'\n";

    // Plain words pass through the quoting of ssh and the shell unchanged; all other characters are left out.
    private static string Words(string line) => NotPlain().Replace(line, "");

    private static void CheckRole(string role)
    {
        if (!RoleName().IsMatch(role))
            throw new FailureException($"'{role}' is not the name of a role");
    }

    // Single quotes protect every character but themselves; ssh reads the whole command inside double quotes, and expands %.
    private static bool IsQuotable(string path) => !path.AsSpan().ContainsAny("'\"\\") && !path.Any(char.IsControl);

    private static string ShellWord(string path) => PlainPath().IsMatch(path) ? path : $"'{path.Replace("%", "%%")}'";

    private static string Bytes(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    private static string Begin(Home home) => $"# >>> tsh config {home.Profile ?? ""}".TrimEnd() + ": out with tsh config --remove";

    private static string End(Home home) => $"# <<< tsh config {home.Profile ?? ""}".TrimEnd();

    [GeneratedRegex("-ge [0-9]+'")]
    private static partial Regex ValidUntil();

    [GeneratedRegex("[^A-Za-z0-9 ,.:/=@_-]")]
    private static partial Regex NotPlain();

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{0,62}\\z")]
    private static partial Regex RoleName();

    [GeneratedRegex("^[A-Za-z0-9/._+-]+\\z")]
    private static partial Regex PlainPath();
}
