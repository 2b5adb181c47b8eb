using System.Buffers;
using System.Globalization;
using System.Net;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>
/// Builds the arguments of ssh. Names and addresses come from elsewhere and are checked again here: in the wrong place a leading dash is an
/// option, and ssh expands and splits the values of its own options.
/// </summary>
internal static class SshArguments
{
    private static readonly SearchValues<char> AddressStart = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_[");
    private static readonly SearchValues<char> AddressRest = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:[]-");

    /// <summary>Returns everything after the word ssh.</summary>
    /// <param name="home">The home; it has the key.</param>
    /// <param name="node">The node to connect to.</param>
    /// <param name="login">The login on the node.</param>
    /// <param name="command">The command to run there; empty for a shell.</param>
    /// <param name="certificate">The file of the certificate.</param>
    /// <param name="given">
    /// The options of ssh that the user gave. ssh uses the first value of each setting, so they come before ours; of keys it uses all, in
    /// order.
    /// </param>
    /// <param name="through">The command that connects through jump hosts; null to connect directly.</param>
    public static string[] For(
        Home home, ReachableNode node, string login, string[] command, string certificate, IReadOnlyList<string>? given = null,
        string? through = null)
    {
        PlainNames.CheckNode(node.Name);
        PlainNames.CheckLogin(login);
        var (host, port) = Endpoint(node.Address);
        return
        [
            // Not -i, because ssh then looks for the file before it removes the escapes.
            .. Identity(home, certificate).SelectMany(option => (string[])["-o", $"{option.Name}={option.Value}"]),
            .. given ?? [],
            "-o", "IdentitiesOnly=yes",
            // Never asks for a password. keyboard-interactive is the second factor of hosts that require one after the certificate.
            "-o", "PreferredAuthentications=publickey,keyboard-interactive",
            "-o", $"UserKnownHostsFile={KnownHosts(home)}",
            "-o", $"HostKeyAlias={node.Name}",
            .. through is null ? Array.Empty<string>() : ["-o", $"ProxyCommand={through}"],
            .. port is null ? Array.Empty<string>() : ["-p", port],
            "-l", login,
            "--", host, .. command,
        ];
    }

    /// <summary>Splits <c>host</c>, <c>host:port</c>, <c>[v6]</c> or <c>[v6]:port</c>.</summary>
    /// <exception cref="FailureException">The text has another form.</exception>
    public static (string Host, string? Port) Endpoint(string address) =>
        TryEndpoint(address)
            ?? throw new FailureException(
                $"'{address}' is not the address of a node", IsPlain(address) ? "an administrator corrects it: tctl edit node/NAME" : null);

    /// <summary>Splits an address; null if the text has another form.</summary>
    public static (string Host, string? Port)? TryEndpoint(string address)
    {
        var hostEnd = address.LastIndexOf(']') is var bracket and > 0 ? bracket + 1
            : address.IndexOf(':') is var colon and > 0 ? colon
            : address.Length;
        var v6 = address[..hostEnd] is ['[', .. var inside, ']'] ? inside : null;
        var host = v6 ?? address[..hostEnd];
        var rest = address[hostEnd..];
        // As the daemon checks them when a node is created: brackets are only for IPv6 addresses.
        if (!IsPlain(address) || host is "" or ['-', ..] || host.AsSpan().ContainsAny('[', ']')
            || (v6 is not null && !(v6.Contains(':') && IPAddress.TryParse(v6, out _)))
            || (rest is not ""
                && !(rest is [':', .. var digits] && ushort.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                    && port > 0)))
            return null;
        return (host, rest is "" ? null : rest[1..]);
    }

    /// <summary>Returns whether a text has only characters of addresses, so that at worst it is a wrong address.</summary>
    public static bool IsPlain(string address) => PlainNames.Fits(address, AddressStart, AddressRest, 300);

    /// <summary>Returns the options of ssh for a key and its certificate.</summary>
    /// <param name="home">The home; it has the key.</param>
    /// <param name="certificate">The file of the certificate.</param>
    public static (string Name, string Value)[] Identity(Home home, string certificate) =>
        home.KeyIsInAgentOnly && !home.IsForOneNode(certificate)
            // ssh pairs a CertificateFile with a plain key. If only the agent has the key, and has it as this certificate, the certificate
            // is the identity.
            ? [("IdentityFile", Path(certificate))]
            : [("IdentityFile", Path(home.Key)), ("CertificateFile", Path(certificate))];

    /// <summary>Returns the files with known host keys, as the value of an ssh option; ssh adds keys to the first one.</summary>
    public static string KnownHosts(Home home) =>
        File.Exists(home.KnownCas) ? $"{Path(home.KnownHosts)} {Path(home.KnownCas)}" : Path(home.KnownHosts);

    /// <summary>Returns a path as the value of an ssh option: ssh splits values at blanks, and expands %h and ${HOME} in paths.</summary>
    public static string Path(string path) =>
        path.AsSpan().ContainsAny("\"\\$\r\n")
            ? throw new FailureException($"ssh cannot use {path}", "set TSH_HOME to a path without quotes, backslashes and dollar signs")
            : $"\"{path.Replace("%", "%%")}\"";
}
