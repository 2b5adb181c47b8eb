using System.Buffers;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// What ssh, and all that runs it (scp, sftp, rsync, git), is told about nodes: text for its own configuration. Names, addresses and
/// roles come from elsewhere; only what can be nothing but a name or an address gets in, and a shell sees literal names only: never %h,
/// which is whatever somebody typed.
/// </summary>
internal static partial class SshConfig
{
    private const string Quoted = "\"";

    private static readonly SearchValues<char> NotInInclude = SearchValues.Create("\"\\%$*?[]{}\r\n");

    /// <summary>The whole of TSH_HOME/ssh_config.</summary>
    /// <param name="home">Has key and certificates.</param>
    /// <param name="list">What is within reach, and what could be.</param>
    /// <param name="held">The certificates at hand.</param>
    /// <param name="perHost">Whether logins that these do not open have certificates of their own.</param>
    /// <param name="server">
    /// Where the daemon is. Its host is left out: ssh has to find it as it always did, and it never trusts the authority.
    /// </param>
    /// <param name="tsh">How a shell starts tsh for this home.</param>
    /// <param name="now">When it is.</param>
    public static string Text(Home home, NodeList list, Held held, bool perHost, ServerAddress server, string tsh, DateTimeOffset now)
    {
        var daemonHost = (server as ServerAddress.Ssh)?.Host;
        var text = new StringBuilder("# Written by tsh config, and again by each login. What is changed here by hand is lost.\n");
        var addresses = list.Nodes.CountBy(node => SshArguments.Endpoint(node.Address).Host).ToDictionary();
        foreach (var node in list.Nodes)
        {
            PlainNames.CheckNode(node.Name);
            var (host, port) = SshArguments.Endpoint(node.Address);
            if (node.Name == daemonHost || host == daemonHost)
                continue;
            // What people type is the name of the node, or the name of the host where that means one node only.
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
        }
        foreach (var node in list.Requestable.Where(node => node.Name != daemonHost))
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

    // Each login gets the certificate that opens it: servers count what is offered. Where it has ended and none can be fetched, or there is
    // none yet,
    // ssh stops before it connects: a host counts what it refuses against this address.
    private static void Logins(
        StringBuilder text, string match, Home home, ListedNode node, Held held, bool perHost, string tsh, DateTimeOffset now)
    {
        foreach (var login in node.Logins)
            PlainNames.CheckLogin(login);
        foreach (var opened in node.Logins.GroupBy(login => held.For(login, node.Name, now)))
        {
            var users = string.Join(',', opened);
            if (opened.Key is { } certificate)
            {
                foreach (var login in opened)
                    text.Append(
                        $"{match} {login} exec {Quoted}sh -c 'test $(date +%%s) -ge {certificate.Info.ValidBefore.ToUnixTimeSeconds()}'{Quoted} !exec {Quoted}{tsh} config renew {login}@{node.Name}{Quoted}\n    ProxyCommand false\n");
                // What renews a certificate of the regular roles puts it in the place of what was asked for.
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

    /// <summary>The same text once there is no certificate any more.</summary>
    public static string LoggedOut(string text) => ValidUntil().Replace(text, "-ge 0'");

    /// <summary>
    /// The text of <c>~/.ssh/config</c> with the block of this home at its top, where nothing that stands before can win.
    /// </summary>
    /// <param name="text">The bytes of the file, each as a character, so that what is not UTF-8 stays as it is.</param>
    /// <param name="home">Has the file to include.</param>
    public static string WithBlock(string text, Home home) =>
        $"{Begin(home)}\nInclude {Bytes(IncludePath(home.SshConfig, Accounts.OwnHome))}\n{End(home)}\n{WithoutBlock(text, home)}";

    /// <summary>The same without it. Nothing else is touched.</summary>
    public static string WithoutBlock(string text, Home home)
    {
        var begin = text.IndexOf(Begin(home) + "\n", StringComparison.Ordinal);
        var end = begin < 0 ? -1 : text.IndexOf(End(home) + "\n", begin, StringComparison.Ordinal);
        return end < 0 ? text : text.Remove(begin, end + End(home).Length + 1 - begin);
    }

    /// <summary>How a shell that ssh starts runs this very program for this home, whatever its environment is then.</summary>
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
    /// The value of Include for a file. What is below the account's home begins with ~, so that the name of the home cannot matter: ssh
    /// reads the rest as a pattern, and from release 9.9 on expands % in it, but not in what ~ stands for.
    /// </summary>
    public static string IncludePath(string file, string? accountHome) =>
        accountHome is not null && file.StartsWith(accountHome + "/", StringComparison.Ordinal) && file[accountHome.Length..] is var below
            && !below.AsSpan().ContainsAny(NotInInclude) ? $"\"~{below}\""
        : !file.AsSpan().ContainsAny(NotInInclude) ? $"\"{file}\""
        : throw new FailureException($"ssh cannot include {file}", "set TSH_HOME to a path without any of \" \\ % $ * ? [ ] { }");

    private static string Options((string Name, string Value)[] options) =>
        string.Concat(options.Select(option => $"    {option.Name} {option.Value}\n"));

    private static string Stop(string line) => $"    ProxyCommand sh -c 'echo tsh: {Words(line)} >&2; exit 1'\n";

    // Plain words pass through ssh's quotes and the shell's; anything else is left out.
    private static string Words(string line) => NotPlain().Replace(line, "");

    private static void CheckRole(string role)
    {
        if (!RoleName().IsMatch(role))
            throw new FailureException($"'{role}' is not the name of a role");
    }

    // Single quotes keep every character but themselves; ssh reads the whole command inside double quotes, and expands %.
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
